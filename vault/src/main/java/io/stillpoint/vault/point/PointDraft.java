package io.stillpoint.vault.point;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import tools.jackson.databind.node.ObjectNode;

/// What a backup session needs to be told to make a recovery point; the fields are those of [RecoveryPoint].
///
/// @param lineage of the point that is copied; empty: the session gives the next one of the VM
public record PointDraft(
        String vm,
        ObjectNode configuration,
        Instant startedAt,
        Instant snapshotAt,
        Consistency consistency,
        String consistencyReason,
        OptionalLong frozenMillis,
        List<PointDisk> disks,
        String writer,
        Optional<Instant> lockedUntil,
        Optional<PointOrigin> copiedFrom,
        Optional<Lineage> lineage) {
    /// A point that goes on from the newest of its VM.
    public PointDraft(
            String vm,
            ObjectNode configuration,
            Instant startedAt,
            Instant snapshotAt,
            Consistency consistency,
            String consistencyReason,
            OptionalLong frozenMillis,
            List<PointDisk> disks,
            String writer,
            Optional<Instant> lockedUntil,
            Optional<PointOrigin> copiedFrom) {
        this(
                vm,
                configuration,
                startedAt,
                snapshotAt,
                consistency,
                consistencyReason,
                frozenMillis,
                disks,
                writer,
                lockedUntil,
                copiedFrom,
                Optional.empty());
    }
}
