package io.stillpoint.hypervisor.qemu;

/// Which drives of a VM are stored beside its writable fixed disks and its firmware's variables. The others are listed
/// in the recovery point, with the reason.
///
/// @param removable what the guest sees as removable, as a USB stick or a writable floppy
/// @param readOnly media that the guest can't write, as a CD-ROM's
public record DiskChoice(boolean removable, boolean readOnly) {
    /// Nothing more.
    public static final DiskChoice USUAL = new DiskChoice(false, false);
}
