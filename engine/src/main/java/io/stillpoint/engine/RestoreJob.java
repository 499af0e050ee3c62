package io.stillpoint.engine;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Messages;
import io.stillpoint.platform.block.BlockTarget;
import io.stillpoint.vault.Losses;
import io.stillpoint.vault.PointDisk;
import io.stillpoint.vault.RecoveryPoint;
import io.stillpoint.vault.Vault;
import java.util.concurrent.atomic.AtomicLong;

/// Writes disks of a recovery point to new images.
public final class RestoreJob {
    private final Vault vault;
    private final JobEvents events;
    private final Cancellation cancellation;
    private final Messages messages = Messages.of(RestoreJob.class);

    public RestoreJob(Vault vault, JobEvents events, Cancellation cancellation) {
        this.vault = vault;
        this.events = events;
        this.cancellation = cancellation;
    }

    /// Writes one disk. Every chunk is checked against its id before it is written. What the target needs to become
    /// visible or durable is the caller's.
    ///
    /// @param target reads as zeros; of the disk's size
    /// @param name of the target in messages
    public void run(RecoveryPoint point, PointDisk disk, BlockTarget target, String name) {
        run(point, disk, target, name, Losses.REFUSED);
    }

    /// As above, but what can't be read may be left as zeros.
    void run(RecoveryPoint point, PointDisk disk, BlockTarget target, String name, Losses losses) {
        long size = disk.image().size();
        if (target.size() < size) {
            throw new IllegalArgumentException(
                    "target of " + target.size() + " bytes for a disk of " + size);
        }
        events.step(
                "restore",
                messages.text(
                        "engine.restoring",
                        disk.name(),
                        point.id().toString().substring(0, 12),
                        name,
                        new ByteSize(size)));
        AtomicLong written = new AtomicLong();
        vault.restore(
                disk.image(),
                target,
                cancellation,
                bytes -> {
                    events.read(bytes);
                    events.progressed(written.addAndGet(bytes), size);
                },
                losses);
        events.progressed(size, size);
    }
}
