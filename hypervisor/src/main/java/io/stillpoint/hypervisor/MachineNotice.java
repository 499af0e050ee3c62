package io.stillpoint.hypervisor;

import io.stillpoint.platform.text.Text;

/// Something that a person should know of a VM or of its snapshot.
///
/// @param code stable
/// @param isWarning whether something is missing in the backup that an operator may need
public record MachineNotice(String code, Text text, boolean isWarning) {
    public static MachineNotice warning(String code, Text text) {
        return new MachineNotice(code, text, true);
    }

    public static MachineNotice hint(String code, Text text) {
        return new MachineNotice(code, text, false);
    }
}
