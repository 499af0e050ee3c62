package io.stillpoint.planning.policy;

import io.stillpoint.platform.setting.NamePattern;
import java.util.List;

/// Which drives of a VM are stored: its writable fixed disks, but for those that are named here, and what else is asked for.
///
/// @param without disks of these names are left out
/// @param removable whether removable media are stored
/// @param readOnly whether media that the guest can't write are stored
public record DiskRules(List<NamePattern> without, boolean removable, boolean readOnly) {
    /// As `stillpoint backup` without options.
    public static final DiskRules USUAL = new DiskRules(List.of(), false, false);

    public DiskRules {
        without = List.copyOf(without);
    }
}
