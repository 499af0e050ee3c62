package io.stillpoint.hypervisor.qemu;

/// Where a snapshot is held: a QEMU, and a folder beside it.
///
/// @param paths what its files are called
record SnapshotPlace(Monitor monitor, VmPaths paths, NbdServer server) {
    static SnapshotPlace of(Monitor monitor, VmPaths paths) {
        return new SnapshotPlace(monitor, paths, new NbdServer(monitor, paths));
    }

    Sweep sweep(SweepScope scope) {
        return new Sweep(this, scope);
    }
}
