package io.stillpoint.engine;

import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.vault.IntakeProgress;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// Sums up how far the disks of a job have come.
final class StoreProgress implements IntakeProgress {
    private final JobEvents events;
    private final Map<String, Long> positions = new ConcurrentHashMap<>();
    private volatile long total;

    StoreProgress(JobEvents events) {
        this.events = events;
    }

    void start(Collection<BlockSource> sources) {
        total = sources.stream().mapToLong(BlockSource::size).sum();
    }

    @Override
    public void reached(String disk, long position) {
        positions.put(disk, position);
        events.progressed(positions.values().stream().mapToLong(Long::longValue).sum(), total);
    }
}
