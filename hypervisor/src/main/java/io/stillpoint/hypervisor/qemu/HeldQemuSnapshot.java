package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HeldDisk;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.hypervisor.qemu.JobNames.Role;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// A snapshot that filters in a running QEMU hold. Used by the job's thread, and by the watch when the scratch
/// space is used up.
final class HeldQemuSnapshot implements HeldSnapshot {
    private final Monitor monitor;
    private final SnapshotRequest request;
    private final JobNames names;
    private final NbdServer server;
    private final Sweep sweep;
    private final List<PlannedDisk> planned;
    private final List<HeldQemuDisk> disks;
    private final SnapshotHealth health = new SnapshotHealth();
    private final ScratchWatch watch;
    private final ByteSize limit;
    private boolean exported;
    private boolean keepsChanges;
    private boolean closed;

    HeldQemuSnapshot(
            Monitor monitor,
            SnapshotRequest request,
            NbdServer server,
            Sweep sweep,
            List<PlannedDisk> planned,
            ScratchRoom room) {
        this.monitor = monitor;
        this.request = request;
        this.names = JobNames.of(request);
        this.server = server;
        this.sweep = sweep;
        this.planned = List.copyOf(planned);
        this.disks =
                planned.stream()
                        .map(disk ->
                                new HeldQemuDisk(
                                        disk,
                                        request.generation(),
                                        server.address(),
                                        names,
                                        health))
                        .toList();
        this.limit = room.limit();
        this.watch =
                new ScratchWatch(
                        monitor, names, planned, room, this::giveUp, this::makeRoom, this::lose);
        watch.start();
    }

    /// Exports the fleeces at the first call: the guest is thawed by then.
    @Override
    public synchronized List<HeldDisk> disks() {
        health.require();
        if (!exported) {
            try {
                planned.forEach(this::export);
            } catch (HypervisorException e) {
                throw health.explain(e);
            }
            exported = true;
        }
        return List.copyOf(disks);
    }

    @Override
    public void proveValid() {
        disks();
        for (HeldQemuDisk disk : disks) {
            disk.proveValid(monitor.socket());
        }
    }

    @Override
    public synchronized void keepChanges() {
        keepsChanges = true;
    }

    @Override
    public void close() {
        watch.close();
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            disks.forEach(HeldQemuDisk::close);
            release();
        }
    }

    private void export(PlannedDisk disk) {
        String probe = names.name(Role.PROBE, disk.index());
        if (disk.disk().writable()) {
            monitor.execute(
                    "blockdev-add",
                    Json.object()
                            .put("driver", "snapshot-access")
                            .put("node-name", probe)
                            .put("file", names.name(Role.FILTER, disk.index())));
            monitor.execute("block-export-add", export(probe, probe));
        } else {
            // Nothing can break: the guest can't write it.
            monitor.execute(
                    "block-export-add", export(probe, names.name(Role.FLEECE, disk.index())));
        }
        ObjectNode export =
                export(
                        names.name(Role.EXPORT, disk.index()),
                        names.name(Role.FLEECE, disk.index()));
        if (disk.previous().isPresent()) {
            ArrayNode bitmaps = Json.array();
            // The bitmap lies on the disk's node, below the fleece.
            bitmaps.add(Json.object().put("node", disk.disk().node()).put("name", names.merged()));
            export.set("bitmaps", bitmaps);
        }
        monitor.execute("block-export-add", export);
    }

    private static ObjectNode export(String name, String node) {
        return Json.object()
                .put("type", "nbd")
                .put("id", name)
                .put("node-name", node)
                .put("name", name);
    }

    /// The file system is nearly full: the host comes first.
    private synchronized void makeRoom(ByteSize free) {
        if (closed) {
            return;
        }
        health.fail(
                new HypervisorException(
                        Kind.SNAPSHOT_BROKEN,
                        "snapshot.no-room",
                        null,
                        monitor.socket(),
                        free.toString()));
        sweep.run();
    }

    /// The scratch space is used up: the filters go at once, so that the guest's writes copy no more.
    private synchronized void giveUp(ByteSize taken) {
        if (closed) {
            return;
        }
        health.fail(
                new HypervisorException(
                        Kind.SNAPSHOT_BROKEN,
                        "snapshot.scratch-full",
                        null,
                        monitor.socket(),
                        taken.toString(),
                        limit.toString()));
        sweep.run();
    }

    private void lose(HypervisorException cause) {
        health.fail(
                new HypervisorException(
                        Kind.UNREACHABLE,
                        "snapshot.lost",
                        cause,
                        monitor.socket(),
                        String.valueOf(cause.getMessage())));
    }

    /// Tried once more after a drop of the connection. A VM that is gone has taken everything with it but the
    /// files.
    private void release() {
        try {
            try {
                Uninterrupted.run(this::removeAll);
            } catch (HypervisorException e) {
                if (e.kind() == Kind.REFUSED) {
                    throw e;
                }
                Uninterrupted.run(this::removeAll);
            }
        } catch (HypervisorException e) {
            if (!e.code().equals("qmp.no-monitor")) {
                throw e;
            }
            sweep.removeFiles();
            server.removeSocket();
        }
    }

    private void removeAll() {
        sweep.run();
        String now = JobNames.recording(request.lineage(), request.generation());
        for (PlannedDisk disk : planned) {
            for (GuestDisk.Bitmap bitmap : new DiskBitmaps(monitor).of(disk.disk().node())) {
                boolean isNow = bitmap.name().equals(now);
                boolean isPrevious = disk.previous().filter(bitmap.name()::equals).isPresent();
                if (keepsChanges ? isPrevious : isNow) {
                    sweep.removeBitmap(disk.disk().node(), bitmap.name());
                }
            }
        }
    }
}
