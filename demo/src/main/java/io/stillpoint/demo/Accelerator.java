package io.stillpoint.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/// What runs the guest's instructions.
public enum Accelerator {
    /// QEMU's translator: works everywhere, several times slower.
    TCG("tcg,thread=multi", "qemu64"),
    /// The processor itself; needs `/dev/kvm`.
    KVM("kvm", "host");

    private static final Pattern VIRTUALIZATION =
            Pattern.compile("^flags\\s*:.* (vmx|svm)( |$)", Pattern.MULTILINE);

    private final String accel;
    private final String processor;

    Accelerator(String accel, String processor) {
        this.accel = accel;
        this.processor = processor;
    }

    List<String> arguments() {
        return List.of("-accel", accel, "-cpu", processor);
    }

    /// KVM where it can work, else TCG. That `/dev/kvm` opens is not enough: inside a VM it may be there, and QEMU
    /// starts, without the processor's support.
    public static Accelerator fastest() {
        Path device = Path.of("/dev/kvm");
        if (!Files.isReadable(device) || !Files.isWritable(device)) {
            return TCG;
        }
        try {
            String processors = Files.readString(Path.of("/proc/cpuinfo"));
            return VIRTUALIZATION.matcher(processors).find() ? KVM : TCG;
        } catch (IOException e) {
            return TCG;
        }
    }
}
