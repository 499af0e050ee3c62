/// Fakes: a hypervisor and guests that exist in this process alone, so that whole jobs run thousands of times with every
/// failure that a seed draws. What they promise to a job is what the real ones promise: both pass
/// [RunningVmContract][io.stillpoint.testkit.RunningVmContract] and
/// [GuestAgentContract][io.stillpoint.testkit.GuestAgentContract].
///
/// [FakeVm][io.stillpoint.testkit.fake.FakeVm] keeps disks on the heap, copies before writes into bounded scratch space
/// and records changes; [FakeGuest][io.stillpoint.testkit.fake.FakeGuest] answers as an agent does. Both outlive the
/// process that works on them: what a job leaves stays until somebody removes it. [CallGate][io.stillpoint.testkit.fake.CallGate]
/// is where a process can be made to end, or a call to fail.
///
/// They prove nothing about QEMU, Linux or Windows. That is what the tests with real ones are for.
@NullMarked
package io.stillpoint.testkit.fake;

import org.jspecify.annotations.NullMarked;
