/// A running QEMU VM over its machine protocol (QMP). The central type is
/// [QemuVm][io.stillpoint.hypervisor.qemu.QemuVm].
///
/// How a snapshot is held, per disk: a `copy-before-write` filter is put between the device and the disk's
/// node while the VM is stopped for milliseconds; it copies a cluster to a scratch image (the fleece) before
/// the guest overwrites it. The fleece has the disk as its backing file, so that reading the fleece reads the
/// instant. The filter breaks the snapshot, never the guest's write, when it can't copy.
///
/// The snapshot lives in QEMU, not in the process that took it. A later process takes it up with what was noted
/// ([SnapshotState]); [Wholeness] says whether it is still what it was.
///
/// Invariants: everything we add carries a name of [JobNames]; nothing else is touched; [Sweep] removes
/// whatever such names it finds in its scope, so that the end of a job and the cleaning after a crash are the same
/// code.
@NullMarked
package io.stillpoint.hypervisor.qemu;

import org.jspecify.annotations.NullMarked;
