package io.stillpoint.hypervisor.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.hypervisor.Binaries;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.PreparedSnapshot;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.block.BlockSource;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What images refer to, what is followed, and what is said of an image that can't be opened.
@Tag("qemu")
class ImageChainTest {
    private static final int SIZE = 1 << 20;

    @TempDir Path outside;
    @TempDir Path folder;

    @BeforeEach
    void need() {
        Binaries.require("qemu-img", "qemu-io", "qemu-storage-daemon");
    }

    @Test
    void hostsFileThatAGuestNamesIsNeitherReadNorStored() throws IOException {
        Path secret = Files.write(outside.resolve("host-secret"), filled((byte) 0x53));
        Path evil = create("evil.qcow2", "-f", "qcow2", "-b", secret.toString(), "-F", "raw");
        byte[] header = Arrays.copyOf(Files.readAllBytes(evil), 65_536);
        Path disk = Files.write(folder.resolve("disk.img"), filled((byte) 0x77));
        try (RandomAccessFile written = new RandomAccessFile(disk.toFile(), "rw")) {
            written.write(header);
        }
        assertThatThrownBy(() -> hold(ImageFile.of(disk)))
                .hasMessageContaining("A guest can write such content");
        // As raw it is the guest's disk, header and all.
        assertThat(content(ImageFile.of(disk).withFormat("raw")))
                .isEqualTo(Files.readAllBytes(disk));
        assertThatThrownBy(() -> hold(ImageFile.of(disk).withFormat("qcow2")))
                .hasMessageContaining("outside the image's own folder")
                .hasMessageContaining(secret.toString());
    }

    @Test
    void everyKindOfReferenceStaysInTheImagesFolderUnlessAllowed() throws IOException {
        Path raw = Files.write(outside.resolve("base.raw"), filled((byte) 5));
        Path qcow2 = outside.resolve("base.qcow2");
        Binaries.run("qemu-img", "create", "-q", "-f", "qcow2", qcow2.toString(), "1M");
        Path vmdk = outside.resolve("base.vmdk");
        Binaries.run("qemu-img", "create", "-q", "-f", "vmdk", vmdk.toString(), "1M");
        Path link = Files.createSymbolicLink(folder.resolve("link.raw"), raw);
        Map<String, List<String>> images =
                Map.of(
                        "a.qcow2", List.of("-f", "qcow2", "-b", raw.toString(), "-F", "raw"),
                        "b.qcow2", List.of("-f", "qcow2", "-b", qcow2.toString(), "-F", "qcow2"),
                        "c.qed", List.of("-f", "qed", "-b", raw.toString(), "-F", "raw"),
                        "d.qcow", List.of("-f", "qcow", "-b", raw.toString(), "-F", "raw"),
                        "e.vmdk", List.of("-f", "vmdk", "-b", vmdk.toString(), "-F", "vmdk"),
                        "f.qcow2",
                                List.of(
                                        "-f",
                                        "qcow2",
                                        "-o",
                                        "data_file=" + outside.resolve("d.raw")),
                        "g.qcow2", List.of("-f", "qcow2", "-b", link.toString(), "-F", "raw"),
                        "h.qcow2", List.of("-f", "qcow2", "-b", "file:" + raw, "-F", "raw"));
        for (Map.Entry<String, List<String>> each : images.entrySet()) {
            Path image = create(each.getKey(), each.getValue().toArray(String[]::new));
            assertThatThrownBy(() -> hold(ImageFile.of(image)))
                    .as(each.getKey())
                    .isInstanceOf(HypervisorException.class)
                    .hasMessageContaining("outside the image's own folder")
                    .hasMessageContaining("--image-base");
            try (HeldSnapshot held = hold(ImageFile.of(image), List.of(outside))) {
                assertThat(held.disks()).as(each.getKey()).hasSize(1);
            }
        }
    }

