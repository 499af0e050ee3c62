package io.stillpoint.hypervisor;

import io.stillpoint.platform.ByteSize;
import java.nio.file.Path;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/// What a snapshot is asked for.
///
/// @param lineage whose recovery points these are: 8 lower-case hexadecimal digits taken from the vault's
///     id. Part of every name given inside the hypervisor, so that two vaults that back up the same VM keep
///     apart.
/// @param generation fresh and random, 16 lower-case hexadecimal digits; what each disk's own generation is made of
/// @param previousGenerations disk name to the generation under which the newest recovery point's hypervisor
///     began to record changes; disks without one are absent
/// @param previousRecording what [HeldSnapshot#recording] told for that point; missing if there is none
/// @param scratchFolder where blocks go that the guest overwrites while the snapshot is held; the hypervisor
///     writes there
/// @param scratchMax how much the scratch files of all disks may take together before the snapshot is given
///     up
public record SnapshotRequest(
        String lineage,
        String generation,
        Map<String, String> previousGenerations,
        JsonNode previousRecording,
        Path scratchFolder,
        ByteSize scratchMax) {
    public SnapshotRequest {
        if (!lineage.matches("[0-9a-f]{8}") || !generation.matches("[0-9a-f]{16}")) {
            throw new IllegalArgumentException("lineage " + lineage + ", generation " + generation);
        }
        previousGenerations = Map.copyOf(previousGenerations);
    }
}
