package io.stillpoint.hypervisor.qemu;

import io.stillpoint.platform.setting.NamePattern;
import java.util.List;

/// Which drives of a VM are stored: its writable fixed disks and its firmware's variables, and what else is asked for here. The
/// others are listed in the recovery point, with the reason.
///
/// @param removable what the guest sees as removable, as a USB stick or a writable floppy
/// @param readOnly media that the guest can't write, as a CD-ROM's
/// @param without disks of these names are left out
public record DiskChoice(boolean removable, boolean readOnly, List<NamePattern> without) {
    /// All writable fixed disks.
    public static final DiskChoice USUAL = new DiskChoice(false, false, List.of());

    public DiskChoice {
        without = List.copyOf(without);
    }

    boolean leavesOut(String disk) {
        return without.stream().anyMatch(each -> each.matches(disk));
    }
}
