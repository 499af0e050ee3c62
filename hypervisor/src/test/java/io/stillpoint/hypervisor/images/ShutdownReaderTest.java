package io.stillpoint.hypervisor.images;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.hypervisor.Binaries;
import io.stillpoint.hypervisor.Shutdown;
import io.stillpoint.hypervisor.Shutdown.State;
import io.stillpoint.platform.block.BlockSource;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What disks tell of the end of their VM. File systems are real, made and mounted by the system, where it can.
class ShutdownReaderTest {
    private static final int MIB = 1 << 20;

    @TempDir Path folder;

    @Test
    void diskOfZerosHasNothingToBeInconsistent() throws IOException {
        assertThat(read(file("zero", 4 * MIB))).isEqualTo(Shutdown.CLEAN);
        assertThat(read(file("empty", 0))).isEqualTo(Shutdown.CLEAN);
    }

    @Test
    void contentThatNothingIsKnownOfIsUnknown() throws IOException {
        Path disk = file("random", 4 * MIB);
        write(disk, 3 * MIB + 5, new byte[] {1});
        assertThat(read(disk).state()).isEqualTo(State.UNKNOWN);
        assertThat(read(disk).detail()).asString().contains("disk vda");
        byte[] bytes = new byte[4 * MIB];
        new Random(1).nextBytes(bytes);
        assertThat(read(Files.write(disk, bytes)).state()).isEqualTo(State.UNKNOWN);
    }

    @Test
    void extTellsByItsStateAndItsJournal() throws IOException {
        Binaries.require("mkfs.ext4", "mkfs.ext2");
        for (String kind : List.of("ext2", "ext3", "ext4")) {
            Path disk = file(kind, 8 * MIB);
            Binaries.run("mkfs." + kind, "-q", "-F", disk.toString());
            assertThat(read(disk)).as(kind).isEqualTo(Shutdown.CLEAN);
            // Mounted and not unmounted: not valid without a journal, to be recovered with one.
            byte[] state = bytes(disk, 1024 + 58, 2);
            write(disk, 1024 + 58, new byte[] {0, 0});
            assertThat(read(disk).state()).isEqualTo(State.UNCLEAN);
            write(disk, 1024 + 58, new byte[] {3, 0});
            assertThat(read(disk).state()).as("errors").isEqualTo(State.UNCLEAN);
            write(disk, 1024 + 58, state);
            byte[] features = bytes(disk, 1024 + 96, 1);
            write(disk, 1024 + 96, new byte[] {(byte) (features[0] | 4)});
            assertThat(read(disk).state()).isEqualTo(State.UNCLEAN);
        }
    }

    @Test
    void whatTheSystemMountsIsInUseUntilItIsUnmounted() throws IOException {
        Binaries.require("mount", "mkfs.ext4", "mkfs.xfs");
        try (LoopDevices devices = LoopDevices.require(folder)) {
            for (String kind : List.of("ext4", "xfs")) {
                Path disk = folder.resolve(kind);
                Path device = devices.make(disk, 320L * MIB);
                Binaries.run("mkfs." + kind, "-q", device.toString());
                assertThat(read(disk)).as("new " + kind).isEqualTo(Shutdown.CLEAN);
                Path at = Files.createDirectory(folder.resolve("at-" + kind));
                // Some rounds, so that the log's head is not where it was made.
                for (int round = 0; round < 3; round++) {
                    devices.mount(device, at);
                    for (int i = 0; i < 200; i++) {
                        Files.write(at.resolve("file-" + round + "-" + i), new byte[100]);
                    }
                    Binaries.run("sync", "-f", at.toString());
                    assertThat(read(disk).state()).as("mounted " + kind).isEqualTo(State.UNCLEAN);
                    devices.unmount(at);
                    Binaries.run("sync", disk.toString());
                    assertThat(read(disk)).as("unmounted " + kind).isEqualTo(Shutdown.CLEAN);
                }
            }
        }
    }

    @Test
    void btrfsNeverTellsThatItWasUnmounted() throws IOException {
        Binaries.require("mkfs.btrfs");
        Path disk = file("btrfs", 120 * MIB);
        Binaries.run("mkfs.btrfs", "-q", disk.toString());
        assertThat(read(disk).state()).isEqualTo(State.UNKNOWN);
        write(disk, 65_536 + 0x60, new byte[] {0, 0, 1});
        assertThat(read(disk).state()).isEqualTo(State.UNCLEAN);
    }

