package io.stillpoint.vault.read;

import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.MemoryBudget;
import java.util.ArrayDeque;
import java.util.Deque;

/// Readers of a vault's chunks that threads borrow for one read each: as many as there are workers, or as memory is there
/// for. Who finds none waits for one; since nobody who has one waits for anything but the store, one always comes back.
/// Safe for use by several threads.
public final class ChunkReaders implements AutoCloseable {
    private final Contents contents;
    private final MemoryBudget.Shares memory;
    private final Deque<ChunkReader> idle = new ArrayDeque<>();
    private int made;

    public ChunkReaders(Contents contents) {
        this.contents = contents;
        memory = MemoryBudget.ofProcess().take(1, contents.workers(), ChunkReader.MEMORY);
    }

    synchronized ChunkReader borrow() {
        while (idle.isEmpty() && made == memory.count()) {
            try {
                wait();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new CancelledException();
            }
        }
        if (idle.isEmpty()) {
            made++;
            return new ChunkReader(contents);
        }
        return idle.pop();
    }

    synchronized void giveBack(ChunkReader reader) {
        idle.push(reader);
        notifyAll();
    }

    /// When all have been given back.
    @Override
    public synchronized void close() {
        idle.forEach(ChunkReader::close);
        idle.clear();
        memory.close();
    }
}
