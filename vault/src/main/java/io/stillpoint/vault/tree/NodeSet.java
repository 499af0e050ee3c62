package io.stillpoint.vault.tree;

import io.stillpoint.vault.crypto.ItemId;

/// A set of node ids in 16 bytes each: the first half of an id, a keyed hash, tells it apart. Open addressing.
public final class NodeSet {
    private static final int FIRST = 1 << 10;

    private long[] slots = new long[2 * FIRST];
    private int size;

    /// Returns whether it was not there before.
    public boolean add(ItemId id) {
        if (2 * (size + 1) > slots.length / 2) {
            grow();
        }
        boolean isNew = put(slots, id.a(), id.b());
        size += isNew ? 1 : 0;
        return isNew;
    }

    public int size() {
        return size;
    }

    private void grow() {
        long[] larger = new long[Math.multiplyExact(slots.length, 2)];
        for (int i = 0; i < slots.length; i += 2) {
            if (slots[i] != 0 || slots[i + 1] != 0) {
                put(larger, slots[i], slots[i + 1]);
            }
        }
        slots = larger;
    }

    /// The pair of zeros marks a free slot; no id begins with 16 zero bytes but by a chance of 2^-128.
    private static boolean put(long[] into, long a, long b) {
        int mask = into.length / 2 - 1;
        for (int slot = (int) a & mask; ; slot = slot + 1 & mask) {
            long first = into[2 * slot];
            long second = into[2 * slot + 1];
            if (first == a && second == b) {
                return false;
            }
            if (first == 0 && second == 0) {
                into[2 * slot] = a;
                into[2 * slot + 1] = b;
                return true;
            }
        }
    }
}