    @Test
    void referenceDeepInAChainIsLookedAtToo() throws IOException {
        Path secret = Files.write(outside.resolve("secret"), filled((byte) 1));
        create("bottom.qcow2", "-f", "qcow2", "-b", secret.toString(), "-F", "raw");
        create("middle.qcow2", "-f", "qcow2", "-b", "bottom.qcow2", "-F", "qcow2");
        Path top = create("top.qcow2", "-f", "qcow2", "-b", "middle.qcow2", "-F", "qcow2");
        assertThatThrownBy(() -> hold(ImageFile.of(top)))
                .hasMessageContaining("bottom.qcow2 refers to " + secret);
    }

    @Test
    void formatOfABaseIsNotGuessedFromWhatAGuestWroteThere() throws IOException {
        Path secret = Files.write(outside.resolve("secret"), filled((byte) 1));
        Path evil = create("evil.qcow2", "-f", "qcow2", "-b", secret.toString(), "-F", "raw");
        Files.move(evil, folder.resolve("base.img"));
        Path top = create("top.qcow2", "-u", "-f", "qcow2", "-b", "base.img", "-F", "raw");
        assertThat(content(ImageFile.of(top))).startsWith('Q', 'F', 'I', 0xfb);
        // A header without a format, as older programs wrote it.
        byte[] bytes = Files.readAllBytes(top);
        int at = indexOf(bytes, new byte[] {(byte) 0xe2, 0x79, 0x2a, (byte) 0xca});
        bytes[at] = 0x12;
        Files.write(top, bytes);
        assertThatThrownBy(() -> hold(ImageFile.of(top)))
                .hasMessageContaining("base.img")
                .hasMessageContaining("is ambiguous");
    }

    @Test
    void whatIsNoFileIsNotFollowed() {
        for (String name :
                List.of(
                        "nbd://127.0.0.1:10809/x",
                        "http://127.0.0.1/x",
                        "json:{\"driver\":\"file\",\"filename\":\"/etc/passwd\"}",
                        "fat:/etc",
                        "ssh://host/x",
                        "blkdebug::/etc/passwd")) {
            Path top = create("top.qcow2", "-u", "-f", "qcow2", "-b", name, "-F", "raw");
            assertThatThrownBy(() -> hold(ImageFile.of(top), List.of(Path.of("/"))))
                    .as(name)
                    .hasMessageContaining("not a file on this host");
        }
    }

    @Test
    void extentsOfAVmdkAreLookedAt() throws IOException {
        for (String name : List.of("/etc/passwd", "../x", "nbd://127.0.0.1/x")) {
            Path image = folder.resolve("d.vmdk");
            Files.writeString(
                    image,
                    "# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\n"
                            + "createType=\"monolithicFlat\"\nRW 2 FLAT \""
                            + name
                            + "\" 0\n");
            assertThatThrownBy(() -> hold(ImageFile.of(image))).hasMessageContaining("refers to");
        }
        Path whole = create("w.vmdk", "-f", "vmdk", "-o", "subformat=twoGbMaxExtentFlat");
        assertThat(content(ImageFile.of(whole))).isEqualTo(new byte[SIZE]);
        Path split = create("s.vmdk", "-f", "vmdk", "-o", "subformat=twoGbMaxExtentSparse");
        assertThat(content(ImageFile.of(split))).isEqualTo(new byte[SIZE]);
    }

    @Test
    void chainIsReadThroughAndItsFilesAreTold() throws IOException {
        Path base = Files.write(folder.resolve("base.raw"), filled((byte) 9));
        create("middle.qcow2", "-f", "qcow2", "-b", "base.raw", "-F", "raw");
        Path top = create("top.qcow2", "-f", "qcow2", "-b", "middle.qcow2", "-F", "qcow2");
        Binaries.run("qemu-io", "-f", "qcow2", "-c", "write -P 7 0 64k", top.toString());
        byte[] expected = filled((byte) 9);
        Arrays.fill(expected, 0, 65_536, (byte) 7);
        assertThat(content(ImageFile.of(top))).isEqualTo(expected);
        StoppedImages vm = StoppedImages.of("vm", List.of(ImageFile.of(top)), Threads.ofProcess());
        assertThat(vm.references().stream().map(StoppedImages.Reference::file))
                .containsExactly(folder.resolve("middle.qcow2"), base);
        assertThat(vm.configuration().toString()).contains("base.raw");
    }

