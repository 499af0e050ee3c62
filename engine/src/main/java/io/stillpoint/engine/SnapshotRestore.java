package io.stillpoint.engine;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.LocalSnapshots.Exported;
import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.images.RestoreTarget;
import io.stillpoint.hypervisor.nbd.NbdClient;
import io.stillpoint.hypervisor.nbd.NbdSource;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.natives.OtherUsers;
import io.stillpoint.platform.text.Text;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Writes disks of a snapshot that is still in its VM to new images or to devices: without the vault, and before its point
/// is made. No image has its name before all that was read is known to be of the snapshot's instant.
///
/// For one run.
public final class SnapshotRestore {
    private static final int PIECE = 1 << 20;

    /// How often what is served may end before a disk is complete. It does when a job begins or ends.
    private static final int INTERRUPTIONS_MAX = 20;

    private final Server server;
    private final Cancellation cancellation;
    private final Threads threads;
    private final JobReporter reporter;
    private int interruptions;

    /// Who serves the snapshot.
    public interface Server {
        /// Has it served. Throws a [io.stillpoint.platform.StillpointException] if it is not there any more.
        Exported serve();

        /// Whether all that was read is of its instant. Ends the serving.
        boolean prove();
    }

    /// @param cancellation stops it between two pieces
    public SnapshotRestore(
            Server server,
            JobId job,
            JobEvents events,
            Cancellation cancellation,
            Threads threads) {
        this.server = server;
        this.cancellation = cancellation;
        this.threads = threads;
        reporter = new JobReporter(job, events);
    }

    /// Restores disks, one after the other; all or none.
    ///
    /// Throws a [HypervisorException] if a target can't be written, and a [JobException] if the snapshot has ended or is
    /// not whole: then nothing has its name, and what is on a device is worthless.
    ///
    /// @param tasks of different disks of the snapshot
    public void run(List<RestoreTask> tasks) {
        Exported exported = server.serve();
        Map<RestoreTask, RestoreTarget> targets = new LinkedHashMap<>();
        Holdings holdings = new Holdings();
        boolean isRead = false;
        try {
            for (RestoreTask task : tasks) {
                RestoreTarget target = task.target(disk(exported, task).size(), threads);
                targets.put(task, target);
                holdings.add(target::close, target::close);
            }
            requireRoom(exported, tasks);
            targets.forEach((task, target) -> copy(task, target, disk(exported, task)));
            targets.values().forEach(RestoreTarget::flush);
            isRead = true;
            if (!server.prove()) {
                throw JobException.snapshotEnded();
            }
            targets.values().forEach(RestoreTarget::commit);
        } catch (StillpointException e) {
            if (!isRead) {
                endServing(e);
            }
            throw e;
        } finally {
            holdings.releaseOrThrow();
        }
    }

    /// Whatever comes of that, the failure before says more.
    private void endServing(StillpointException failure) {
        try {
            boolean _ = server.prove();
        } catch (StillpointException e) {
            failure.addSuppressed(e);
        }
    }

    private static SnapshotDescriptor.Disk disk(Exported exported, RestoreTask task) {
        return exported.disks().stream()
                .filter(each -> each.name().equals(task.disk()))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no disk " + task.disk()));
    }

    private void copy(RestoreTask task, RestoreTarget target, SnapshotDescriptor.Disk disk) {
        reporter.step(
                Step.RESTORE,
                Text.of(
                        SnapshotRestore.class,
                        "engine.restoring-snapshot",
                        disk.name(),
                        task.file(),
                        new ByteSize(disk.size())));
        target.warnings().forEach(text -> reporter.note("restore.device", text));
        if (target.needsClearing()) {
            target.clear(cancellation);
        }
        long at = 0;
        while (at < disk.size()) {
            try (BlockSource source = open(disk)) {
                at = copy(source, target, disk, at);
            } catch (Interrupted e) {
                at = e.at;
                if (++interruptions > INTERRUPTIONS_MAX) {
                    throw e.failure;
                }
            }
        }
        reporter.progressed(Step.RESTORE, disk.name(), disk.size(), disk.size());
    }

