package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.SnapshotName;
import io.stillpoint.hypervisor.qemu.JobNames.Role;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What of a snapshot QEMU can't be asked later; in the descriptor as
///
/// ```
/// {"socket", "scratch", "limit", "reserve", "switchedEvents", "recording": {...}, "configuration": {...},
///  "disks": [{"planned": {...}, "changed"?, "device"?, "inode"?}]}
/// ```
///
/// @param socket the monitor's, which files are named after
/// @param scratch the folder
/// @param limit as [ScratchRoom]
/// @param reserve as [ScratchRoom]
/// @param switchedEvents whether events of migrations were switched on for this snapshot
/// @param configuration as it was before anything of ours was in the VM
record SnapshotState(
        Path socket,
        Path scratch,
        ByteSize limit,
        long reserve,
        boolean switchedEvents,
        RecordingFacts facts,
        ObjectNode configuration,
        List<Disk> disks) {
    static final String PROVIDER = "qemu";

    SnapshotState {
        disks = List.copyOf(disks);
    }

    /// @param changed bytes that the merged bitmap calls changed, if there is one
    /// @param file the scratch image, if there is one
    record Disk(PlannedDisk planned, OptionalLong changed, Optional<FileId> file) {}

    /// Looks at what stands in QEMU.
    static SnapshotState of(
            SnapshotPlace place, SnapshotPlan plan, boolean switchedEvents, ObjectNode machine) {
        BlockGraph graph = BlockGraph.of(place.monitor());
        JobNames names = plan.names();
        List<Disk> disks = new ArrayList<>();
        for (PlannedDisk planned : plan.disks()) {
            Optional<GuestDisk.Bitmap> merged =
                    DiskBitmaps.in(graph.node(names.name(Role.FLEECE, planned.index()))).stream()
                            .filter(bitmap -> bitmap.name().equals(names.merged()))
                            .findFirst();
            disks.add(
                    new Disk(
                            planned,
                            merged.map(bitmap -> OptionalLong.of(bitmap.dirtyBytes()))
                                    .orElse(OptionalLong.empty()),
                            planned.isHeld()
                                    ? file(place.paths(), names, planned)
                                    : Optional.empty()));
        }
        return new SnapshotState(
                place.paths().socket(),
                place.paths().folder().path(),
                plan.room().limit(),
                plan.room().reserve(),
                switchedEvents,
                plan.facts(),
                machine,
                disks);
    }

    /// Which file has the name of the disk's scratch image.
    static Optional<FileId> file(VmPaths paths, JobNames names, PlannedDisk disk) {
        return FileId.of(paths.folder().at(paths.scratchImage(names, disk.index())));
    }

    SnapshotPlan plan(SnapshotName name, ScratchFolder folder) {
        return new SnapshotPlan(
                name,
                disks.stream().map(Disk::planned).toList(),
                facts,
                new ScratchRoom(limit, reserve, folder::usable));
    }

    SnapshotDescriptor descriptor(SnapshotName name) {
        JobNames names = JobNames.of(name);
        List<SnapshotDescriptor.Disk> told = new ArrayList<>();
        for (Disk disk : disks) {
            PlannedDisk planned = disk.planned();
            told.add(
                    new SnapshotDescriptor.Disk(
                            planned.disk().name(),
                            planned.disk().size(),
                            planned.disk().format(),
                            planned.records()
                                    ? Optional.of(planned.generation())
                                    : Optional.empty(),
                            planned.isHeld()
                                    ? Optional.of(names.name(Role.EXPORT, planned.index()))
                                    : Optional.empty(),
                            planned.previous().map(previous -> names.merged())));
        }
        return new SnapshotDescriptor(PROVIDER, name, told, json());
    }

    private ObjectNode json() {
        ObjectNode json =
                Json.object()
                        .put("socket", socket.toString())
                        .put("scratch", scratch.toString())
                        .put("limit", limit.bytes())
                        .put("reserve", reserve)
                        .put("switchedEvents", switchedEvents);
        json.set("recording", facts.json(disks.stream().map(Disk::planned).toList()));
        json.set("configuration", configuration);
        ArrayNode array = json.putArray("disks");
        for (Disk disk : disks) {
            ObjectNode each = array.addObject();
            each.set("planned", disk.planned().json());
            disk.changed().ifPresent(bytes -> each.put("changed", bytes));
            disk.file()
                    .ifPresent(
                            file -> each.put("device", file.device()).put("inode", file.inode()));
        }
        return json;
    }

    /// Throws a [HypervisorException][io.stillpoint.hypervisor.HypervisorException] of code `snapshot.unreadable` if it
    /// is none of ours.
    static SnapshotState in(SnapshotDescriptor descriptor) {
        if (!descriptor.provider().equals(PROVIDER)) {
            throw SnapshotDescriptor.unreadable(null, descriptor.provider());
        }
        ObjectNode json = descriptor.state();
        try {
            if (!(json.required("configuration") instanceof ObjectNode configuration)) {
                throw SnapshotDescriptor.unreadable(null, "no configuration");
            }
            List<Disk> disks = new ArrayList<>();
            for (JsonNode each : json.required("disks")) {
                disks.add(disk(each));
            }
            return new SnapshotState(
                    Path.of(json.required("socket").asString()),
                    Path.of(json.required("scratch").asString()),
                    new ByteSize(json.required("limit").asLong()),
                    json.required("reserve").asLong(),
                    json.required("switchedEvents").asBoolean(),
                    RecordingFacts.of(json.required("recording")),
                    configuration,
                    disks);
        } catch (JacksonException | IllegalArgumentException e) {
            throw SnapshotDescriptor.unreadable(e, String.valueOf(e.getMessage()));
        }
    }

    private static Disk disk(JsonNode json) {
        return new Disk(
                PlannedDisk.of(json.required("planned")),
                json.has("changed")
                        ? OptionalLong.of(json.path("changed").asLong())
                        : OptionalLong.empty(),
                json.has("inode")
                        ? Optional.of(
                                new FileId(
                                        json.required("device").asLong(),
                                        json.required("inode").asLong()))
                        : Optional.empty());
    }
}
