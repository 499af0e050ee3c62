package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.testkit.Bytes;
import io.stillpoint.testkit.HostCommand;
import io.stillpoint.testkit.RealParts;
import io.stillpoint.testkit.SparseImage;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// What the command takes for an image or a restore's target, and what it says of a VM that is off.
final class ImageRulesTest {
    private static final int CHUNK = 65_536;

    @TempDir Path folder;
    private CommandVault vault;

    @BeforeEach
    void makeVault() {
        vault = CommandVault.make(folder);
    }

    /// Within this process: no process has to be started for what is refused or small.
    private Command.Result run(String... words) {
        List<String> all = new ArrayList<>(List.of(words));
        all.addAll(List.of("--vault", vault.vault().toString()));
        all.addAll(List.of("--key-file", vault.key().toString()));
        if (words[0].equals("backup")) {
            all.addAll(List.of("--state-dir", folder.resolve("state").toString()));
        }
        return InProcess.run(all.toArray(String[]::new));
    }

    private Command.Result succeed(String... words) {
        Command.Result result = run(words);
        assertThat(result.status()).as("%s: %s", List.of(words), result.err()).isZero();
        return result;
    }

    private JsonNode backup(Path... images) {
        return succeed(CommandVault.backupOf(images)).json();
    }

    private Path raw(String name, long size) {
        return SparseImage.create(folder.resolve(name), new ByteSize(size))
                .write(0, Bytes.TEXT, (int) Math.min(size, CHUNK), 1)
                .file();
    }

    @Test
    void whatIsNoImageIsRefusedAtOnce() throws IOException {
        HostCommand.run("mkfifo", folder.resolve("fifo").toString());
        Files.write(folder.resolve("g.qcow2"), new byte[] {'Q', 'F', 'I', (byte) 0xfb, 0, 0, 0, 3});
        for (String image :
                new String[] {
                    "/dev/null",
                    "/dev/zero",
                    folder + "/fifo",
                    folder + "/g.qcow2",
                    folder.toString(),
                    folder + "/none.raw"
                }) {
            Command.Result result = run("backup", "--vm", "vm", "--image", image, "--json");
            assertThat(result.status()).as(image + result.err()).isEqualTo(3);
            assertThat(result.json().path("error").path("message").asString())
                    .as(image)
                    .contains(image)
                    .doesNotContain("Exception");
        }
        assertThat(vault.points()).isEmpty();
    }

    @Test
    void namesOfVmsAreBounded() {
        String image = raw("disk.raw", CHUNK).toString();
        for (String name :
                new String[] {
                    "", " ", " web", "web ", "a\u001b[31m", "a\nb", "\u202eb", "m".repeat(256)
                }) {
            Command.Result result = run("backup", "--vm", name, "--image", image);
            assertThat(result.status()).as(name + result.err()).isIn(2, 3);
        }
        assertThat(vault.points()).isEmpty();
        succeed("backup", "--vm", "m".repeat(255), "--image", image);
    }

    @Test
    void disksOfOneFileNameGetNamesOfTheirOwn() throws IOException {
        Path one = Files.createDirectory(folder.resolve("vg1"));
        Path other = Files.createDirectory(folder.resolve("vg2"));
        Path first = raw("vg1/root", CHUNK);
        Path second = raw("vg2/root", 2 * CHUNK);
        JsonNode point = backup(one.resolve("root"), other.resolve("root"));
        assertThat(point.path("disks").path(0).path("name").asString()).isEqualTo("vg1-root");
        assertThat(point.path("disks").path(1).path("name").asString()).isEqualTo("vg2-root");
        succeed("restore", "--point", point.path("id").asString(), "--to", folder + "/out/");
        assertThat(Files.mismatch(first, folder.resolve("out/vg1-root.raw"))).isEqualTo(-1);
        assertThat(Files.mismatch(second, folder.resolve("out/vg2-root.raw"))).isEqualTo(-1);
        JsonNode named =
                succeed(
                                "backup",
                                "--vm",
                                "n",
                                "--json",
                                "--image",
                                first + ",name=sys",
                                "--image",
                                second + ",name=data,format=raw")
                        .json();
        assertThat(named.path("disks").path(1).path("name").asString()).isEqualTo("data");
        assertThat(
                        run(
                                        "backup",
                                        "--vm",
                                        "n",
                                        "--image",
                                        first.toString(),
                                        "--image",
                                        folder + "/vg2/../vg1/root")
                                .err())
                .contains("are the same file");
    }

