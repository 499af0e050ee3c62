/// Speaks with the QEMU guest agent inside a VM: freeze and thaw of its file systems, commands, files. The
/// central type is [GuestAgent][io.stillpoint.guest.GuestAgent]; protocol and commands are those of
/// docs/interop/qemu-ga.rst and qga/qapi-schema.json of QEMU.
///
/// Invariants: a guest is never believed unchecked, neither the form nor the size of its answers; no call waits
/// for ever; after a freeze the file systems are proved to be thawed, or the caller is told that they are not.
/// This module knows no hypervisor and no vault.
@NullMarked
package io.stillpoint.guest;

import org.jspecify.annotations.NullMarked;
