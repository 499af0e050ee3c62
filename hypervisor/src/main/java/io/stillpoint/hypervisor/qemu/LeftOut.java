package io.stillpoint.hypervisor.qemu;

/// A drive of the VM that is not stored.
///
/// @param name what tells it from others, in QEMU's words
/// @param reason a code: `read-only`, `cd-rom`, `floppy`, `removable`, `sd-card`, `pass-through`, `not-attached`
/// @param detail the medium's file
record LeftOut(String name, String reason, String detail) {}
