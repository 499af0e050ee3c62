package io.stillpoint.vault.read;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.MemoryBudget;
import io.stillpoint.vault.index.ItemIndex;

/// What an open index keeps of the memory budget: more as the vault grows. Safe for use by several threads; the lock covers what
/// is kept.
final class IndexMemory implements AutoCloseable {
    private final MemoryBudget budget;
    private long bytes;
    private Cancellation.Scope kept;
    private boolean isClosed;

    IndexMemory(MemoryBudget budget, ItemIndex index) {
        this.budget = budget;
        bytes = needed(index);
        kept = budget.keep(bytes);
    }

    private static long needed(ItemIndex index) {
        return Math.max(0, index.entries() * ItemIndex.BYTES_PER_ENTRY - ItemIndex.BYTES_OF_ALL);
    }

    /// Keeps what the index needs now.
    synchronized void adjust(ItemIndex index) {
        long now = needed(index);
        if (now != bytes && !isClosed) {
            kept.close();
            kept = budget.keep(now);
            bytes = now;
        }
    }

    @Override
    public synchronized void close() {
        if (!isClosed) {
            isClosed = true;
            kept.close();
        }
    }
}
