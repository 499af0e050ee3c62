package io.stillpoint.engine;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.images.RestoreTarget;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.block.BlockTarget;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.point.Losses;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.RecoveryPoint;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/// Writes disks of a recovery point to new images.
public final class RestoreJob {
    /// What a file needs besides its content: an image's tables, a file system's own.
    private static final long METADATA_BYTES = 1 << 20;

    private final Vault vault;
    private final JobReporter reporter;
    private final Cancellation cancellation;

    public RestoreJob(Vault vault, JobReporter reporter, Cancellation cancellation) {
        this.vault = vault;
        this.reporter = reporter;
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
        reporter.step(
                Step.RESTORE,
                Text.of(
                        RestoreJob.class,
                        "engine.restoring",
                        disk.name(),
                        point.id().toString().substring(0, 12),
                        name,
                        new ByteSize(size)));
        if (target instanceof RestoreTarget image) {
            clear(image, name);
        }
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
            reporter.step(Step.CLEAR, Text.of(RestoreJob.class, "engine.clearing", name));
            target.clear(cancellation);
        }
    }

    /// A disk and the new file that it is to be restored to.
    public record Wanted(PointDisk disk, Path file) {}

    /// Throws a [HypervisorException] of kind NO_SPACE if these files will not all fit. Their folders are there. Writes
    /// nothing; reads disks' maps only where the disks' sizes don't answer it.
    public void requireRoom(List<Wanted> all) {
        Map<FileStore, List<Wanted>> byStore = new LinkedHashMap<>();
        for (Wanted wanted : all) {
            Path folder = folder(wanted);
            try {
                byStore.computeIfAbsent(Files.getFileStore(folder), _ -> new ArrayList<>())
                        .add(wanted);
            } catch (IOException e) {
                throw failed(folder, e);
            }
        }
        byStore.forEach(this::requireRoom);
    }

    private void requireRoom(FileStore store, List<Wanted> all) {
        Path folder = folder(all.getFirst());
        try {
            long usable = store.getUsableSpace();
            long needed = METADATA_BYTES * all.size();
            if (usable - needed >= all.stream().mapToLong(each -> each.disk.image().size()).sum()) {
                return;
            }
            for (Wanted wanted : all) {
                cancellation.check();
                needed += vault.dataBytes(wanted.disk.image());
            }
            if (needed > usable) {
                throw RestoreTarget.noRoom(folder, new ByteSize(needed), new ByteSize(usable));
            }
        } catch (IOException e) {
            throw failed(folder, e);
        }
    }

    private static Path folder(Wanted wanted) {
        Path folder = wanted.file.toAbsolutePath().getParent();
        return folder == null ? wanted.file : folder;
    }

    static HypervisorException failed(Path path, IOException e) {
        return new HypervisorException(
                HypervisorException.Kind.IMAGE, "image.failed", e, path, Reason.of(e));
    }
}
