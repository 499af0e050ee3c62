package io.stillpoint.hypervisor;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/// A VM whose disks can be held at one instant. Opened for one job, used by one thread at a time.
///
/// A snapshot is taken in two steps, so that a guest is frozen for the second alone:
/// [#prepare] does all slow work, [PreparedSnapshot#take] is the instant.
public interface VirtualMachine extends AutoCloseable {
    /// Whether guest code can run and write while the job reads.
    boolean running();

    /// Whether no process runs the VM: its disks are all there is of it, and there is no guest to ask.
    default boolean isOff() {
        return false;
    }

    /// Throws a [HypervisorException] with the reason if the VM is in a state in which its disks can't be read. Disturbs
    /// nothing.
    default void requireFit() {}

    /// Which machine this is, so that points of another are never taken for its own.
    VmIdentity identity();

    /// The channel to the guest that whoever connects to this socket reaches; empty if it is none of this VM's, or
    /// another program is connected to it. Nothing is sent.
    Optional<Channel> channel(Path socket);

    /// A character device of the VM, served at a socket.
    interface Channel {
        /// Whether the connection that was just made reached this device.
        boolean isConnected();
    }

    /// What is known of the VM's configuration: `name`, `uuid`, `hypervisor`, `disks` and what else the
    /// provider can tell. Goes into the recovery point as it is.
    ObjectNode configuration();

    /// What a person should know of the VM and of what is stored of it; known after [#prepare].
    default List<MachineNotice> notices() {
        return List.of();
    }

    /// Removes what earlier, ended jobs left behind, but for [SnapshotRequest#kept], then readies a snapshot of every
    /// disk. Nothing visible to the guest has changed when this returns.
    ///
    /// The local snapshots of the request that stand are carried on: they stand on the new one then. Those that can't be
    /// are ended, and [#notices] tells of it.
    ///
    /// But for these a VM holds one snapshot at a time: throws a [HypervisorException] of kind BUSY and code `vm.snapshot-kept` if a kept
    /// one, other than that of this request, is in the VM. (A VM that is off holds any number.)
    ///
    /// Throws a [HypervisorException] when the VM can't be backed up safely, with nothing left behind.
    PreparedSnapshot prepare(SnapshotRequest request);

    /// Takes up a snapshot that another process, or this one, has left in this VM by ending at any moment or by
    /// [HeldSnapshot#detach]. What is returned is that snapshot: the same disks, bytes, changes and generations, the same
    /// [HeldSnapshot#recording] and descriptor; [#configuration] tells again what it told then, and [#notices] tells
    /// nothing. `keepChanges` was not called on it. It may be left and adopted any number of times, and belongs to one
    /// process at a time: the VM is locked while it is open.
    ///
    /// Whether the snapshot is whole is looked at here, as strictly as [HeldSnapshot#proveValid] does, including what
    /// happened while nobody watched. If it is not, throws a [HypervisorException] of kind SNAPSHOT_BROKEN with the reason;
    /// everything of the snapshot is gone then but its record of changes, which the next [#prepare] keeps or removes as
    /// the newest recovery point says. Where the VM does not answer, throws one of kind UNREACHABLE and nothing is removed.
    ///
    /// Other snapshots are not touched, whether kept or not. Not to be called while a snapshot of this VM is prepared or
    /// held by this object.
    HeldSnapshot adopt(SnapshotDescriptor descriptor);

    /// The local snapshots of this VM while no other snapshot is held.
    ///
    /// @param newestFirst those that may be there
    /// @param others snapshots that a journal names: they stay, whatever is ended
    default LocalSnapshots local(List<SnapshotDescriptor> newestFirst, KeptSnapshots others) {
        return LocalSnapshots.NONE;
    }

    /// Ends the connection. Snapshots must have been closed or detached before.
    @Override
    void close();
}
