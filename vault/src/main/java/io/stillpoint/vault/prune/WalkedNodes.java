package io.stillpoint.vault.prune;

import io.stillpoint.vault.crypto.ItemId;

/// Nodes that were walked, as many of them as there is room for: the last ones, more or less. A node that has been forgotten is
/// walked again, which costs time and nothing else. Its memory is fixed, however large the vault. Safe for use by many threads;
/// each lock covers one part of the table.
final class WalkedNodes {
    /// An entry is the first half of an id, a keyed hash, which tells it apart.
    private static final int ENTRY_LONGS = 2;

    private static final int BUCKET = 4;
    private static final int PARTS = 64;

    private final Part[] parts = new Part[PARTS];

    /// @param bytes of memory
    WalkedNodes(long bytes) {
        int buckets =
                Math.toIntExact(
                        Long.highestOneBit(
                                Math.max(1, bytes / PARTS / BUCKET / ENTRY_LONGS / Long.BYTES)));
        for (int i = 0; i < PARTS; i++) {
            parts[i] = new Part(buckets);
        }
    }

    /// Notes the node. Returns false only if it was noted before.
    boolean isNew(ItemId id) {
        return parts[(int) id.b() & PARTS - 1].isNew(id.a(), id.b());
    }

    private static final class Part {
        private final long[] slots;
        private final int buckets;

        Part(int buckets) {
            this.buckets = buckets;
            slots = new long[buckets * BUCKET * ENTRY_LONGS];
        }

        /// In a bucket the newest stands first, and pushes out the oldest.
        synchronized boolean isNew(long a, long b) {
            int from = ((int) a & buckets - 1) * BUCKET * ENTRY_LONGS;
            int end = from + BUCKET * ENTRY_LONGS;
            for (int at = from; at < end; at += ENTRY_LONGS) {
                if (slots[at] == a && slots[at + 1] == b) {
                    return false;
                }
            }
            System.arraycopy(slots, from, slots, from + ENTRY_LONGS, end - from - ENTRY_LONGS);
            slots[from] = a;
            slots[from + 1] = b;
            return true;
        }
    }
}
