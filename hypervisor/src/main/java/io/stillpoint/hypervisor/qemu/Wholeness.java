package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.qemu.JobNames.Role;
import io.stillpoint.platform.ByteSize;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import tools.jackson.databind.JsonNode;

/// Whether what QEMU has is still the snapshot that was taken: its nodes, its bitmaps, the disks under it, and that no
/// write went past its filters. Looks only. Each failure is a [HypervisorException] of kind SNAPSHOT_BROKEN.
///
/// What the filters themselves say is told by the probes, see [HeldQemuDisk#proveValid].
final class Wholeness {
    private final SnapshotPlace place;
    private final SnapshotPlan plan;
    private final JobNames names;

    Wholeness(SnapshotPlace place, SnapshotPlan plan) {
        this.place = place;
        this.plan = plan;
        this.names = plan.names();
    }

    /// @param process that of QEMU now, if it can be seen
    void require(Optional<QemuRun> process) {
        requireSameRun(process);
        BlockGraph graph = BlockGraph.of(place.monitor());
        Map<String, String> drives = drives();
        plan.held()
                .forEach(disk -> {
                    requireSameSize(graph, disk);
                    requireNodes(graph, disk);
                    requireOnFilter(drives, disk);
                    requireNoneWentPast(graph, disk);
                });
    }

    void requireSameRun(Optional<QemuRun> process) {
        if (!plan.facts().isSameRun(place.monitor(), process)) {
            throw broken("snapshot.other-run");
        }
    }

    /// What may have happened while nobody watched, and must be right before anything is exported again.
    ///
    /// @param process that of QEMU now, if it can be seen
    void requireUntouched(SnapshotState state, Optional<QemuRun> process) {
        requireSameRun(process);
        BlockGraph graph = BlockGraph.of(place.monitor());
        if (!graph.node(names.name(Role.SERVER, 0)).isObject()) {
            throw broken("snapshot.node-lost", names.name(Role.SERVER, 0));
        }
        try {
            place.server().requireSameProcess();
        } catch (HypervisorException e) {
            throw notWhole(e);
        }
        Map<String, String> drives = drives();
        plan.held()
                .forEach(disk -> {
                    requireNodes(graph, disk);
                    requireOnFilter(drives, disk);
                });
        Map<String, String> handed = handedFiles();
        for (SnapshotState.Disk disk : state.disks()) {
            if (disk.planned().isHeld()) {
                requireScratchImage(graph, handed, disk);
                requireBitmaps(graph, disk);
            }
        }
    }

    /// A disk that was made shorter while it was read has lost data that no filter copied, even if it has its size
    /// again: the witness that began at the instant tells.
    private void requireSameSize(BlockGraph graph, PlannedDisk disk) {
        requireSize(graph, disk);
        JsonNode node = graph.node(disk.disk().node());
        boolean isUntouched =
                !disk.records()
                        || bitmap(node, JobNames.witness(names.lineage(), disk.generation()))
                                .filter(PlannedDisk::isUntouched)
                                .isPresent();
        if (!isUntouched) {
            throw broken("snapshot.tampered", disk.disk().name());
        }
    }

    private void requireNodes(BlockGraph graph, PlannedDisk planned) {
        int index = planned.index();
        String node = planned.disk().node();
        String fleece = names.name(Role.FLEECE, index);
        requireImage(graph, planned);
        requireStandsOn(graph, fleece, "backing", node);
        if (planned.disk().writable()) {
            String filter = names.name(Role.FILTER, index);
            requireStandsOn(graph, filter, "file", node);
            requireStandsOn(graph, filter, "target", fleece);
        }
    }

    private void requireImage(BlockGraph graph, PlannedDisk planned) {
        int index = planned.index();
        String fleece = names.name(Role.FLEECE, index);
        String window = names.name(Role.WINDOW, index);
        String file = names.name(Role.FILE, index);
        String container = planned.disk().encrypted() ? names.name(Role.CIPHER, index) : file;
        requireStandsOn(graph, fleece, "file", window);
        requireStandsOn(graph, window, "file", container);
        if (planned.disk().encrypted()) {
            requireStandsOn(graph, container, "file", file);
        }
    }

    private void requireStandsOn(BlockGraph graph, String node, String kind, String child) {
        if (!graph.child(node, kind).equals(child)) {
            throw broken("snapshot.node-lost", node);
        }
    }

    /// A device that was unplugged, or has another medium now, writes nothing here.
    private void requireOnFilter(Map<String, String> drives, PlannedDisk disk) {
        String node = drives.getOrDefault(disk.disk().device(), "");
        if (disk.disk().writable() && node.equals(disk.disk().node())) {
            throw broken("snapshot.bypassed", disk.disk().name());
        }
    }

    /// What was written to the disk since the instant, as its bitmap recorded it, the filter must have copied before; it
    /// counts that in a bitmap of its own, without a name. One that was taken off and put back has missed something. The
    /// recording began with one granule that nobody wrote. To be asked after the probes: a filter that had no room copies
    /// nothing from then on.
    private void requireNoneWentPast(BlockGraph graph, PlannedDisk disk) {
        if (!disk.disk().writable()) {
            return;
        }
        String filter = names.name(Role.FILTER, disk.index());
        Optional<GuestDisk.Bitmap> written =
                bitmap(
                        graph.node(disk.disk().node()),
                        JobNames.recording(names.lineage(), disk.generation()));
        if (written.isEmpty()) {
            return;
        }
        if (!hasCopied(graph.node(filter), written.get().dirtyBytes())) {
            throw broken("snapshot.bypassed", disk.disk().name());
        }
    }

