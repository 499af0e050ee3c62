package io.stillpoint.vault.read;

import io.stillpoint.platform.MemoryBudget;
import io.stillpoint.vault.index.ItemIndex;

/// What an open index has taken of the memory budget: more as the vault grows. Safe for use by several threads; the lock covers
/// the share.
final class IndexMemory implements AutoCloseable {
    private long bytes;
    private MemoryBudget.Shares share;
    private boolean isClosed;

    IndexMemory(ItemIndex index) {
        bytes = needed(index);
        share = take(bytes);
    }

    private static long needed(ItemIndex index) {
        return Math.max(0, index.entries() * ItemIndex.BYTES_PER_ENTRY - ItemIndex.BYTES_OF_ALL);
    }

    private static MemoryBudget.Shares take(long bytes) {
        return MemoryBudget.ofProcess().take(1, 1, bytes);
    }

    /// Takes what the index needs now.
    synchronized void adjust(ItemIndex index) {
        long now = needed(index);
        if (now != bytes && !isClosed) {
            share.close();
            share = take(now);
            bytes = now;
        }
    }

    @Override
    public synchronized void close() {
        isClosed = true;
        share.close();
    }
}
