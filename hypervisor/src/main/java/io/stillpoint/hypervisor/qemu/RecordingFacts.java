package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.ChangedBlocks.Reason;
import io.stillpoint.platform.Json;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What a dirty bitmap can't say of itself: that it lives in the same run of QEMU, belongs to the same image, and saw
/// every write (`docs/decisions/0010-what-a-bitmap-proves.md`). Noted in the recovery point as
///
/// ```
/// {"process": ..., "migration": {...}, "disks": [{"name", "generation", "node", "size", "guarded", "files": [...]}]}
/// ```
///
/// and compared when the next backup begins.
///
/// @param process this run of QEMU, or empty if it can't be seen
/// @param migration the outcome of the last migration in this run, as QEMU tells it
/// @param images by the disk's node
record RecordingFacts(String process, JsonNode migration, Map<String, ImageFacts> images) {
    static RecordingFacts of(Monitor monitor, Optional<QemuRun> process, List<GuestDisk> disks) {
        BlockGraph graph = BlockGraph.of(monitor);
        Map<String, ImageFacts> images = new LinkedHashMap<>();
        for (GuestDisk disk : disks) {
            images.put(disk.node(), ImageFacts.of(graph, disk.node(), process));
        }
        return new RecordingFacts(
                process.map(QemuRun::identity).orElse(""),
                monitor.execute("query-migrate"),
                images);
    }

    /// Reads what [#json] wrote; disks of no bytes are not in it. Throws a
    /// [JacksonException][tools.jackson.core.JacksonException] if it is none.
    static RecordingFacts of(JsonNode json) {
        Map<String, ImageFacts> images = new LinkedHashMap<>();
        for (JsonNode disk : json.required("disks")) {
            if (!(disk.required("files") instanceof ArrayNode files)) {
                throw new IllegalArgumentException("no files: " + disk);
            }
            images.put(
                    disk.required("node").asString(),
                    new ImageFacts(files, disk.required("guarded").asBoolean()));
        }
        return new RecordingFacts(
                json.required("process").asString(), json.required("migration"), images);
    }

    /// Whether this is the run of QEMU that it was, and the VM was not migrated away and back since, as far as can be
    /// seen.
    boolean isSameRun(Monitor monitor, Optional<QemuRun> now) {
        if (!process.isEmpty() && now.isPresent() && !now.get().identity().equals(process)) {
            return false;
        }
        JsonNode found = monitor.execute("query-migrate");
        // The figures of a migration that has ended stay as they are, so those of another differ.
        return !found.path("status").asString("").equals("completed")
                || found.toString().equals(migration.toString());
    }

    ObjectNode json(List<PlannedDisk> planned) {
        ObjectNode json = Json.object().put("process", process);
        json.set("migration", migration);
        ArrayNode disks = json.putArray("disks");
        for (PlannedDisk each : planned) {
            if (each.isHeld()) {
                disks.add(json(each.disk(), each.generation()));
            }
        }
        return json;
    }

    private ObjectNode json(GuestDisk disk, String generation) {
        ImageFacts image = image(disk);
        ObjectNode json =
                Json.object()
                        .put("name", disk.name())
                        .put("generation", generation)
                        .put("node", disk.node())
                        .put("size", disk.size())
                        .put("guarded", image.isGuarded());
        json.set("files", image.files());
        return json;
    }

    private ImageFacts image(GuestDisk disk) {
        ImageFacts image = images.get(disk.node());
        return image == null ? new ImageFacts(Json.array(), false) : image;
    }

    /// Why the record that began with this note can't be all that happened to the disk since; empty if nothing speaks
    /// against it.
    Optional<Reason> whyOther(GuestDisk disk, String generation, JsonNode note) {
        JsonNode before = Json.object();
        for (JsonNode each : note.path("disks")) {
            if (each.path("name").asString("").equals(disk.name())
                    && each.path("generation").asString("").equals(generation)) {
                before = each;
            }
        }
        if (before.isEmpty()) {
            return Optional.of(Reason.MISSING);
        }
        if (process.isEmpty() || note.path("process").asString("").isEmpty()) {
            return Optional.of(Reason.UNGUARDED);
        }
        if (!note.path("process").asString("").equals(process)) {
            return Optional.of(Reason.RESTARTED);
        }
        // Numbers come back from a point as other types than they went in: compared as text.
        if (!note.path("migration").toString().equals(migration.toString())) {
            return Optional.of(Reason.MIGRATED);
        }
        if (before.path("size").asLong(-1) != disk.size()) {
            return Optional.of(Reason.RESIZED);
        }
        ObjectNode now = json(disk, generation);
        if (!before.path("node").equals(now.path("node"))
                || !before.path("files").toString().equals(now.path("files").toString())) {
            return Optional.of(Reason.OTHER_IMAGE);
        }
        return before.path("guarded").asBoolean(false) && image(disk).isGuarded()
                ? Optional.empty()
                : Optional.of(Reason.UNGUARDED);
    }
}
