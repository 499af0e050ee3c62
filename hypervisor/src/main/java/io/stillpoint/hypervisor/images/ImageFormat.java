package io.stillpoint.hypervisor.images;

import io.stillpoint.platform.block.BlockSource;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// An image's format. It is what the caller says, else what the file's name says; a file whose name says nothing is raw.
/// The content never decides, because a guest can write any header to a raw disk, one that names another file of the host
/// among them (CVE-2024-32498). It is looked at for one thing: where it contradicts, the caller has to say which it is.
///
/// Names are those of QEMU's drivers.
final class ImageFormat {
    static final String RAW = "raw";
    static final String QCOW2 = "qcow2";
    static final String LUKS = "luks";

    private static final Set<String> KNOWN =
            Set.of(RAW, QCOW2, "qcow", "qed", "vmdk", "vhdx", "vdi", "vpc", LUKS);

    private static final Map<String, String> BY_ENDING =
            Map.of(
                    "raw", RAW,
                    "qcow2", QCOW2,
                    "qcow", "qcow",
                    "qed", "qed",
                    "vmdk", "vmdk",
                    "vhdx", "vhdx",
                    "vdi", "vdi",
                    "vhd", "vpc",
                    "vpc", "vpc");

    private static final int VDI_MAGIC_AT = 0x40;
    private static final long VDI_MAGIC = 0xbeda107fL;
    private static final int FOOTER = 512;

    private ImageFormat() {}

    /// The name of QEMU's driver. Throws a [HypervisorException] of kind IMAGE for a format that we don't read.
    static String checked(Path file, String format) {
        String name = format.equals("vhd") ? "vpc" : format;
        if (!KNOWN.contains(name)) {
            throw ImageErrors.of("image.unknown-format", file, format);
        }
        return name;
    }

    /// What the name's ending says; empty if it says nothing.
    static Optional<String> ofName(Path file) {
        String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
        int dot = name.lastIndexOf('.');
        return dot < 0
                ? Optional.empty()
                : Optional.ofNullable(BY_ENDING.get(name.substring(dot + 1)));
    }

    /// The format by these rules. Throws a [HypervisorException] of kind IMAGE if the content contradicts.
    static String of(Path file, Optional<String> said, boolean isDevice) {
        if (said.isPresent()) {
            return checked(file, said.get());
        }
        Optional<String> named = isDevice ? Optional.empty() : ofName(file);
        if (named.isPresent()) {
            return named.get();
        }
        try (BlockSource source = RawSource.open(file)) {
            Optional<String> seems = ofContent(Region.of(source));
            if (seems.isPresent()) {
                throw ImageErrors.of("image.ambiguous-format", file, seems.get());
            }
        }
        return RAW;
    }

    /// What the content claims to be (docs/interop/qcow2.txt and qed_spec.txt, vmdk, [MS-VHDX], VirtualBox's VDI, "Virtual
    /// Hard Disk Image Format Specification" for vpc, whose fixed kind has a footer only). A LUKS header is not among
    /// these: such a disk is the same whoever reads it, the guest or QEMU, and is kept as it lies.
    static Optional<String> ofContent(Region at) {
        if (at.has(0, "QFI\u00fb")) {
            // The first version shares the magic.
            return Optional.of(at.u32big(4) == 1 ? "qcow" : QCOW2);
        }
        if (at.has(0, "QED\0")) {
            return Optional.of("qed");
        }
        if (at.has(0, "KDMV") || at.has(0, "COWD") || at.has(0, "# Disk DescriptorFile")) {
            return Optional.of("vmdk");
        }
        if (at.has(0, "vhdxfile")) {
            return Optional.of("vhdx");
        }
        boolean isHardDisk =
                at.has(0, "conectix")
                        || at.has(at.length() - FOOTER, "conectix")
                        || at.has(at.length() - FOOTER + 1, "conectix");
        if (isHardDisk) {
            return Optional.of("vpc");
        }
        if (at.contains(VDI_MAGIC_AT, 4) && at.u32(VDI_MAGIC_AT) == VDI_MAGIC) {
            return Optional.of("vdi");
        }
        if (at.has(0, "WithoutFreeSpace") || at.has(0, "WithouFreSpacExt")) {
            return Optional.of("parallels");
        }
        return Optional.empty();
    }
}