    @Test
    void restoredImageIsItsOwnersAloneAndNoOtherFormatIsPretended() throws IOException {
        String id = backup(raw("disk.raw", CHUNK)).path("id").asString();
        Path out = folder.resolve("new/deep");
        succeed("restore", "--point", id, "--to", out + "/");
        assertThat(
                        PosixFilePermissions.toString(
                                Files.getPosixFilePermissions(out.resolve("disk.raw"))))
                .isEqualTo("rw-------");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(out)))
                .isEqualTo("rwx------");
        for (String name : new String[] {"x.vmdk", "x.vhdx", "x.VDI", "x.backup"}) {
            Command.Result result =
                    run("restore", "--point", id, "--to", folder.resolve(name).toString());
            assertThat(result.status()).as(name).isEqualTo(3);
            assertThat(folder.resolve(name)).doesNotExist();
        }
        succeed(
                "restore",
                "--point",
                id,
                "--format",
                "raw",
                "--to",
                folder.resolve("x.bak").toString());
        assertThat(Files.mismatch(folder.resolve("disk.raw"), folder.resolve("x.bak")))
                .isEqualTo(-1);
        Command.Result other =
                run(
                        "restore",
                        "--point",
                        id,
                        "--to",
                        folder.resolve("y.raw").toString(),
                        "--overwrite",
                        folder.resolve("disk.raw").toString());
        assertThat(other.status()).isEqualTo(3);
        assertThat(folder.resolve("y.raw")).doesNotExist();
    }

    @Test
    void noTargetIsWrittenWhereOneOfThemCantBe() throws IOException {
        Path first = raw("first.raw", CHUNK);
        Path second = raw("second.raw", CHUNK);
        String id = backup(first, second).path("id").asString();
        Path out = Files.createDirectory(folder.resolve("out"));
        Files.writeString(out.resolve("second.raw"), "precious");
        Command.Result result = run("restore", "--point", id, "--to", out.toString());
        assertThat(result.status()).isEqualTo(3);
        assertThat(result.err()).contains("already exists");
        try (var files = Files.list(out)) {
            assertThat(files).containsExactly(out.resolve("second.raw"));
        }
        assertThat(out.resolve("second.raw")).hasContent("precious");
    }

    @Test
    void roomIsLookedForBeforeTheFirstByte() throws IOException {
        Path small = Files.createDirectory(folder.resolve("small"));
        try {
            HostCommand.run("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", small.toString());
        } catch (AssertionError | IllegalStateException e) {
            throw RealParts.absent("no tmpfs can be mounted here: " + e.getMessage());
        }
        try {
            Path large =
                    SparseImage.create(folder.resolve("large.raw"), new ByteSize(1L << 30))
                            .write(0, Bytes.RANDOM, 10 << 20, 1)
                            .file();
            String id = backup(large).path("id").asString();
            for (String format : new String[] {"raw", "qcow2"}) {
                Command.Result result =
                        run(
                                "restore",
                                "--point",
                                id,
                                "--format",
                                format,
                                "--to",
                                small.resolve("disk").toString());
                assertThat(result.status()).as(result.err()).isEqualTo(4);
                assertThat(result.err()).contains("are free").doesNotContain("NBD");
            }
            assertThat(small).isEmptyDirectory();
            // Sparse: most of it takes no room.
            Path fits =
                    SparseImage.create(folder.resolve("fits.raw"), new ByteSize(1L << 30))
                            .write(0, Bytes.RANDOM, 4 << 20, 1)
                            .file();
            String other = backup(fits).path("id").asString();
            succeed("restore", "--point", other, "--to", small.resolve("disk.raw").toString());
        } finally {
            HostCommand.run("umount", small.toString());
        }
    }

    @Test
    void vmThatIsOffIsStoppedOnlyIfItsDisksSaySo() throws IOException {
        RealParts.assumePrograms("mkfs.ext4");
        Path disk = folder.resolve("disk.raw");
        try (RandomAccessFile made = new RandomAccessFile(disk.toFile(), "rw")) {
            made.setLength(8 << 20);
        }
        assertThat(backup(disk).path("consistency").asString()).isEqualTo("stopped");
        HostCommand.run("mkfs.ext4", "-q", "-F", disk.toString());
        assertThat(backup(disk).path("consistency").asString()).isEqualTo("stopped");
        succeed(
                "backup",
                "--vm",
                "vm",
                "--image",
                disk.toString(),
                "--consistency-at-least",
                "application");
        try (RandomAccessFile written = new RandomAccessFile(disk.toFile(), "rw")) {
            // As while it is mounted.
            written.seek(1024 + 58);
            written.write(0);
        }
        Command.Result result = run(CommandVault.backupOf(disk));
        assertThat(result.json().path("consistency").asString()).isEqualTo("crash");
        assertThat(result.json().path("consistencyReason").asString())
                .isEqualTo("guest.not-shut-down");
        assertThat(result.err().replaceAll("\\s+", " ")).contains("ext4", "was not unmounted");
        Command.Result refused =
                run(
                        "backup",
                        "--vm",
                        "vm",
                        "--image",
                        disk.toString(),
                        "--consistency-at-least",
                        "file-system",
                        "--json");
        assertThat(refused.json().path("error").path("code").asString())
                .isEqualTo("engine.below-minimum");
    }

    @Test
    void rescueGoesOnPastAVmThatCantBeWritten() throws IOException {
        Path image = raw("disk.raw", CHUNK);
        String id = "";
        for (String name : new String[] {"aaa", "b/../../x", "m".repeat(250), "zzz"}) {
            id =
                    succeed("backup", "--vm", name, "--json", "--image", image.toString())
                            .json()
                            .path("id")
                            .asString();
            if (name.equals("aaa")) {
                // In the way of its folder.
                Path out = Files.createDirectory(folder.resolve("out"));
                Files.createFile(out.resolve("aaa-" + id.substring(0, 12)));
            }
        }
        Path out = folder.resolve("out");
        Command.Result result = run("rescue", "restore", "--all", "--to", out.toString(), "--json");
        assertThat(result.status()).as(result.err()).isEqualTo(4);
        assertThat(result.json().path("disks").size()).isEqualTo(4);
        assertThat(result.json().path("disks").path(0).path("outcome").asString())
                .isEqualTo("failed");
        for (int i = 1; i < 4; i++) {
            JsonNode disk = result.json().path("disks").path(i);
            assertThat(disk.path("outcome").asString()).isEqualTo("restored");
            Path file = Path.of(disk.path("file").asString());
            assertThat(file.normalize().startsWith(out)).as(file.toString()).isTrue();
            assertThat(Files.mismatch(image, file)).isEqualTo(-1);
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                    .isEqualTo("rw-------");
        }
    }
}
