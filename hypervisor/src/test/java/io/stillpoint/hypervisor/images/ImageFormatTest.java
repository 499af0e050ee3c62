package io.stillpoint.hypervisor.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.hypervisor.HypervisorException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Which format an image is taken for. Its content can come from a guest.
class ImageFormatTest {
    private static final int SIZE = 1 << 20;

    /// What a guest can write to the start (or the end) of a raw disk, and as what QEMU would then read it.
    private static final Map<String, String> HEADERS =
            Map.of(
                    "QFI\u00fb\0\0\0\u0003", "qcow2",
                    "QFI\u00fb\0\0\0\u0001", "qcow",
                    "QED\0", "qed",
                    "KDMV", "vmdk",
                    "COWD", "vmdk",
                    "# Disk DescriptorFile", "vmdk",
                    "vhdxfile", "vhdx",
                    "conectix", "vpc",
                    "WithoutFreeSpace", "parallels");

    @TempDir Path folder;

    @Test
    void noHeaderMakesAnImageOfRawNameAnythingElse() throws IOException {
        for (Map.Entry<String, String> header : HEADERS.entrySet()) {
            for (String name : List.of("disk.img", "disk", "disk.bin", "disk.qcow2.bak")) {
                Path file = image(name, header.getKey(), 0);
                assertThatThrownBy(() -> ImageFormat.of(file, Optional.empty(), false))
                        .as(name + " " + header.getValue())
                        .isInstanceOf(HypervisorException.class)
                        .hasMessageContaining("format=" + header.getValue())
                        .hasMessageContaining("format=raw");
                assertThat(ImageFormat.of(file, Optional.of("raw"), false)).isEqualTo("raw");
            }
            Path file = image("disk.raw", header.getKey(), 0);
            assertThat(ImageFormat.of(file, Optional.empty(), false)).isEqualTo("raw");
        }
    }

    @Test
    void footerOfAFixedDiskIsNotTakenForData() throws IOException {
        Path file = image("disk.img", "conectix", SIZE - 512);
        assertThatThrownBy(() -> ImageFormat.of(file, Optional.empty(), false))
                .hasMessageContaining("format=vpc");
        assertThat(ImageFormat.of(file, Optional.of("vhd"), false)).isEqualTo("vpc");
        Path named = image("disk.vhd", "conectix", SIZE - 512);
        assertThat(ImageFormat.of(named, Optional.empty(), false)).isEqualTo("vpc");
    }

    @Test
    void nameTellsTheFormat() throws IOException {
        Map<String, String> formats =
                Map.of(
                        "a.raw", "raw", "a.img", "raw", "a", "raw", "a.QCOW2", "qcow2", "a.vmdk",
                        "vmdk", "a.vhdx", "vhdx", "a.vdi", "vdi", "a.vpc", "vpc", "a.qed", "qed");
        for (Map.Entry<String, String> each : formats.entrySet()) {
            Path file = image(each.getKey(), "", 0);
            assertThat(ImageFormat.of(file, Optional.empty(), false)).isEqualTo(each.getValue());
        }
        assertThatThrownBy(() -> ImageFormat.of(folder.resolve("a"), Optional.of("rbd"), false))
                .hasMessageContaining("no such format");
    }

    @Test
    void fileThatOnlyHasTheNameOfAFormatIsRefused() throws IOException {
        for (String name :
                List.of("a.qcow2", "a.qcow", "a.qed", "a.vmdk", "a.vhdx", "a.vdi", "a.vhd")) {
            for (int size : new int[] {0, 4, 8, 512, SIZE}) {
                Path file = folder.resolve(name);
                Files.write(file, new byte[size]);
                assertThatThrownBy(() -> ImageChain.of(ImageFile.of(file), List.of()))
                        .as(name + " of " + size)
                        .isInstanceOf(HypervisorException.class)
                        .hasMessageContaining("header is missing or truncated");
            }
        }
        Path cut = image("b.qcow2", "QFI\u00fb", 0);
        try (RandomAccessFile file = new RandomAccessFile(cut.toFile(), "rw")) {
            file.setLength(8);
        }
        assertThatThrownBy(() -> ImageChain.of(ImageFile.of(cut), List.of()))
                .hasMessageContaining("truncated");
    }

    private Path image(String name, String magic, long at) throws IOException {
        Path path = folder.resolve(name);
        Files.deleteIfExists(path);
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(SIZE);
            file.seek(at);
            file.write(magic.getBytes(StandardCharsets.ISO_8859_1));
        }
        return path;
    }
}