    /// Whether a filter has copied as much as was written, as its disk's record has it, since it began.
    ///
    /// @param written bytes; the record began with one granule that nobody wrote
    static boolean hasCopied(JsonNode filter, long written) {
        // The filter has two such bitmaps; the other one covers the whole disk.
        OptionalLong least =
                DiskBitmaps.unnamedBytes(filter).stream().mapToLong(Long::longValue).min();
        return least.isEmpty() || written - Instant.GRANULARITY_BYTES <= least.getAsLong();
    }

    private void requireSize(BlockGraph graph, PlannedDisk disk) {
        JsonNode node = graph.node(disk.disk().node());
        if (!node.isObject()) {
            throw broken("snapshot.node-lost", disk.disk().node());
        }
        long size = node.path("image").path("virtual-size").asLong(0);
        if (size != disk.disk().size()) {
            throw broken(
                    "snapshot.resized",
                    disk.disk().name(),
                    new ByteSize(disk.disk().size()).toString(),
                    new ByteSize(size).toString());
        }
    }

    /// Of a local snapshot: its image of this disk is there, and stands on that of a newer one or on the disk.
    void requireStands(FleeceChain chain, PlannedDisk disk) {
        BlockGraph graph = chain.graph();
        String node = disk.disk().node();
        requireSize(graph, disk);
        requireImage(graph, disk);
        requireStandsOn(
                graph, chain.newest(names.name(Role.FLEECE, disk.index())), "backing", node);
    }

    /// Of a local snapshot: what the guest writes goes through this filter, which has copied what it had to.
    void requireFilter(BlockGraph graph, Succession.Old old) {
        requireStandsOn(graph, old.filter(), "file", old.disk());
        if (drives().containsValue(old.disk())) {
            throw broken("snapshot.bypassed", old.disk());
        }
        JsonNode disk = graph.node(old.disk());
        for (GuestDisk.Bitmap bitmap : DiskBitmaps.in(disk)) {
            if (old.recording().filter(bitmap.name()::equals).isPresent()
                    && !hasCopied(graph.node(old.filter()), bitmap.dirtyBytes())) {
                throw broken("snapshot.bypassed", old.disk());
            }
            boolean isOurs =
                    plan.disks().stream()
                            .anyMatch(each ->
                                    bitmap.name()
                                            .equals(
                                                    JobNames.witness(
                                                            names.lineage(), each.generation())));
            if (isOurs && !PlannedDisk.isUntouched(bitmap)) {
                throw broken("snapshot.tampered", old.disk());
            }
        }
    }

    /// The path of each device with a medium, and the node that it is on.
    private Map<String, String> drives() {
        Map<String, String> drives = new HashMap<>();
        for (JsonNode drive : place.monitor().execute("query-block")) {
            String qdev = drive.path("qdev").asString("");
            if (!qdev.isEmpty()) {
                drives.put(
                        DiskList.devicePath(qdev),
                        drive.path("inserted").path("node-name").asString(""));
            }
        }
        return drives;
    }

    private void requireScratchImage(
            BlockGraph graph, Map<String, String> handed, SnapshotState.Disk disk) {
        int index = disk.planned().index();
        String name = place.paths().scratchImage(names, index);
        String shown = place.paths().folder().shown(name).toString();
        String opened =
                handed.getOrDefault(
                        graph.node(names.name(Role.FILE, index)).path("file").asString(""), "");
        boolean isSame =
                disk.file().isPresent()
                        && disk.file()
                                .equals(SnapshotState.file(place.paths(), names, disk.planned()));
        if (!isSame || !opened.equals(shown)) {
            throw broken("snapshot.scratch-lost", shown);
        }
    }

    /// The name by which QEMU opens a file that it was handed, and the path that it was handed with.
    private Map<String, String> handedFiles() {
        Map<String, String> handed = new HashMap<>();
        for (JsonNode set : place.monitor().execute("query-fdsets")) {
            for (JsonNode file : set.path("fds")) {
                handed.put(
                        "/dev/fdset/" + set.path("fdset-id").asLong(-1),
                        file.path("opaque").asString(""));
            }
        }
        return handed;
    }

    /// The changed blocks as they were at the instant, and the record that began with it.
    private void requireBitmaps(BlockGraph graph, SnapshotState.Disk disk) {
        PlannedDisk planned = disk.planned();
        if (planned.records()
                && bitmap(
                                graph.node(planned.disk().node()),
                                JobNames.recording(names.lineage(), planned.generation()))
                        .filter(PlannedDisk::isRecording)
                        .isEmpty()) {
            throw broken("snapshot.tampered", planned.disk().name());
        }
        if (planned.previous().isEmpty()) {
            return;
        }
        boolean isSame =
                disk.changed().isPresent()
                        && bitmap(
                                        graph.node(names.name(Role.FLEECE, planned.index())),
                                        names.merged())
                                .filter(bitmap -> !bitmap.recording() && !bitmap.inconsistent())
                                .filter(bitmap -> bitmap.dirtyBytes() == disk.changed().getAsLong())
                                .isPresent();
        if (!isSame) {
            throw broken("snapshot.tampered", planned.disk().name());
        }
    }

    private static Optional<GuestDisk.Bitmap> bitmap(JsonNode node, String name) {
        return DiskBitmaps.in(node).stream().filter(each -> each.name().equals(name)).findFirst();
    }

    /// What an adoption met instead of a whole snapshot.
    HypervisorException notWhole(HypervisorException cause) {
        return new HypervisorException(
                Kind.SNAPSHOT_BROKEN, "snapshot.not-whole", cause, place.monitor().socket(), cause);
    }

    HypervisorException broken(String code, Object... details) {
        Object[] arguments = new Object[details.length + 1];
        arguments[0] = place.monitor().socket();
        System.arraycopy(details, 0, arguments, 1, details.length);
        return new HypervisorException(Kind.SNAPSHOT_BROKEN, code, null, arguments);
    }
}
