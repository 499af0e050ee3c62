/// Running and stopped VMs, as a backup needs them: all disks held at one instant, what changed since the
/// instant before, and their bytes. The central type is [VirtualMachine][io.stillpoint.hypervisor.VirtualMachine];
/// `qemu` implements it for a running VM over QMP and NBD, `images` for the disk images of a stopped one. A
/// [Hypervisor][io.stillpoint.hypervisor.Hypervisor] of each kind finds and opens them.
///
/// Invariants: a guest is never harmed to save a snapshot; whatever is left in a hypervisor by a run that
/// ended is found by its name and removed by the next, unless a journal names it
/// ([KeptSnapshots][io.stillpoint.hypervisor.KeptSnapshots]); then a later process takes it up, if it is whole. This
/// module knows no vault and no guest agent.
@NullMarked
package io.stillpoint.hypervisor;

import org.jspecify.annotations.NullMarked;