    @Test
    void fatTellsByTwoMarks() throws IOException {
        Path disk = fat16();
        assertThat(read(disk)).isEqualTo(Shutdown.CLEAN);
        write(disk, 512 + 2, new byte[] {(byte) 0xff, 0x7f});
        assertThat(read(disk).state()).as("Windows' mark").isEqualTo(State.UNCLEAN);
        write(disk, 512 + 2, new byte[] {(byte) 0xff, (byte) 0xff});
        write(disk, 0x25, new byte[] {1});
        assertThat(read(disk).state()).as("Linux' mark").isEqualTo(State.UNCLEAN);
    }

    @Test
    void ntfsTellsByItsFlagAndItsLog() throws IOException {
        assertThat(read(ntfs(0, 0xffff, 0))).isEqualTo(Shutdown.CLEAN);
        assertThat(read(ntfs(0, 0, 2))).isEqualTo(Shutdown.CLEAN);
        assertThat(read(ntfs(1, 0xffff, 0)).state()).isEqualTo(State.UNCLEAN);
        assertThat(read(ntfs(0, 0, 0)).state()).isEqualTo(State.UNCLEAN);
        Path cut = ntfs(0, 0xffff, 0);
        write(cut, 4 * 4096 + 2 * 1024, new byte[4]);
        assertThat(read(cut).state()).isEqualTo(State.UNKNOWN);
    }

    @Test
    void containersAndForeignFileSystemsAreUnknown() throws IOException {
        for (String magic : List.of("0:LUKS\u00ba\u00be", "3:-FVE-FS-", "32:NXSB", "32768:JFS1")) {
            Path disk = file("other", 4 * MIB);
            String[] parts = magic.split(":", 2);
            write(disk, Long.parseLong(parts[0]), parts[1].getBytes(StandardCharsets.ISO_8859_1));
            assertThat(read(disk).state()).as(magic).isEqualTo(State.UNKNOWN);
        }
        Path swap = file("swap", 4 * MIB);
        write(swap, 4086, "SWAPSPACE2".getBytes(StandardCharsets.US_ASCII));
        assertThat(read(swap)).isEqualTo(Shutdown.CLEAN);
    }

    @Test
    void everyPartitionCounts() throws IOException {
        Binaries.require("mkfs.ext4", "sgdisk");
        Path disk = file("gpt", 40 * MIB);
        Binaries.run(
                "sgdisk",
                "-n",
                "1:2048:+1M",
                "-t",
                "1:ef02",
                "-n",
                "2:8192:+8M",
                "-n",
                "3:40960:+8M",
                disk.toString());
        // A boot loader lies where none of its kind is known.
        write(disk, 2048 * 512, new byte[] {1, 2, 3});
        assertThat(read(disk)).isEqualTo(Shutdown.CLEAN);
        Path ext = file("ext", 8 * MIB);
        Binaries.run("mkfs.ext4", "-q", "-F", ext.toString());
        write(disk, 8192 * 512, Files.readAllBytes(ext));
        write(disk, 40_960 * 512, Files.readAllBytes(ext));
        assertThat(read(disk)).isEqualTo(Shutdown.CLEAN);
        write(disk, 40_960 * 512 + 1024 + 58, new byte[] {0});
        assertThat(read(disk).state()).isEqualTo(State.UNCLEAN);
        assertThat(read(disk).detail()).asString().contains("partition 3 of disk vda");
        write(disk, 8192 * 512, "LUKS\u00ba\u00be".getBytes(StandardCharsets.ISO_8859_1));
        assertThat(read(disk).state()).as("worse than unknown").isEqualTo(State.UNCLEAN);
    }

