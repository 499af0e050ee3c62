package io.stillpoint.hypervisor.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.hypervisor.Binaries;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.platform.Threads;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Which block devices a restore overwrites, and what it leaves of them.
class DeviceTargetTest {
    private static final int SIZE = 8 << 20;
    private static final int DISK = (3 << 20) + 512;

    @TempDir Path folder;
    private LoopDevices devices;
    private Path file;

    @BeforeEach
    void need() {
        devices = LoopDevices.require(folder);
        file = folder.resolve("device");
    }

    @AfterEach
    void remove() {
        devices.close();
    }

    @Test
    void deviceHoldsTheDiskWithItsZerosAndWhatWasBehindIt() throws IOException {
        for (String sector : List.of("512", "4096")) {
            Files.deleteIfExists(file);
            byte[] past = new byte[SIZE];
            new Random(1).nextBytes(past);
            Files.write(file, past);
            Path device = devices.attach(file, "-b", sector);
            byte[] part = new byte[70_000];
            new Random(2).nextBytes(part);
            try (RestoreTarget target = RestoreTarget.createRaw(device, DISK)) {
                assertThat(target.warnings()).hasSize(1).first().asString().contains("not empty");
                assertThat(bytes(device)).as("not written yet").isEqualTo(past);
                target.write(100_000, part, 0, part.length);
                target.write(DISK - 700, part, 0, 700);
                target.commit();
            }
            byte[] expected = past.clone();
            Arrays.fill(expected, 0, DISK, (byte) 0);
            System.arraycopy(part, 0, expected, 100_000, part.length);
            System.arraycopy(part, 0, expected, DISK - 700, 700);
            assertThat(Arrays.equals(bytes(device), expected)).as(sector).isTrue();
            devices.close();
        }
    }

    @Test
    void diskOfZerosMakesTheDeviceZeros() throws IOException {
        byte[] past = new byte[SIZE];
        new Random(1).nextBytes(past);
        Files.write(file, past);
        Path device = devices.attach(file);
        try (RestoreTarget target = RestoreTarget.createRaw(device, SIZE)) {
            target.commit();
        }
        assertThat(Arrays.equals(bytes(device), new byte[SIZE])).isTrue();
    }

    @Test
    void smallerDeviceIsRefused() throws IOException {
        Path device = devices.make(file, SIZE);
        assertThatThrownBy(() -> RestoreTarget.createRaw(device, SIZE + 1))
                .hasMessageContaining("at least as large");
    }

    @Test
    void whateverHasASignatureIsOverwrittenOnlyWhenItIsNamed() throws IOException {
        Map<String, Signature> signatures =
                Map.ofEntries(
                        Map.entry("ext", new Signature(1080, 0x53, 0xef)),
                        Map.entry("XFS", new Signature(0, 'X', 'F', 'S', 'B')),
                        Map.entry("Btrfs", text(65_600, "_BHRfS_M")),
                        Map.entry("NTFS", text(3, "NTFS    ")),
                        Map.entry("exFAT", text(3, "EXFAT   ")),
                        Map.entry("swap", text(4086, "SWAPSPACE2")),
                        Map.entry("LVM", text(512, "LABELONE")),
                        Map.entry("LUKS", new Signature(0, 'L', 'U', 'K', 'S', 0xba, 0xbe)),
                        Map.entry("BitLocker", text(3, "-FVE-FS-")),
                        Map.entry("RAID", new Signature(4096, 0xfc, 0x4e, 0x2b, 0xa9)),
                        Map.entry("ZFS", new Signature(131_072, 0x0c, 0xb1, 0xba, 0)),
                        Map.entry("GPT", text(512, "EFI PART")),
                        Map.entry("disk image", new Signature(0, 'Q', 'F', 'I', 0xfb)),
                        Map.entry("ISO 9660", text(32_769, "CD001")));
        Path device = devices.make(file, SIZE);
        for (Map.Entry<String, Signature> each : signatures.entrySet()) {
            try (RandomAccessFile written = new RandomAccessFile(device.toFile(), "rw")) {
                written.write(new byte[256 << 10]);
                written.seek(each.getValue().offset);
                written.write(each.getValue().bytes);
            }
            byte[] before = bytes(device);
            assertThatThrownBy(() -> RestoreTarget.createRaw(device, DISK))
                    .as(each.getKey())
                    .isInstanceOf(HypervisorException.class)
                    .hasMessageContaining(each.getKey())
                    .hasMessageContaining("--overwrite " + device);
            assertThat(Arrays.equals(bytes(device), before)).isTrue();
        }
        try (RestoreTarget target = RestoreTarget.overwriteDevice(device, DISK)) {
            assertThat(target.warnings()).hasSize(1);
            target.commit();
        }
        assertThat(Arrays.copyOf(bytes(device), DISK)).isEqualTo(new byte[DISK]);
    }

    @Test
    void partitionTableIsASignature() throws IOException {
        Path device = devices.make(file, SIZE);
        try (RandomAccessFile written = new RandomAccessFile(device.toFile(), "rw")) {
            written.seek(446);
            written.write(new byte[] {0, 0, 0, 0, (byte) 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0});
            written.seek(510);
            written.write(new byte[] {0x55, (byte) 0xaa});
        }
        assertThatThrownBy(() -> RestoreTarget.createRaw(device, DISK))
                .hasMessageContaining("MBR partition table");
    }

