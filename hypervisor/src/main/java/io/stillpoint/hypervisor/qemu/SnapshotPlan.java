package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.SnapshotName;
import java.util.List;
import java.util.stream.Stream;

/// What a snapshot is made of, settled before the instant.
///
/// @param disks in the order of QEMU's list
/// @param facts what the record of changes that begins at the instant rests on
record SnapshotPlan(
        SnapshotName name, List<PlannedDisk> disks, RecordingFacts facts, ScratchRoom room) {
    SnapshotPlan {
        disks = List.copyOf(disks);
    }

    JobNames names() {
        return JobNames.of(name);
    }

    /// The disks that have nodes in QEMU.
    Stream<PlannedDisk> held() {
        return disks.stream().filter(PlannedDisk::isHeld);
    }

    /// Nothing else's things.
    SweepScope scope() {
        return new SweepScope.Only(names());
    }
}
