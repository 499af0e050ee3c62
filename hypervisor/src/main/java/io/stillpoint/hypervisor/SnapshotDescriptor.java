package io.stillpoint.hypervisor;

import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.platform.Json;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// All that a later process needs to take a held snapshot up again, in a form that can be stored:
///
/// ```
/// {"format": 1, "provider": "qemu", "snapshot": "LINEAGE-GENERATION",
///  "disks": [{"name", "size", "format", "generation"?, "export"?, "changes"?}], "state": {...}}
/// ```
///
/// The moment of the instant and what the guest said are not in it: the job that froze the guest has both, and keeps them
/// beside it. Holds no secret.
///
/// @param provider which kind of hypervisor it is for, such as `qemu` or `images`: 1 to 20 lower-case letters
/// @param name which snapshot it is
/// @param disks at least one, in the order of [HeldSnapshot#disks]; names are unique
/// @param state what the provider alone understands
public record SnapshotDescriptor(
        String provider, SnapshotName name, List<Disk> disks, ObjectNode state) {
    /// The version that is written, and the only one that is read.
    public static final int FORMAT = 1;

    /// The code of a refusal: it can't be read, and nothing was done with what it describes.
    public static final String UNREADABLE = "snapshot.unreadable";

    public SnapshotDescriptor {
        if (!provider.matches("[a-z]{1,20}") || disks.isEmpty()) {
            throw new IllegalArgumentException(provider + ", " + disks.size() + " disks");
        }
        disks = List.copyOf(disks);
        Set<String> names = new HashSet<>();
        for (Disk disk : disks) {
            if (!names.add(disk.name())) {
                throw new IllegalArgumentException("two disks " + disk.name());
            }
        }
        state = state.deepCopy();
    }

    /// A disk of the snapshot.
    ///
    /// @param name as [HeldDisk#name]
    /// @param size bytes at the instant
    /// @param format as [HeldDisk#format]
    /// @param generation as [HeldDisk#generation]
    /// @param export under which its content can be read, where the hypervisor exports it
    /// @param changes the record of what changed since the previous generation, if that is known
    public record Disk(
            String name,
            long size,
            String format,
            Optional<String> generation,
            Optional<String> export,
            Optional<String> changes) {
        public Disk {
            if (name.isEmpty() || size < 0) {
                throw new IllegalArgumentException("disk " + name + " of " + size + " bytes");
            }
        }
    }

    /// A copy: whoever changes it changes nothing here.
    @Override
    public ObjectNode state() {
        return state.deepCopy();
    }

    /// As it is stored; [#of] reads it.
    public ObjectNode json() {
        ObjectNode json =
                Json.object()
                        .put("format", FORMAT)
                        .put("provider", provider)
                        .put("snapshot", name.toString());
        ArrayNode array = json.putArray("disks");
        for (Disk disk : disks) {
            ObjectNode each =
                    array.addObject()
                            .put("name", disk.name())
                            .put("size", disk.size())
                            .put("format", disk.format());
            disk.generation().ifPresent(text -> each.put("generation", text));
            disk.export().ifPresent(text -> each.put("export", text));
            disk.changes().ifPresent(text -> each.put("changes", text));
        }
        json.set("state", state.deepCopy());
        return json;
    }

    /// Reads what [#json] wrote. Throws a [HypervisorException] of kind SNAPSHOT_BROKEN and code [#UNREADABLE] if it
    /// is no descriptor, or one of another version. That one may be able to go on with what it describes.
    public static SnapshotDescriptor of(JsonNode json) {
        try {
            if (json.required("format").asInt() != FORMAT) {
                throw unreadable(null, "format " + json.path("format"));
            }
            if (!(json.required("state") instanceof ObjectNode state)) {
                throw unreadable(null, "no state");
            }
            List<Disk> disks = new ArrayList<>();
            for (JsonNode each : json.required("disks")) {
                disks.add(
                        new Disk(
                                each.required("name").asString(),
                                each.required("size").asLong(),
                                each.required("format").asString(),
                                text(each, "generation"),
                                text(each, "export"),
                                text(each, "changes")));
            }
            return new SnapshotDescriptor(
                    json.required("provider").asString(),
                    SnapshotName.parse(json.required("snapshot").asString()),
                    disks,
                    state);
        } catch (JacksonException | IllegalArgumentException e) {
            throw unreadable(e, String.valueOf(e.getMessage()));
        }
    }

    /// That this can't be read, by a provider that finds its own state malformed.
    public static HypervisorException unreadable(@Nullable Exception cause, String what) {
        return new HypervisorException(Kind.SNAPSHOT_BROKEN, UNREADABLE, cause, what);
    }

    private static Optional<String> text(JsonNode json, String field) {
        return json.has(field)
                ? Optional.of(json.path(field).asString()).filter(text -> !text.isEmpty())
                : Optional.empty();
    }
}
