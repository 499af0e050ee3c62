package io.stillpoint.hypervisor;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// The local snapshots of a VM: snapshots that stay in the hypervisor after their recovery points were made, so that disks
/// can be restored from them without the vault (`docs/local-snapshots.md`). Each older one stands on the next newer one: if
/// one ends, so do all that are older.
public interface LocalSnapshots {
    /// None of any VM.
    LocalSnapshots NONE =
            new LocalSnapshots() {
                @Override
                public Set<SnapshotName> standing() {
                    return Set.of();
                }

                @Override
                public Exported export(SnapshotName name) {
                    throw new IllegalArgumentException("no local snapshot " + name);
                }

                @Override
                public void endExport(SnapshotName name) {}

                @Override
                public void settle(SnapshotName name) {}

                @Override
                public void end(Set<SnapshotName> names) {}

                @Override
                public Optional<HypervisorException> whyEnd() {
                    return Optional.empty();
                }
            };

    /// Those that are whole: everything that is, or was, read of them since they were taken is of their instants. Throws a
    /// [HypervisorException] of kind UNREACHABLE if the VM does not answer.
    Set<SnapshotName> standing();

    /// Has one served for reading, also after this VM was closed. What is read is worth nothing unless [#standing] has
    /// the name afterwards. Does nothing if it is served already.
    Exported export(SnapshotName name);

    /// Ends that. Does nothing if it is not served.
    void endExport(SnapshotName name);

    /// Ends these: nothing of them stays but what others stand on. Names that are not known here are ignored.
    void end(Set<SnapshotName> names);

    /// Why they stand in somebody's way and should be ended at once: a migration of the VM has begun since the newest of
    /// them was taken, and fails as long as they stand; or the file system of the scratch images is nearly full.
    Optional<HypervisorException> whyEnd();

    /// Completes what makes a snapshot a local one, after a process that may have ended in the middle.
    void settle(SnapshotName name);

    /// Where the disks of a snapshot are read, by the protocol NBD.
    ///
    /// @param socket readable for the user of this process, and for root
    record Exported(Path socket, List<SnapshotDescriptor.Disk> disks) {
        public Exported {
            disks = List.copyOf(disks);
        }
    }
}
