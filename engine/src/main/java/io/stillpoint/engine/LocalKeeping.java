package io.stillpoint.engine;

import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.SnapshotName;
import io.stillpoint.vault.store.ObjectId;
import java.time.Instant;
import java.util.List;

/// Who remembers the local snapshots of a VM, and says whether a job's own is to stay as one
/// (`docs/local-snapshots.md`).
public interface LocalKeeping {
    /// No snapshot stays.
    LocalKeeping NONE =
            new LocalKeeping() {
                @Override
                public List<SnapshotDescriptor> known() {
                    return List.of();
                }

                @Override
                public boolean keep(SnapshotDescriptor snapshot, ObjectId point, Instant at) {
                    return false;
                }

                @Override
                public void forget(SnapshotName snapshot) {}
            };

    /// Those of this VM that may stand, newest first.
    List<SnapshotDescriptor> known();

    /// The point of a snapshot was made. Returns whether the snapshot is to stay; that it does is remembered for good then,
    /// and no sweep takes it. May be called again for the same snapshot.
    ///
    /// Throws a [io.stillpoint.platform.StillpointException] if that can't be written down; the snapshot must go then.
    ///
    /// @param at its instant
    boolean keep(SnapshotDescriptor snapshot, ObjectId point, Instant at);

    /// It does not stay after all.
    void forget(SnapshotName snapshot);
}
