package io.stillpoint.cli;

import io.stillpoint.vault.session.IntakeProgress;
import java.util.HashMap;
import java.util.Map;

/// Shows how far the disks of one or more points have been stored together. Safe for several threads.
final class IntakeBar implements IntakeProgress {
    private final ConsoleEvents events;
    private final Map<String, Long> positions = new HashMap<>();
    private long total;

    /// Of disks whose names have come again since: those of an earlier point.
    private long before;

    IntakeBar(ConsoleEvents events) {
        this.events = events;
    }

    /// Begins with other disks, of so many bytes together.
    synchronized void begin(long bytes) {
        positions.clear();
        before = 0;
        total = bytes;
    }

    @Override
    public synchronized void reached(String disk, long position) {
        Long last = positions.put(disk, position);
        if (last != null && last > position) {
            before += last;
        }
        long now = positions.values().stream().mapToLong(Long::longValue).sum();
        events.progressed(before + now, total);
    }

    @Override
    public void read(String disk, long bytes) {
        events.read(bytes);
    }
}
