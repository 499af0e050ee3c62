package io.stillpoint.hypervisor;

import io.stillpoint.platform.ByteSize;
import java.nio.file.Path;
import java.util.List;
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
/// @param kept the snapshots that some journal names: preparing removes what ended jobs left, but none of these. If this
///     snapshot's own [#name] is among them it outlives this process, to be adopted by another; else it ends with the
///     process
/// @param local the local snapshots that stand in the VM as far as is known, newest first; the new one carries them on.
///     Their names are among `kept`
public record SnapshotRequest(
        String lineage,
        String generation,
        Map<String, String> previousGenerations,
        JsonNode previousRecording,
        Path scratchFolder,
        ByteSize scratchMax,
        KeptSnapshots kept,
        List<SnapshotDescriptor> local) {
    public SnapshotRequest {
        SnapshotName.require(lineage, generation);
        previousGenerations = Map.copyOf(previousGenerations);
        local = List.copyOf(local);
    }

    /// As of a job without a journal: nothing is kept.
    public SnapshotRequest(
            String lineage,
            String generation,
            Map<String, String> previousGenerations,
            JsonNode previousRecording,
            Path scratchFolder,
            ByteSize scratchMax) {
        this(
                lineage,
                generation,
                previousGenerations,
                previousRecording,
                scratchFolder,
                scratchMax,
                KeptSnapshots.NONE,
                List.of());
    }

    /// This request in a process that keeps these.
    public SnapshotRequest keeping(KeptSnapshots snapshots) {
        return with(snapshots, local);
    }

    /// This request with these local snapshots, newest first.
    public SnapshotRequest carrying(List<SnapshotDescriptor> snapshots) {
        return with(kept, snapshots);
    }

    private SnapshotRequest with(KeptSnapshots keeping, List<SnapshotDescriptor> carrying) {
        return new SnapshotRequest(
                lineage,
                generation,
                previousGenerations,
                previousRecording,
                scratchFolder,
                scratchMax,
                keeping,
                carrying);
    }

    /// What a journal calls the snapshot before it is taken.
    public SnapshotName name() {
        return new SnapshotName(lineage, generation);
    }

    /// Whether a journal names this snapshot, so that it must not end with the process.
    public boolean outlivesProcess() {
        return kept.contains(name());
    }
}
