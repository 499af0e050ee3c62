package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.ChangedBlocks.Reason;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.platform.Json;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A disk and what its snapshot will do with its bitmaps.
///
/// @param index its number among the VM's disks, part of names
/// @param generation that changes are recorded under from this snapshot on
/// @param previous the recording bitmap that tells what changed, if it is fit for that
/// @param unknown why there is none
record PlannedDisk(
        int index,
        GuestDisk disk,
        String generation,
        Optional<String> previous,
        Optional<Reason> unknown) {
    /// Looks for the bitmap of the generation that the vault's newest point named, and whether what it says can be
    /// the whole truth.
    static PlannedDisk of(
            int index, GuestDisk disk, SnapshotRequest request, RecordingFacts facts) {
        String generation = JobNames.ofDisk(request.generation(), disk.name());
        String wanted = request.previousGenerations().get(disk.name());
        Optional<Reason> unknown =
                !records(disk)
                        ? Optional.of(Reason.NOT_SUPPORTED)
                        : wanted == null
                                ? Optional.of(Reason.FIRST_BACKUP)
                                : whyNot(disk, wanted, request, facts);
        return new PlannedDisk(
                index,
                disk,
                generation,
                unknown.isPresent()
                        ? Optional.empty()
                        : Optional.ofNullable(wanted)
                                .map(begun -> JobNames.recording(request.lineage(), begun)),
                unknown);
    }

    /// What a later process must know of it; [#of(JsonNode)] reads it.
    ObjectNode json() {
        ObjectNode json = Json.object().put("index", index).put("generation", generation);
        previous.ifPresent(bitmap -> json.put("previous", bitmap));
        unknown.ifPresent(reason -> json.put("unknown", reason.name()));
        json.set("disk", disk.json());
        return json;
    }

    /// Throws a [JacksonException][tools.jackson.core.JacksonException] or an [IllegalArgumentException] if it is none.
    static PlannedDisk of(JsonNode json) {
        Optional<String> previous =
                Optional.of(json.path("previous").asString("")).filter(text -> !text.isEmpty());
        Optional<Reason> unknown =
                Optional.of(json.path("unknown").asString(""))
                        .filter(text -> !text.isEmpty())
                        .map(Reason::valueOf);
        if (previous.isPresent() == unknown.isPresent()) {
            throw new IllegalArgumentException("a record, or a reason why there is none: " + json);
        }
        return new PlannedDisk(
                json.required("index").asInt(),
                GuestDisk.of(json.required("disk")),
                json.required("generation").asString(),
                previous,
                unknown);
    }

    private static Optional<Reason> whyNot(
            GuestDisk disk, String generation, SnapshotRequest request, RecordingFacts facts) {
        Optional<GuestDisk.Bitmap> recording =
                bitmap(disk, JobNames.recording(request.lineage(), generation));
        if (recording.isPresent() && recording.get().inconsistent()) {
            return Optional.of(Reason.INCONSISTENT);
        }
        Optional<Reason> other = facts.whyOther(disk, generation, request.previousRecording());
        if (recording.isEmpty()) {
            boolean isOther =
                    disk.bitmaps().stream()
                            .anyMatch(each ->
                                    JobNames.generation(request.lineage(), each.name())
                                            .isPresent());
            return Optional.of(
                    other.filter(Reason.RESTARTED::equals)
                            .orElse(isOther ? Reason.OTHER_GENERATION : Reason.MISSING));
        }
        if (other.isPresent()) {
            return other;
        }
        if (!recording.get().recording()) {
            return Optional.of(Reason.NOT_RECORDING);
        }
        Optional<GuestDisk.Bitmap> witness =
                bitmap(disk, JobNames.witness(request.lineage(), generation));
        // Both began with one bit set, at the disk's end, and ours are never stored in an image.
        boolean isSound =
                !recording.get().persistent()
                        && recording.get().dirtyBytes() >= Instant.GRANULARITY_BYTES
                        && witness.filter(PlannedDisk::isUntouched).isPresent();
        return isSound ? Optional.empty() : Optional.of(Reason.TAMPERED);
    }

    /// Whether nobody has cleared or started this witness, and the disk was never shorter since.
    static boolean isUntouched(GuestDisk.Bitmap witness) {
        return !witness.recording()
                && !witness.inconsistent()
                && !witness.persistent()
                && witness.dirtyBytes() == Instant.GRANULARITY_BYTES;
    }

    /// Whether nobody has cleared or stopped this recording bitmap, as far as it tells.
    static boolean isRecording(GuestDisk.Bitmap bitmap) {
        return bitmap.recording()
                && !bitmap.inconsistent()
                && !bitmap.persistent()
                && bitmap.dirtyBytes() >= Instant.GRANULARITY_BYTES;
    }

    private static Optional<GuestDisk.Bitmap> bitmap(GuestDisk disk, String name) {
        return disk.bitmaps().stream().filter(each -> each.name().equals(name)).findFirst();
    }

    /// Whether a snapshot of it is held in QEMU; a disk of no bytes needs none.
    boolean isHeld() {
        return !disk.isEmpty();
    }

    /// Whether changes are recorded from this snapshot on.
    boolean records() {
        return records(disk);
    }

    private static boolean records(GuestDisk disk) {
        return disk.recordsChanges() && !disk.isEmpty();
    }
}
