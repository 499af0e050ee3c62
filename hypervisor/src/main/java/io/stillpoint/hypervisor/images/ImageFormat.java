package io.stillpoint.hypervisor.images;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Set;

/// Tells an image's format by its first bytes (docs/interop/qcow2.txt, vmdk, [MS-VHDX], VirtualBox's VDI, and
/// "Virtual Hard Disk Image Format Specification" for vpc). Names are those of QEMU's drivers.
final class ImageFormat {
    static final String RAW = "raw";

    private static final Set<String> KNOWN =
            Set.of(RAW, "qcow2", "qcow", "qed", "vmdk", "vhdx", "vdi", "vpc");

    private ImageFormat() {}

    /// Throws a [HypervisorException] of kind IMAGE for a format that we don't read.
    static String checked(Path file, String format) {
        if (!KNOWN.contains(format)) {
            throw ImageErrors.of("image.unknown-format", file, format);
        }
        return format;
    }

    static String detect(Path file) {
        // A guest can write any header to a raw disk; a header that names another file of the host
        // as its
        // backing must not be followed where the name already says raw.
        if (!Files.isRegularFile(file) || file.getFileName().toString().endsWith(".raw")) {
            return RAW;
        }
        ByteBuffer head = ByteBuffer.allocate(512);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            while (head.hasRemaining() && channel.read(head) > 0) {}
        } catch (IOException e) {
            throw ImageErrors.failed(file, e);
        }
        return detect(head.flip());
    }

    private static String detect(ByteBuffer head) {
        if (starts(head, "QFI\u00fb")) {
            // The first version shares the magic.
            return head.remaining() >= 8 && head.getInt(4) == 1 ? "qcow" : "qcow2";
        }
        if (starts(head, "QED\0")) {
            return "qed";
        }
        if (starts(head, "KDMV") || starts(head, "# Disk DescriptorFile")) {
            return "vmdk";
        }
        if (starts(head, "vhdxfile")) {
            return "vhdx";
        }
        if (starts(head, "conectix")) {
            return "vpc";
        }
        int vdiMagicAt = 0x40;
        if (head.remaining() >= vdiMagicAt + 4
                && head.order(ByteOrder.LITTLE_ENDIAN).getInt(vdiMagicAt) == 0xbeda107f) {
            return "vdi";
        }
        // An encrypted disk (LUKS) is kept as it lies there, encrypted.
        return RAW;
    }

    private static boolean starts(ByteBuffer head, String magic) {
        byte[] bytes = magic.getBytes(StandardCharsets.ISO_8859_1);
        if (head.remaining() < bytes.length) {
            return false;
        }
        byte[] found = new byte[bytes.length];
        head.get(0, found);
        return Arrays.equals(found, bytes);
    }
}
