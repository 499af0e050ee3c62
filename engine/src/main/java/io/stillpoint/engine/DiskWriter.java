package io.stillpoint.engine;

import io.stillpoint.hypervisor.images.RestoreTarget;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.point.Losses;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.RecoveryPoint;
import java.util.concurrent.atomic.AtomicLong;

/// Writes disks of a recovery point to targets.
///
/// @param cancellation stops it between two chunks
record DiskWriter(Vault vault, JobReporter reporter, Cancellation cancellation) {
    /// Writes one disk. Every chunk is checked against its id before it is written. What the target needs to become
    /// visible or durable is the caller's.
    ///
    /// @param target reads as zeros once it is cleared; of the disk's size or more
    /// @param name of the target in messages
    /// @param losses is told what can't be read
    void write(
            RecoveryPoint point, PointDisk disk, RestoreTarget target, String name, Losses losses) {
        long size = disk.image().size();
        if (target.size() < size) {
            throw new IllegalArgumentException(
                    "target of " + target.size() + " bytes for a disk of " + size);
        }
        reporter.step(
                Step.RESTORE,
                Text.of(
                        DiskWriter.class,
                        "engine.restoring",
                        disk.name(),
                        point.id().toString().substring(0, 12),
                        name,
                        new ByteSize(size)));
        clear(target, name);
        reporter.progressed(Step.RESTORE, disk.name(), 0, size);
        AtomicLong written = new AtomicLong();
        vault.restore(
                disk.image(),
                target,
                cancellation,
                bytes -> {
                    reporter.read(Step.RESTORE, disk.name(), bytes);
                    reporter.progressed(
                            Step.RESTORE,
                            disk.name(),
                            Math.min(written.addAndGet(bytes), size),
                            size);
                },
                losses);
        reporter.progressed(Step.RESTORE, disk.name(), size, size);
    }

    private void clear(RestoreTarget target, String name) {
        target.warnings().forEach(text -> reporter.note("restore.device", text));
        if (target.needsClearing()) {
            reporter.step(Step.CLEAR, Text.of(DiskWriter.class, "engine.clearing", name));
            target.clear(cancellation);
        }
    }
}
