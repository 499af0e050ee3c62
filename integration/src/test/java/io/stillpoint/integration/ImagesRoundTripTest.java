package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.testkit.Bytes;
import io.stillpoint.testkit.HostCommand;
import io.stillpoint.testkit.RealParts;
import io.stillpoint.testkit.SparseImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// Images of a stopped VM through the command: what is restored is what was backed up.
final class ImagesRoundTripTest {
    private static final int CHUNK = 65_536;

    @TempDir Path folder;
    private CommandVault vault;

    @BeforeAll
    static void needQemu() {
        RealParts.assumePrograms("qemu-img", "qemu-storage-daemon");
    }

    @BeforeEach
    void makeVault() {
        vault = CommandVault.make(folder);
    }

    private SparseImage raw(String name, long size) {
        return SparseImage.create(folder.resolve(name), new ByteSize(size));
    }

    private static void requireSameContent(Path one, String format, Path other) {
        // Sizes in strict mode alone, and that minds holes too: the formats' sizes are asked for
        // apart.
        HostCommand.run(
                "qemu-img", "compare", "-f", "raw", "-F", format, one.toString(), other.toString());
        assertThat(HostCommand.run("qemu-img", "info", "-f", format, other.toString()))
                .contains("(" + one.toFile().length() + " bytes)");
    }

    @Test
    void aRawAndAQcow2DiskComeBackByteForByteInEveryWayOfRestoring() throws IOException {
        // Not a multiple of anything.
        Path first =
                raw("first.raw", 5 * 1024 * 1024 + 777)
                        .write(100, Bytes.TEXT, 700_000, 1)
                        .write(3_000_001, Bytes.RANDOM, 100_000, 2)
                        .file();
        Path content =
                raw("content", 6 * 1024 * 1024).write(2_000_000, Bytes.PAGES, 900_000, 3).file();
        Path second = folder.resolve("second.qcow2");
        HostCommand.run(
                "qemu-img",
                "convert",
                "-f",
                "raw",
                "-O",
                "qcow2",
                content.toString(),
                second.toString());
        JsonNode point = vault.backup(first, second);
        assertThat(point.path("disks").size()).isEqualTo(2);
        // Nobody knows what lies on them.
        assertThat(point.path("consistency").asString()).isEqualTo("crash");
        assertThat(point.path("consistencyReason").asString()).isEqualTo("guest.state-unknown");
        String id = point.path("id").asString();

        Path toFile = folder.resolve("one-file.img");
        vault.succeed("restore", "--point", id, "--disk", "first", "--to", toFile.toString());
        assertThat(Files.mismatch(first, toFile)).isEqualTo(-1);

        Path existing = Files.createDirectory(folder.resolve("existing"));
        vault.succeed("restore", "--point", id.substring(0, 6), "--to", existing.toString());
        assertThat(Files.mismatch(first, existing.resolve("first.raw"))).isEqualTo(-1);
        requireSameContent(content, "qcow2", existing.resolve("second.qcow2"));

        Path asQcow2 = folder.resolve("second-again");
        vault.succeed(
                "restore",
                "--point",
                id,
                "--disk",
                "second",
                "--format",
                "qcow2",
                "--to",
                asQcow2.toString());
        requireSameContent(content, "qcow2", asQcow2);

        Path byEnding = folder.resolve("by-ending.raw");
        vault.succeed("restore", "--point", id, "--disk", "second", "--to", byEnding.toString());
        assertThat(Files.mismatch(content, byEnding)).isEqualTo(-1);
        vault.requireSound(1);
    }

    @Test
    void aFolderThatIsNotThereIsMadeWhenItsNameEndsWithASlash() throws IOException {
        Path image = raw("disk.raw", CHUNK).write(0, Bytes.TEXT, CHUNK, 1).file();
        String id = vault.backup(image).path("id").asString();
        vault.succeed("restore", "--point", id, "--to", folder + "/new/");
        assertThat(Files.mismatch(image, folder.resolve("new/disk.raw"))).isEqualTo(-1);
    }

    @Test
    void diffTellsTheChangedRangesAndNoOthers() {
        SparseImage image = raw("disk.raw", 20 * CHUNK + 100).write(0, Bytes.RANDOM, 8 * CHUNK, 1);
        String before = vault.backup(image.file()).path("id").asString();
        // Within chunk 1; across the border of chunks 3 and 4; the disk's last byte.
        image.write(CHUNK + 5, new byte[] {1, 2, 3});
        image.write(4 * CHUNK - 1, Bytes.RANDOM, 2, 7);
        image.write(20 * CHUNK + 99, new byte[] {1});
        // Written, but with what it was.
        image.write(6 * CHUNK, java.util.Arrays.copyOfRange(bytes(image), 6 * CHUNK, 7 * CHUNK));
        String after = vault.backup(image.file()).path("id").asString();
        JsonNode disk = vault.succeed("diff", before, after, "--json").json().path("disks").path(0);
        assertThat(disk.path("ranges").toString())
                .isEqualTo(
                        "[{\"offset\":%d,\"length\":%d},{\"offset\":%d,\"length\":%d},{\"offset\":%d,\"length\":%d}]"
                                .formatted(CHUNK, CHUNK, 3 * CHUNK, 2 * CHUNK, 20 * CHUNK, 100));
        assertThat(disk.path("changedBytes").asLong()).isEqualTo(3L * CHUNK + 100);
        JsonNode back = vault.succeed("diff", after, before, "--json").json().path("disks").path(0);
        assertThat(back.path("ranges")).isEqualTo(disk.path("ranges"));
    }

    private static byte[] bytes(SparseImage image) {
        try {
            return Files.readAllBytes(image.file());
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void pointsOfOneVmAreListedApart() {
        Path image = raw("disk.raw", CHUNK).write(0, Bytes.TEXT, 1000, 1).file();
        vault.backup(image);
        vault.succeed("backup", "--vm", "another", "--image", image.toString());
        assertThat(vault.points()).hasSize(2);
        JsonNode points = vault.succeed("points", "--vm", "another", "--json").json();
        assertThat(points.path("points").size()).isEqualTo(1);
        assertThat(points.path("points").path(0).path("vm").asString()).isEqualTo("another");
    }
}
