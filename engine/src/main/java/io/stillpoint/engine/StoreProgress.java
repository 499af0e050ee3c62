package io.stillpoint.engine;

import io.stillpoint.vault.session.IntakeProgress;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/// Tells how far the disks of a job have been stored, and what was read of them.
///
/// @param sizes of the disks in bytes, by their names
record StoreProgress(JobReporter reporter, Map<String, Long> sizes) implements IntakeProgress {
    StoreProgress {
        sizes = Collections.unmodifiableMap(new LinkedHashMap<>(sizes));
    }

    /// Names the disks, with nothing done.
    void begin() {
        sizes.forEach((disk, size) -> reporter.progressed(Step.STORE, disk, 0, size));
    }

    @Override
    public void reached(String disk, long position) {
        long size = sizes.getOrDefault(disk, position);
        // The last chunk of a disk reaches over its end.
        reporter.progressed(Step.STORE, disk, Math.min(position, size), size);
    }

    @Override
    public void read(String disk, long bytes) {
        reporter.read(Step.STORE, disk, bytes);
    }
}
