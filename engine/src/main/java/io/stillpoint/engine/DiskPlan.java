package io.stillpoint.engine;

import io.stillpoint.hypervisor.ChangedBlocks;
import io.stillpoint.hypervisor.HeldDisk;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.PointDisk.Method;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.session.StoredDisk;
import java.util.Locale;
import java.util.Optional;

/// How one disk will be read, and why. Changed blocks are a hint, never a promise: only with a sound record of the
/// very generation that the previous point began is less than everything read.
///
/// @param reason why not incrementally, as a code; empty if it is
record DiskPlan(HeldDisk disk, DiskInput input, Method method, String reason) {
    static DiskPlan make(HeldDisk disk, BlockSource source, BackupSession session) {
        Optional<PointDisk> previous = session.base().flatMap(point -> point.disk(disk.name()));
        if (session.baseIsDamaged()) {
            return new DiskPlan(
                    disk, compared(disk, source, previous), Method.FULL, "base-damaged");
        }
        if (previous.isEmpty()) {
            return everything(
                    disk, source, previous, Method.FULL, ChangedBlocks.Reason.FIRST_BACKUP);
        }
        return switch (disk.changes()) {
            case ChangedBlocks.Unknown unknown ->
                    everything(disk, source, previous, Method.COMPARISON, unknown.reason());
            case ChangedBlocks.Known known -> changed(disk, source, previous.get(), known, session);
        };
    }

    private static DiskPlan changed(
            HeldDisk disk,
            BlockSource source,
            PointDisk previous,
            ChangedBlocks.Known known,
            BackupSession session) {
        // A grown disk's new part is not marked as changed.
        if (previous.image().size() != source.size()) {
            return everything(
                    disk,
                    source,
                    Optional.of(previous),
                    Method.COMPARISON,
                    ChangedBlocks.Reason.RESIZED);
        }
        DiskInput input =
                new DiskInput(
                        disk.name(), source, new Scan.Changed(previous.image(), known.ranges()));
        return session.unchangedRangesHold(input)
                ? new DiskPlan(disk, input, Method.INCREMENTAL, "")
                : new DiskPlan(
                        disk,
                        compared(disk, source, Optional.of(previous)),
                        Method.COMPARISON,
                        "contradicted");
    }

    private static DiskPlan everything(
            HeldDisk disk,
            BlockSource source,
            Optional<PointDisk> previous,
            Method method,
            ChangedBlocks.Reason reason) {
        return new DiskPlan(disk, compared(disk, source, previous), method, code(reason));
    }

    private static DiskInput compared(
            HeldDisk disk, BlockSource source, Optional<PointDisk> previous) {
        return new DiskInput(
                disk.name(), source, new Scan.Everything(previous.map(PointDisk::image)));
    }

    private static String code(ChangedBlocks.Reason reason) {
        return reason.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /// The disk as the recovery point records it.
    PointDisk record(StoredDisk stored) {
        return new PointDisk(
                disk.name(),
                stored.image(),
                disk.format(),
                disk.generation(),
                method,
                reason,
                stored.changedBytes(),
                stored.readBytes(),
                stored.newBytes());
    }
}
