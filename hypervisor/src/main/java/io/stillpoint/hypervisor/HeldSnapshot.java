package io.stillpoint.hypervisor;

import io.stillpoint.platform.text.Text;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import tools.jackson.databind.node.ObjectNode;

/// All disks of a VM as they were at one instant. Held until [#close] or [#detach], whichever is first; after that only
/// these two may be called, and do nothing.
public interface HeldSnapshot extends AutoCloseable {
    /// At least one; names are unique in the VM and stay the same from backup to backup.
    List<HeldDisk> disks();

    /// What the record of changes that begins at the instant rests on: which run of the hypervisor, which images,
    /// whether others could write them. Goes into the recovery point, and from there into the next request; empty if
    /// nothing is recorded.
    ObjectNode recording();

    /// Of a VM that is off: what its disks tell about its end. Reads a few structures of each disk.
    default Shutdown shutdown() {
        return Shutdown.unknown(Text.EMPTY);
    }

    /// How much scratch space the guest's writes have taken since the instant; empty if nobody can tell, or if none can be
    /// taken. Throws nothing.
    default OptionalLong scratchTaken() {
        return OptionalLong.empty();
    }

    /// To be called after the last byte was read: throws a [HypervisorException] unless every byte read so
    /// far is of the instant. What was read is worthless then.
    void proveValid();

    /// The recovery point made of this snapshot is durable: changes recorded since the instant are kept for
    /// the next backup when this is closed. Without this call closing keeps the older record instead.
    void keepChanges();

    /// Where its disks can be read by other processes, while it is held; empty if nowhere.
    default Optional<LocalSnapshots.Exported> exported() {
        return Optional.empty();
    }

    /// The snapshot is to stay when this is closed, as a local one ([LocalSnapshots]): named by its descriptor, until a
    /// sweep no longer keeps it. To be called after [#keepChanges]. Returns whether this hypervisor can do that.
    default boolean keepLocal() {
        return false;
    }

    /// The local snapshots of the VM while this one is held.
    ///
    /// @param newestFirst those that may be there, all older than this one
    default LocalSnapshots older(List<SnapshotDescriptor> newestFirst) {
        return LocalSnapshots.NONE;
    }

    /// All that a later process needs for [VirtualMachine#adopt]; the same at every call, and before and after an adoption.
    /// To be stored once the snapshot is taken: a process that ends before that leaves a snapshot that is swept. Disturbs
    /// nothing, and may be called while the guest is frozen.
    ///
    /// Throws a [HypervisorException] if the snapshot was given up, or if the hypervisor is gone.
    SnapshotDescriptor descriptor();

    /// Lets go of the snapshot and leaves it as it is: it stays in the hypervisor when this process ends, and
    /// [VirtualMachine#adopt] takes it up again, here or in another process. Sources that are still open can't be read any
    /// more. Nobody ends the snapshot now but who adopts it, or who sweeps without its name among the kept ones
    /// ([KeptSnapshots]). What [#keepChanges] said is forgotten.
    ///
    /// Never throws: a snapshot that was given up before is not there to be adopted, and adopting says why.
    void detach();

    /// Releases the snapshot: nothing of it stays in the hypervisor or in the scratch folder, whatever
    /// happened before. The guest is not disturbed. Does nothing after [#detach].
    ///
    /// Local snapshots that stand on this one stay: then its scratch images stay under them.
    @Override
    void close();
}
