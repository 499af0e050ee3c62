/// Real parts for tests: [TestVm] is a real Linux guest on QEMU in about three seconds, [WineGuest] as much of a Windows guest
/// as Wine is, in two; [LiveWriters] keep disks busy, [Bytes] and [SparseImage] make data from seeds, [RealParts] decides whether such tests can run.
///
/// [FaultyDisk][io.stillpoint.testkit.disk.FaultyDisk] is a fake: no real disk loses power on demand.
///
/// The package `fake` has fakes of VMs and guests. What they must have in common with the real ones stands in the
/// contracts here: [ObjectStoreContract], [VirtualMachineContract], [RunningVmContract], [GuestAgentContract].
///
/// Nothing here is a mock. What is started ends with the test, at the latest with the JVM.
@NullMarked
package io.stillpoint.testkit;

import org.jspecify.annotations.NullMarked;
