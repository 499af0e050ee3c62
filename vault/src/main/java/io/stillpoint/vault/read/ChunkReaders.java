package io.stillpoint.vault.read;

import io.stillpoint.platform.JobShare;
import io.stillpoint.platform.MemoryBudget;
import io.stillpoint.platform.Processors;
import java.util.ArrayDeque;
import java.util.Deque;

/// Readers of a vault's chunks that threads borrow for one read each: as many as there are processors, or as memory is there
/// for. Who finds none waits for one; since nobody who has one waits for anything but the store, one always comes back.
/// Safe for use by several threads.
public final class ChunkReaders implements AutoCloseable {
    private final Contents contents;
    private final MemoryBudget.Shares memory;
    private final Deque<ChunkReader> idle = new ArrayDeque<>();
    private int made;

    /// @param job whose least has room for one reader
    public ChunkReaders(Contents contents, JobShare job) {
        this.contents = contents;
        memory = job.take(1, contents.process().processors().count(), ChunkReader.MEMORY);
    }

    synchronized ChunkReader borrow() {
        while (idle.isEmpty() && made == memory.count()) {
            Processors.await(this::wait);
        }
        if (idle.isEmpty()) {
            made++;
            return new ChunkReader(contents);
        }
        return idle.pop();
    }

    synchronized void giveBack(ChunkReader reader) {
        idle.push(reader);
        while (!idle.isEmpty() && memory.mustShrink()) {
            idle.pop().close();
            made--;
            memory.shrink();
        }
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