    /// Whoever could lead the socket's path elsewhere could have anything restored, and so could a server that serves
    /// something else under that name.
    private BlockSource open(SnapshotDescriptor.Disk disk) {
        Exported exported = server.serve();
        requireOurs(exported.socket());
        String export = disk.export().orElse("");
        NbdSource source =
                NbdSource.open(
                        UnixDomainSocketAddress.of(exported.socket()),
                        export,
                        NbdClient.DEFAULT_CONNECTIONS,
                        threads);
        if (source.size() != disk.size()) {
            long size = source.size();
            source.close();
            throw new HypervisorException(
                    HypervisorException.Kind.PROTOCOL,
                    "snapshot.export-size",
                    null,
                    exported.socket(),
                    disk.name(),
                    Long.toString(size),
                    Long.toString(disk.size()));
        }
        return source;
    }

    private static void requireOurs(Path socket) {
        try {
            Path real = socket.toRealPath();
            for (Path folder = real.getParent(); folder != null; folder = folder.getParent()) {
                if (OtherUsers.mayReplaceIn(folder)) {
                    throw JobException.socketOfOthers(socket, folder);
                }
            }
        } catch (IOException e) {
            throw new HypervisorException(
                    HypervisorException.Kind.UNREACHABLE,
                    "vm.nbd-unreachable",
                    e,
                    socket,
                    Reason.of(e));
        }
    }

    /// Throws a [HypervisorException] of kind NO_SPACE if the images will not fit. A device has its room.
    private void requireRoom(Exported exported, List<RestoreTask> tasks) {
        Map<FileStore, Long> needed = new LinkedHashMap<>();
        Map<FileStore, Path> folders = new LinkedHashMap<>();
        try {
            for (RestoreTask task : tasks) {
                Path folder = task.file().toAbsolutePath().getParent();
                if (folder == null || Files.exists(task.file())) {
                    continue;
                }
                long bytes = 0;
                SnapshotDescriptor.Disk disk = disk(exported, task);
                if (disk.size() > 0) {
                    try (BlockSource source = open(disk)) {
                        for (Iterator<Extent> i = source.dataExtents(); i.hasNext(); ) {
                            bytes += i.next().length();
                        }
                    }
                }
                FileStore store = Files.getFileStore(folder);
                needed.merge(store, bytes, Long::sum);
                folders.putIfAbsent(store, folder);
            }
            for (Map.Entry<FileStore, Long> each : needed.entrySet()) {
                long usable = each.getKey().getUsableSpace();
                if (each.getValue() > usable) {
                    throw RestoreTarget.noRoom(
                            folders.getOrDefault(each.getKey(), Path.of("")),
                            new ByteSize(each.getValue()),
                            new ByteSize(usable));
                }
            }
        } catch (IOException e) {
            throw RestoreRoom.failed(tasks.getFirst().file(), e);
        }
    }

    /// What is served has ended in the middle; the bytes before are written.
    private static final class Interrupted extends Exception {
        private static final long serialVersionUID = 1L;

        private final long at;
        private final HypervisorException failure;

        Interrupted(long at, HypervisorException cause) {
            super(cause);
            this.at = at;
            failure = cause;
        }
    }

    /// Returns the disk's size.
    private long copy(
            BlockSource source, RestoreTarget target, SnapshotDescriptor.Disk disk, long from)
            throws Interrupted {
        byte[] piece = new byte[PIECE];
        long at = from;
        Iterator<Extent> extents = source.dataExtents();
        while (true) {
            Extent extent;
            try {
                if (!extents.hasNext()) {
                    return disk.size();
                }
                extent = extents.next();
            } catch (HypervisorException e) {
                throw new Interrupted(at, e);
            }
            long next = Math.max(at, extent.offset());
            while (next < extent.end()) {
                cancellation.check();
                int length = (int) Math.min(piece.length, extent.end() - next);
                try {
                    source.read(next, piece, 0, length);
                } catch (HypervisorException e) {
                    throw new Interrupted(at, e);
                }
                target.write(next, piece, 0, length);
                next += length;
                at = next;
                reporter.read(Step.RESTORE, disk.name(), length);
                reporter.progressed(Step.RESTORE, disk.name(), at, disk.size());
            }
        }
    }
}