    @Test
    void imageWithADataFileIsRead() throws IOException {
        Path image = create("a.qcow2", "-f", "qcow2", "-o", "data_file=" + folder.resolve("d.raw"));
        Binaries.run("qemu-io", "-f", "qcow2", "-c", "write -P 7 0 1M", image.toString());
        assertThat(content(ImageFile.of(image))).isEqualTo(filled((byte) 7));
    }

    @Test
    void chainWithoutAnEndIsTold() {
        create("a.qcow2", "-u", "-f", "qcow2", "-b", "b.qcow2", "-F", "qcow2");
        Path b = create("b.qcow2", "-u", "-f", "qcow2", "-b", "a.qcow2", "-F", "qcow2");
        assertThatThrownBy(() -> hold(ImageFile.of(b))).hasMessageContaining("does not end");
    }

    @Test
    void realReasonIsTold() throws IOException {
        Path noBase = create("a.qcow2", "-u", "-f", "qcow2", "-b", "gone.raw", "-F", "raw");
        assertThatThrownBy(() -> hold(ImageFile.of(noBase))).hasMessageContaining("does not exist");
        Path version = create("b.qcow2", "-f", "qcow2");
        try (RandomAccessFile written = new RandomAccessFile(version.toFile(), "rw")) {
            written.seek(4);
            written.writeInt(9);
        }
        assertThatThrownBy(() -> hold(ImageFile.of(version))).hasMessageContaining("version 9");
        Path flat = create("c.vmdk", "-f", "vmdk", "-o", "subformat=monolithicFlat");
        Files.delete(folder.resolve("c-flat.vmdk"));
        assertThatThrownBy(() -> hold(ImageFile.of(flat))).hasMessageContaining("does not exist");
        Path table = create("d.qcow2", "-f", "qcow2");
        try (RandomAccessFile written = new RandomAccessFile(table.toFile(), "rw")) {
            written.seek(40);
            written.writeLong(0x1234_5678_9abcL);
        }
        assertThatThrownBy(() -> hold(ImageFile.of(table)))
                .hasMessageContaining("QEMU's tools could not open")
                .hasMessageNotContainingAny("--blockdev", "in use");
        Path differencing = create("e.vhd", "-f", "vpc");
        byte[] bytes = Files.readAllBytes(differencing);
        for (int at : new int[] {60, bytes.length - 512 + 60}) {
            bytes[at + 3] = 4;
        }
        Files.write(differencing, bytes);
        assertThatThrownBy(() -> hold(ImageFile.of(differencing)))
                .hasMessageContaining("differencing VHD");
    }

    @Test
    void fixedDiskWithAFooterIsReadWithoutIt() throws IOException {
        Path image = create("a.vhd", "-f", "vpc", "-o", "subformat=fixed,force_size=on");
        assertThat(Files.size(image)).isEqualTo(SIZE + 512);
        assertThat(content(ImageFile.of(image))).isEqualTo(new byte[SIZE]);
    }