    @Test
    void mountedDeviceIsNeverOverwritten() throws IOException {
        Binaries.require("mkfs.ext4", "mount");
        Path device = devices.make(file, SIZE);
        Binaries.run("mkfs.ext4", "-q", device.toString());
        Path at = Files.createDirectory(folder.resolve("at here"));
        for (String option : List.of("rw", "ro")) {
            devices.mount(device, at, "-o", option);
            for (Path name :
                    List.of(device, Files.createSymbolicLink(folder.resolve(option), device))) {
                assertNeverOverwritten(name, "mounted at " + at);
            }
            devices.unmount(at);
        }
        assertThatCode(() -> RestoreTarget.overwriteDevice(device, DISK).close())
                .doesNotThrowAnyException();
    }

    @Test
    void deviceOfWhichAPartitionIsMountedIsNeverOverwritten() throws IOException {
        Binaries.require("mkfs.ext4", "mount", "addpart");
        Path device = devices.make(file, 4 * SIZE);
        devices.partition(device, 1, 2048, 20_000);
        devices.partition(device, 2, 22_528, 20_000);
        Path first = node(device, 1);
        Path second = node(device, 2);
        Binaries.run("mkfs.ext4", "-q", first.toString());
        Path at = Files.createDirectory(folder.resolve("at"));
        devices.mount(first, at);
        assertNeverOverwritten(device, "mounted at");
        assertNeverOverwritten(first, "mounted at");
        try (RestoreTarget other = RestoreTarget.createRaw(second, 1 << 20)) {
            assertThat(other.size()).isEqualTo(1 << 20);
            // The whole now has a part that is being written.
            assertNeverOverwritten(device, "in use");
        }
    }

    @Test
    void deviceThatAProcessHasOpenIsNeverOverwritten() throws Exception {
        Path device = devices.make(file, SIZE);
        Process holder = new ProcessBuilder("sleep", "60").redirectInput(device.toFile()).start();
        try {
            assertNeverOverwritten(device, "process sleep (" + holder.pid() + ")");
        } finally {
            holder.destroyForcibly().waitFor();
        }
    }

    @Test
    @Tag("qemu")
    void diskOfARunningVmIsNeverOverwrittenNorIsTheFileBelowIt() throws Exception {
        Binaries.require("qemu-storage-daemon");
        Path device = devices.make(file, SIZE);
        for (Path held : List.of(device, file)) {
            Path pid = folder.resolve("pid-" + held.getFileName());
            Process holder =
                    new ProcessBuilder(
                                    "qemu-storage-daemon",
                                    "--blockdev",
                                    "driver=raw,node-name=a,file.driver="
                                            + (held.equals(device) ? "host_device" : "file")
                                            + ",file.filename="
                                            + held,
                                    "--nbd-server",
                                    "addr.type=unix,addr.path="
                                            + folder.resolve("s" + pid.hashCode()),
                                    "--export",
                                    "type=nbd,id=a,node-name=a,writable=on",
                                    "--pidfile",
                                    pid.toString())
                            .inheritIO()
                            .start();
            try {
                while (!Files.exists(pid) && holder.isAlive()) {
                    Thread.sleep(10);
                }
                assertNeverOverwritten(device, "a QEMU has it open");
            } finally {
                holder.destroyForcibly().waitFor();
            }
        }
    }

    @Test
    void deviceThatIsBeingRestoredCanNeitherBeMountedNorRestoredASecondTime() throws IOException {
        Binaries.require("mkfs.ext4", "mount");
        Path device = devices.make(file, SIZE);
        Binaries.run("mkfs.ext4", "-q", device.toString());
        Path at = Files.createDirectory(folder.resolve("at"));
        try (RestoreTarget target = RestoreTarget.overwriteDevice(device, DISK)) {
            assertThatThrownBy(() -> devices.mount(device, at));
            assertNeverOverwritten(device, "in use");
            assertThat(target.size()).isEqualTo(DISK);
        }
    }

    @Test
    void noFormatButRawGoesOntoADevice() throws IOException {
        Path device = devices.make(file, SIZE);
        assertThatThrownBy(() -> RestoreTarget.createQcow2(device, DISK, Threads.ofProcess()))
                .hasMessageContaining("--format raw");
        assertThatThrownBy(() -> RestoreTarget.overwriteDevice(file, DISK))
                .hasMessageContaining("not a block device");
    }

    /// Not every system makes these by itself.
    private Path node(Path device, int partition) throws IOException {
        String name = device.getFileName() + "p" + partition;
        String number =
                Files.readString(
                                Path.of("/sys/block", device.getFileName().toString(), name, "dev"))
                        .strip();
        Path node = folder.resolve(name);
        Binaries.run(
                "mknod", node.toString(), "b", number.split(":", -1)[0], number.split(":", -1)[1]);
        return node;
    }

    private static void assertNeverOverwritten(Path device, String why) {
        byte[] before = bytes(device);
        assertThatThrownBy(() -> RestoreTarget.createRaw(device, 4096))
                .isInstanceOf(HypervisorException.class)
                .hasMessageContaining(why);
        assertThatThrownBy(() -> RestoreTarget.overwriteDevice(device, 4096))
                .isInstanceOf(HypervisorException.class)
                .hasMessageContaining(why);
        assertThat(Arrays.equals(bytes(device), before)).isTrue();
    }

    private static byte[] bytes(Path device) {
        try (FileChannel channel = FileChannel.open(device, StandardOpenOption.READ)) {
            ByteBuffer all = ByteBuffer.allocate((int) channel.size());
            while (all.hasRemaining() && channel.read(all, all.position()) > 0) {}
            return all.array();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static Signature text(int offset, String text) {
        return new Signature(offset, text.chars().toArray());
    }

    private static final class Signature {
        private final int offset;
        private final byte[] bytes;

        Signature(int offset, int... bytes) {
            this.offset = offset;
            this.bytes = new byte[bytes.length];
            for (int i = 0; i < bytes.length; i++) {
                this.bytes[i] = (byte) bytes[i];
            }
        }
    }
}
