package io.stillpoint.engine;

import io.stillpoint.vault.session.IntakeProgress;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// Sums up how far the disks of a job have come, and what was read of them.
public final class StoreProgress implements IntakeProgress {
    private final JobEvents events;
    private final Map<String, Long> positions = new ConcurrentHashMap<>();
    private volatile long total;

    public StoreProgress(JobEvents events) {
        this.events = events;
    }

    /// Begins with other disks, of so many bytes together.
    public void begin(long bytes) {
        positions.clear();
        total = bytes;
    }

    @Override
    public void reached(String disk, long position) {
        positions.put(disk, position);
        events.progressed(positions.values().stream().mapToLong(Long::longValue).sum(), total);
    }

    @Override
    public void read(String disk, long bytes) {
        events.read(bytes);
    }
}
