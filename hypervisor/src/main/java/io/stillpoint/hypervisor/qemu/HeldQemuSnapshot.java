package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HeldDisk;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.hypervisor.qemu.JobNames.Role;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Undisturbed;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
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
    private final RecordingFacts facts;
    private final List<HeldQemuDisk> disks;
    private final SnapshotHealth health = new SnapshotHealth();
    private final MigrationEvents migrationEvents;
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
            ScratchRoom room,
            RecordingFacts facts) {
        this.monitor = monitor;
        this.facts = facts;
        this.request = request;
        this.names = JobNames.of(request);
        this.server = server;
        this.sweep = sweep;
        this.planned = List.copyOf(planned);
        this.disks =
                planned.stream()
                        .map(disk -> new HeldQemuDisk(disk, server.address(), names, health))
                        .toList();
        this.limit = room.limit();
        this.migrationEvents = MigrationEvents.begin(monitor);
        this.watch =
                new ScratchWatch(
                        monitor,
                        names,
                        planned,
                        room,
                        new ScratchWatch.Listener() {
                            @Override
                            public void full(ByteSize taken) {
                                giveUp("snapshot.scratch-full", taken.toString(), limit.toString());
                            }

                            @Override
                            public void crowded(ByteSize free) {
                                giveUp("snapshot.no-room", free.toString());
                            }

                            @Override
                            public void migrating() {
                                giveUp("snapshot.migration");
                            }

                            @Override
                            public void gone(HypervisorException cause) {
                                lose(cause);
                            }
                        });
        watch.start();
    }

    /// Exports the fleeces at the first call: the guest is thawed by then.
    @Override
    public synchronized List<HeldDisk> disks() {
        health.require();
        if (!exported) {
            try {
                planned.stream().filter(PlannedDisk::isHeld).forEach(this::export);
            } catch (HypervisorException e) {
                throw health.explain(e);
            }
            exported = true;
        }
        return List.copyOf(disks);
    }

    @Override
    public ObjectNode recording() {
        return facts.json(planned);
    }

    @Override
    public void proveValid() {
        disks();
        for (HeldQemuDisk disk : disks) {
            disk.proveValid(monitor.socket());
        }
        VmState state = VmState.of(monitor);
        if (state.isMigrating()) {
            giveUp("snapshot.migration");
        }
        health.require();
        state.requireFit(monitor);
        if (!facts.isSameRun(monitor)) {
            throw broken("snapshot.other-run");
        }
        planned.stream().filter(PlannedDisk::isHeld).forEach(this::requireSameSize);
    }

    /// A disk that was made shorter while it was read has lost data that no filter copied, even if it has its size
    /// again: the witness that began at the instant tells.
    private void requireSameSize(PlannedDisk disk) {
        String node = disk.disk().node();
        String witness = JobNames.witness(request.lineage(), disk.generation());
        for (JsonNode each : monitor.nodes()) {
            if (each.path("node-name").asString("").equals(node)) {
                long size = each.path("image").path("virtual-size").asLong(0);
                boolean isUntouched =
                        !disk.records()
                                || DiskBitmaps.in(each).stream()
                                        .filter(bitmap -> bitmap.name().equals(witness))
                                        .anyMatch(PlannedDisk::isUntouched);
                if (size == disk.disk().size() && isUntouched) {
                    return;
                }
                throw broken(
                        size == disk.disk().size() ? "snapshot.tampered" : "snapshot.resized",
                        disk.disk().name(),
                        new ByteSize(disk.disk().size()).toString(),
                        new ByteSize(size).toString());
            }
        }
        throw broken("snapshot.tampered", disk.disk().name(), "", "");
    }

    private HypervisorException broken(String code, Object... details) {
        Object[] arguments = new Object[details.length + 1];
        arguments[0] = monitor.socket();
        System.arraycopy(details, 0, arguments, 1, details.length);
        return new HypervisorException(Kind.SNAPSHOT_BROKEN, code, null, arguments);
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
            bitmaps.add(
                    Json.object()
                            .put("node", names.name(Role.FLEECE, disk.index()))
                            .put("name", names.merged()));
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

    /// The filters go at once, so that the guest's writes copy no more and the host has its room, and the exports, which
    /// would keep a migration from ending.
    private synchronized void giveUp(String code, Object... details) {
        if (closed) {
            return;
        }
        health.fail(broken(code, details));
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
                Undisturbed.run(this::removeAll);
            } catch (HypervisorException e) {
                if (e.kind() == Kind.REFUSED) {
                    throw e;
                }
                Undisturbed.run(this::removeAll);
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
        migrationEvents.end();
        for (PlannedDisk disk : planned) {
            for (GuestDisk.Bitmap bitmap : new DiskBitmaps(monitor).of(disk.disk().node())) {
                Optional<String> generation = JobNames.generation(request.lineage(), bitmap.name());
                boolean isNow = generation.filter(disk.generation()::equals).isPresent();
                if (generation.isPresent() && keepsChanges != isNow) {
                    sweep.removeBitmap(disk.disk().node(), bitmap.name());
                }
            }
        }
    }
}