    @Test
    void logicalPartitionsOfAnMbrCountToo() throws IOException {
        Binaries.require("mkfs.ext4", "parted");
        Path disk = file("mbr", 40 * MIB);
        Binaries.run(
                "parted",
                "-s",
                disk.toString(),
                "mklabel",
                "msdos",
                "mkpart",
                "primary",
                "1MiB",
                "10MiB",
                "mkpart",
                "extended",
                "10MiB",
                "39MiB",
                "mkpart",
                "logical",
                "11MiB",
                "20MiB",
                "mkpart",
                "logical",
                "21MiB",
                "30MiB");
        assertThat(read(disk)).isEqualTo(Shutdown.CLEAN);
        Path ext = file("ext", 8 * MIB);
        Binaries.run("mkfs.ext4", "-q", "-F", ext.toString());
        write(disk, 21 * MIB, Files.readAllBytes(ext));
        assertThat(read(disk)).isEqualTo(Shutdown.CLEAN);
        write(disk, 21 * MIB + 1024 + 58, new byte[] {0});
        assertThat(read(disk).detail()).asString().contains("partition 6");
    }

    @Test
    void tableThatLeadsOutsideIsUnknown() throws IOException {
        Path disk = file("bad", 4 * MIB);
        write(
                disk,
                446,
                new byte[] {0, 0, 0, 0, (byte) 0x83, 0, 0, 0, 0, 8, 0, 0, -1, -1, -1, 127});
        write(disk, 510, new byte[] {0x55, (byte) 0xaa});
        assertThat(read(disk).state()).isEqualTo(State.UNKNOWN);
        assertThat(read(disk).detail()).asString().contains("partition table");
    }

    @Test
    void linearVolumesOfLvmAreLookedInto() throws IOException {
        Binaries.require("mkfs.ext4");
        Path ext = file("ext", 8 * MIB);
        Binaries.run("mkfs.ext4", "-q", "-F", ext.toString());
        Path disk = lvm("striped", ext);
        assertThat(read(disk)).isEqualTo(Shutdown.CLEAN);
        // The second half of the volume lies before the first.
        write(disk, MIB + 4 * MIB + 1024 + 58, new byte[] {0});
        assertThat(read(disk).state()).isEqualTo(State.UNCLEAN);
        assertThat(read(disk).detail()).asString().contains("the volume root");
        assertThat(read(lvm("thin-pool", ext)).state()).isEqualTo(State.UNKNOWN);
    }

    @Test
    void realGroupOfLvmIsRead() throws IOException {
        Binaries.require("lvm", "mkfs.ext4");
        try (LoopDevices devices = LoopDevices.require(folder)) {
            Path disk = folder.resolve("pv");
            Path device = devices.make(disk, 64L * MIB);
            String only = "devices { filter=[\"a|" + device + "$|\",\"r|.*|\"] use_devicesfile=0 }";
            String name = "sptest" + ProcessHandle.current().pid();
            lvm(only, "pvcreate", device.toString());
            lvm(only, "vgcreate", name, device.toString());
            Binaries.run("sync", disk.toString());
            try (BlockSource source = RawSource.open(disk)) {
                assertThat(LvmVolumes.of(Region.of(source)).orElseThrow()).isEmpty();
            }
            lvm(only, "lvcreate", "-an", "-Zn", "-Wn", "-n", "root", "-L", "16M", name);
            Binaries.run("sync", disk.toString());
            assertThat(read(disk)).as("an empty volume").isEqualTo(Shutdown.CLEAN);
            try (BlockSource source = RawSource.open(disk)) {
                List<LvmVolumes.Volume> found = LvmVolumes.of(Region.of(source)).orElseThrow();
                assertThat(found).hasSize(1);
                assertThat(found.getFirst().name()).isEqualTo("root");
                assertThat(found.getFirst().source().size()).isEqualTo(16L * MIB);
            }
        }
    }

    /// Writes what LVM writes to disks; nothing is asked of the kernel, which may have no device mapper.
    private static void lvm(String configuration, String verb, String... arguments) {
        List<String> command = new ArrayList<>(List.of("lvm", verb, "-q", "--driverloaded", "n"));
        command.addAll(List.of("--config", configuration));
        command.addAll(List.of(arguments));
        Binaries.run(command.toArray(String[]::new));
    }

