package io.stillpoint.vault;

import io.stillpoint.vault.store.ObjectId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import tools.jackson.databind.node.ObjectNode;

/// A full image of a VM's disks as of one instant (section 8 of the format). Immutable.
///
/// @param vm name of the VM
/// @param configuration what the hypervisor told of the VM
/// @param startedAt when the job began
/// @param snapshotAt the instant that the disks are of
/// @param createdAt when everything but this record was durable
/// @param consistencyReason a code that says why not better; empty if nothing was better
/// @param frozenMillis how long the guest's file systems were frozen, if they were
/// @param storedBytes what the point added to the store, this record excluded
/// @param writer the program's version
/// @param lockedUntil before this it can't be forgotten
/// @param copiedFrom of which point of another vault it is a copy
public record RecoveryPoint(
        ObjectId id,
        String vm,
        ObjectNode configuration,
        Instant startedAt,
        Instant snapshotAt,
        Instant createdAt,
        Consistency consistency,
        String consistencyReason,
        OptionalLong frozenMillis,
        List<PointDisk> disks,
        long storedBytes,
        String writer,
        Optional<Instant> lockedUntil,
        Optional<PointOrigin> copiedFrom) {
    public RecoveryPoint {
        disks = List.copyOf(disks);
    }

    public Optional<PointDisk> disk(String name) {
        return disks.stream().filter(disk -> disk.name().equals(name)).findFirst();
    }

    /// The sum of the disks' sizes in bytes.
    public long size() {
        return disks.stream().mapToLong(disk -> disk.image().size()).sum();
    }

    /// The sum of the disks' changed bytes.
    public long changedBytes() {
        return disks.stream().mapToLong(PointDisk::changedBytes).sum();
    }
}
