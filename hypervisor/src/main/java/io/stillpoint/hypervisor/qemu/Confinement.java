package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.platform.text.Text;
import java.nio.file.Path;

/// What to do where a security module keeps QEMU from a file that it was handed open. AppArmor lets a confined process
/// use what an unconfined one opened; SELinux asks for the file's label as well.
final class Confinement {
    private Confinement() {}

    /// The one command that helps, if the process's label tells it, else what to look at.
    static Text advice(QemuProcess process, Path folder) {
        return advice(process.label(), folder);
    }

    static Text advice(String label, Path folder) {
        if (label.isEmpty() || label.equals("unconfined") || label.startsWith("unconfined ")) {
            return text("scratch.advice-unconfined");
        }
        String[] parts = label.split(":", 4);
        if (parts.length == 4) {
            // user:role:type:level
            return text("scratch.advice-selinux", folder, label);
        }
        return text("scratch.advice-apparmor", label.replaceFirst(" \\(.*\\)$", ""), folder, label);
    }

    private static Text text(String code, Object... arguments) {
        return Text.of(HypervisorException.class, code, arguments);
    }
}