    @Test
    void encryptedImageIsReadWithItsSecretAlone() throws IOException {
        Path secret = Files.writeString(folder.resolve("pw"), "open sesame");
        Path withNewline = Files.writeString(folder.resolve("pw-line"), "open sesame\n");
        Path wrong = Files.writeString(folder.resolve("pw-wrong"), "open barley");
        Path qcow2 = encrypted("a.qcow2", "qcow2", "encrypt.format=luks,encrypt.", secret);
        Path luks = encrypted("b.luks", "luks", "", secret);
        for (ImageFile image :
                List.of(ImageFile.of(qcow2), ImageFile.of(luks).withFormat("luks"))) {
            String driver = image.format().orElse("qcow2");
            Binaries.run(
                    "qemu-io",
                    "--object",
                    "secret,id=s,file=" + secret,
                    "--image-opts",
                    "-c",
                    "write -P 6 0 1M",
                    "driver="
                            + driver
                            + (driver.equals("qcow2") ? ",encrypt.key-secret=s" : ",key-secret=s")
                            + ",file.filename="
                            + image.path());
            assertThatThrownBy(() -> hold(image))
                    .hasMessageContaining("is encrypted")
                    .hasMessageContaining("secret=FILE")
                    .hasMessageNotContaining("in use");
            assertThatThrownBy(() -> hold(image.withSecret(wrong)))
                    .hasMessageContaining("Invalid password")
                    .hasMessageNotContaining("in use");
            assertThat(content(image.withSecret(secret))).isEqualTo(filled((byte) 6));
            assertThat(content(image.withSecret(withNewline))).isEqualTo(filled((byte) 6));
        }
        // Without a word it is what lies there.
        assertThat(content(ImageFile.of(luks))).isEqualTo(Files.readAllBytes(luks));
        Path plain = create("c.qcow2", "-f", "qcow2");
        assertThatThrownBy(() -> hold(ImageFile.of(plain).withSecret(secret)))
                .hasMessageContaining("is not encrypted");
    }

    @Test
    void baseThatIsWrittenMeanwhileIsFound() throws IOException {
        Path base = Files.write(folder.resolve("base.raw"), filled((byte) 9));
        Path top = create("top.qcow2", "-f", "qcow2", "-b", "base.raw", "-F", "raw");
        try (HeldSnapshot held = hold(ImageFile.of(top))) {
            Files.write(base, filled((byte) 8));
            assertThatThrownBy(held::proveValid)
                    .hasMessageContaining("written to while it was being read");
        }
    }

    private Path encrypted(String name, String format, String prefix, Path secret) {
        Path image = folder.resolve(name);
        String[] command = {
            "qemu-img",
            "create",
            "-q",
            "--object",
            "secret,id=s,file=" + secret,
            "-f",
            format,
            "-o",
            prefix + "key-secret=s," + prefix.replaceFirst(".*,", "") + "iter-time=10",
            image.toString(),
            "1M"
        };
        for (int attempt = 1; ; attempt++) {
            try {
                Binaries.run(command);
                return image;
            } catch (AssertionError e) {
                // QEMU measures how long its key derivation takes, by a clock that may not have
                // moved on.
                if (attempt == 50 || !String.valueOf(e.getMessage()).contains("CPU usage")) {
                    throw e;
                }
            }
        }
    }

    private Path create(String name, String... options) {
        Path image = folder.resolve(name);
        String[] command = new String[options.length + 5];
        command[0] = "qemu-img";
        command[1] = "create";
        command[2] = "-q";
        System.arraycopy(options, 0, command, 3, options.length);
        command[options.length + 3] = image.toString();
        command[options.length + 4] = "1M";
        Binaries.run(command);
        return image;
    }

    private static byte[] filled(byte value) {
        byte[] bytes = new byte[SIZE];
        Arrays.fill(bytes, value);
        return bytes;
    }

    private static int indexOf(byte[] bytes, byte[] part) {
        String all = new String(bytes, StandardCharsets.ISO_8859_1);
        return all.indexOf(new String(part, StandardCharsets.ISO_8859_1));
    }

    private byte[] content(ImageFile image) {
        try (HeldSnapshot held = hold(image);
                BlockSource source = held.disks().getFirst().open()) {
            byte[] bytes = new byte[(int) source.size()];
            source.read(0, bytes, 0, bytes.length);
            held.proveValid();
            return bytes;
        }
    }

    private HeldSnapshot hold(ImageFile image) {
        return hold(image, List.of());
    }

    private HeldSnapshot hold(ImageFile image, List<Path> bases) {
        SnapshotRequest request =
                new SnapshotRequest(
                        "0a1b2c3d",
                        "0000000000000001",
                        Map.of(),
                        Json.object(),
                        folder,
                        ByteSize.parse("1M"));
        try (StoppedImages vm = StoppedImages.of("vm", List.of(image), bases, Threads.ofProcess());
                PreparedSnapshot prepared = vm.prepare(request)) {
            return prepared.take();
        }
    }
}