    @Test
    @Tag("qemu")
    void imageThatItsQemuLeftOpenIsUnclean() throws IOException {
        Binaries.require("qemu-img");
        Path image = folder.resolve("a.qcow2");
        Binaries.run("qemu-img", "create", "-q", "-f", "qcow2", image.toString(), "4M");
        Binaries.run("qemu-img", "bitmap", "--add", image.toString(), "b");
        assertThat(ImageChain.of(ImageFile.of(image), List.of()).top().isInUse()).isFalse();
        byte[] bytes = Files.readAllBytes(image);
        int at = -1;
        for (int i = 0; i < bytes.length - 4 && at < 0; i++) {
            at = ByteBuffer.wrap(bytes).getInt(i) == 0x23852875 ? i : -1;
        }
        int directory = (int) ByteBuffer.wrap(bytes).getLong(at + 24);
        write(image, directory + 15, new byte[] {(byte) (bytes[directory + 15] | 1)});
        assertThat(ImageChain.of(ImageFile.of(image), List.of()).top().isInUse()).isTrue();
        Path lazy = folder.resolve("b.qcow2");
        Binaries.run("qemu-img", "create", "-q", "-f", "qcow2", lazy.toString(), "4M");
        write(lazy, 79, new byte[] {1});
        assertThat(ImageChain.of(ImageFile.of(lazy), List.of()).top().isInUse()).isTrue();
    }

    @Test
    void noContentMakesItFailOrReadOutsideOfTheDisk() throws IOException {
        Binaries.require("mkfs.ext4", "mkfs.xfs");
        Path xfs = file("xfs", 320 * MIB);
        Binaries.run("mkfs.xfs", "-q", "-f", xfs.toString());
        Path ext = file("ext", 8 * MIB);
        Binaries.run("mkfs.ext4", "-q", "-F", ext.toString());
        List<Path> seeds =
                new ArrayList<>(List.of(xfs, fat16(), ntfs(0, 0, 0), lvm("striped", ext)));
        Random random = new Random(7);
        for (Path seed : seeds) {
            byte[] start = bytes(seed, 0, 64 << 10);
            for (int round = 0; round < 300; round++) {
                byte[] changed = start.clone();
                for (int i = 0; i < 1 + random.nextInt(20); i++) {
                    changed[random.nextInt(random.nextBoolean() ? 1024 : changed.length)] =
                            (byte) random.nextInt();
                }
                write(seed, 0, changed);
                assertThat(read(seed).state()).isNotNull();
            }
        }
    }

