package io.stillpoint.vault.point;

import io.stillpoint.platform.Json;
import io.stillpoint.vault.store.ObjectId;
import java.time.Instant;
import java.util.Comparator;
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
/// @param keptUntil before this the store deletes nothing that the point needs, whoever asks; empty: that is not known
/// @param copiedFrom of which point of another vault it is a copy
/// @param lineage its place among the points of its VM
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
        Optional<Instant> keptUntil,
        Optional<PointOrigin> copiedFrom,
        Lineage lineage) {
    /// By VM, of each the oldest first. The one order of points: by lineage, never by a clock but for points that have none.
    public static final Comparator<RecoveryPoint> OLDEST_FIRST =
            Comparator.comparing(RecoveryPoint::vm)
                    .thenComparingLong(point -> point.lineage().ordinal())
                    .thenComparing(RecoveryPoint::timeWithoutLineage)
                    .thenComparing(RecoveryPoint::original)
                    .thenComparing(RecoveryPoint::id);

    public RecoveryPoint {
        disks = List.copyOf(disks);
        if (disks.stream().map(PointDisk::name).distinct().count() < disks.size()) {
            throw new IllegalArgumentException("two disks of one name");
        }
    }

    /// The same under another id: before it is made.
    public RecoveryPoint withId(ObjectId other) {
        return with(other, configuration, keptUntil);
    }

    /// The same, with what was found out about how long the store keeps it: before it is made.
    public RecoveryPoint keptUntil(Optional<Instant> until) {
        return with(id, configuration, until);
    }

    /// The same without what the hypervisor told, which is most of it.
    public RecoveryPoint bare() {
        return with(id, Json.object(), keptUntil);
    }

    private RecoveryPoint with(
            ObjectId otherId, ObjectNode otherConfiguration, Optional<Instant> otherKeptUntil) {
        return new RecoveryPoint(
                otherId,
                vm,
                otherConfiguration,
                startedAt,
                snapshotAt,
                createdAt,
                consistency,
                consistencyReason,
                frozenMillis,
                disks,
                storedBytes,
                writer,
                lockedUntil,
                otherKeptUntil,
                copiedFrom,
                lineage);
    }

    private Instant timeWithoutLineage() {
        return lineage.ordinal() == 0 ? snapshotAt : Instant.EPOCH;
    }

    /// Its id, or that of the point that it is a copy of: a vault and its copies have one order.
    private ObjectId original() {
        return copiedFrom.map(PointOrigin::point).orElse(id);
    }

    /// Where the points are from among which this one has its place: the vault that it was copied from; empty: made here.
    /// The ordinals of two lines tell nothing of which point is the newer one.
    public Optional<ObjectId> line() {
        return copiedFrom.map(PointOrigin::vault);
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