    private Path fat16() throws IOException {
        Path disk = file("fat", 16 * MIB);
        ByteBuffer boot = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);
        boot.put(0, new byte[] {(byte) 0xeb, 0x3c, (byte) 0x90});
        boot.putShort(11, (short) 512).put(13, (byte) 4).putShort(14, (short) 1).put(16, (byte) 2);
        boot.putShort(17, (short) 512).putShort(19, (short) 32_768).put(21, (byte) 0xf8);
        boot.putShort(22, (short) 32).put(510, (byte) 0x55).put(511, (byte) 0xaa);
        write(disk, 0, boot.array());
        write(disk, 512, new byte[] {(byte) 0xf8, -1, -1, -1});
        return disk;
    }

    /// A volume of clusters of 4 KiB, its MFT at cluster 4, its log in two pieces.
    private Path ntfs(int flags, int client, int logFlags) throws IOException {
        Path disk = file("ntfs" + flags + client + logFlags, 8 * MIB);
        ByteBuffer boot = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);
        boot.put(3, "NTFS    ".getBytes(StandardCharsets.US_ASCII));
        boot.putShort(11, (short) 512).put(13, (byte) 8).putLong(0x30, 4).put(0x40, (byte) -10);
        boot.put(510, (byte) 0x55).put(511, (byte) 0xaa);
        write(disk, 0, boot.array());
        ByteBuffer volume = record();
        volume.putInt(56, 0x70).putInt(60, 40).put(64, (byte) 0).putShort(56 + 0x14, (short) 24);
        volume.putShort(56 + 24 + 10, (short) flags).putInt(96, -1);
        write(disk, 4 * 4096 + 3 * 1024, bytes(volume));
        ByteBuffer log = record();
        log.putInt(56, 0x80).putInt(60, 80).put(64, (byte) 1).putShort(56 + 0x20, (short) 64);
        // One cluster at 100, then 20 at 70.
        log.put(56 + 64, new byte[] {0x11, 1, 100, 0x11, 20, -30, 0}).putInt(56 + 80, -1);
        write(disk, 4 * 4096 + 2 * 1024, bytes(log));
        for (int page = 0; page < 2; page++) {
            ByteBuffer restart = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
            restart.put(0, "RSTR".getBytes(StandardCharsets.US_ASCII)).putShort(0x18, (short) 0x30);
            // The older page says the opposite.
            restart.putLong(0x30, 1000 + page);
            restart.putShort(0x3c, (short) (page == 1 ? client : ~client));
            restart.putShort(0x3e, (short) (page == 1 ? logFlags : 0));
            write(disk, (page == 0 ? 100L : 70L) * 4096, restart.array());
        }
        return disk;
    }

    private static ByteBuffer record() {
        ByteBuffer record = ByteBuffer.allocate(1024).order(ByteOrder.LITTLE_ENDIAN);
        return record.put(0, "FILE".getBytes(StandardCharsets.US_ASCII)).putShort(0x14, (short) 56);
    }

    /// A physical volume with one volume of two extents of 4 MiB, in the wrong order.
    private Path lvm(String type, Path content) throws IOException {
        Path disk = file("lvm-" + type, 16 * MIB);
        ByteBuffer label = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);
        label.put(0, "LABELONE".getBytes(StandardCharsets.US_ASCII)).putInt(20, 32);
        // Data from 1 MiB on; metadata from 4 KiB on, 64 KiB of it.
        label.putLong(32 + 40, MIB).putLong(32 + 72, 4096).putLong(32 + 80, 65_536);
        write(disk, 512, label.array());
        String text =
                """
                group { # made by hand
                id = "x"
                seqno = 2
                extent_size = 8192
                physical_volumes { pv0 { id = "y" pe_start = 2048 pe_count = 3 } }
                logical_volumes { root { id = "z" status = ["READ", "WRITE"] segment_count = 2
                segment1 { start_extent = 0 extent_count = 1 type = "%s" stripe_count = 1
                stripes = [ "pv0", 1 ] }
                segment2 { start_extent = 1 extent_count = 1 type = "%s" stripe_count = 1
                stripes = [ "pv0", 0 ] } } }
                }
                contents = "Text Format Volume Group"
                """
                        .formatted(type, type);
        byte[] metadata = text.getBytes(StandardCharsets.US_ASCII);
        ByteBuffer header = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);
        header.put(4, " LVM2 x[5A%r0N*>".getBytes(StandardCharsets.US_ASCII));
        // It goes round at the end of the area.
        header.putLong(40, 65_536 - 100).putLong(48, metadata.length);
        write(disk, 4096, header.array());
        write(disk, 4096 + 65_536 - 100, Arrays.copyOf(metadata, 100));
        write(disk, 4096 + 512, Arrays.copyOfRange(metadata, 100, metadata.length));
        byte[] bytes = Files.readAllBytes(content);
        write(disk, 5 * MIB, Arrays.copyOf(bytes, 4 * MIB));
        write(disk, MIB, Arrays.copyOfRange(bytes, 4 * MIB, 8 * MIB));
        return disk;
    }

    private Shutdown read(Path disk) {
        try (BlockSource source = RawSource.open(disk)) {
            return ShutdownReader.read("vda", source);
        }
    }

    private Path file(String name, long size) throws IOException {
        Path path = folder.resolve(name);
        Files.deleteIfExists(path);
        try (RandomAccessFile made = new RandomAccessFile(path.toFile(), "rw")) {
            made.setLength(size);
        }
        return path;
    }

    private static void write(Path path, long at, byte[] bytes) throws IOException {
        try (RandomAccessFile written = new RandomAccessFile(path.toFile(), "rw")) {
            written.seek(at);
            written.write(bytes);
        }
    }

    private static byte[] bytes(Path path, long at, int count) throws IOException {
        try (RandomAccessFile read = new RandomAccessFile(path.toFile(), "r")) {
            byte[] bytes = new byte[count];
            read.seek(at);
            read.readFully(bytes);
            assertThat(HexFormat.of().formatHex(bytes)).hasSize(2 * count);
            return bytes;
        }
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.capacity()];
        buffer.get(0, bytes);
        return bytes;
    }
}
