package io.stillpoint.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.demo.GuestImage;
import io.stillpoint.demo.VmDisk;
import io.stillpoint.demo.VmDisk.Wiring;
import io.stillpoint.demo.VmLaunch;
import io.stillpoint.platform.ByteSize;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Tag("qemu")
@Timeout(value = 4, unit = TimeUnit.MINUTES)
final class TestVmTest {
    private static final ByteSize SIZE = ByteSize.parse("64M");

    @TempDir Path folder;

    @BeforeAll
    static void needsQemu() {
        RealParts.assumeQemu();
        RealParts.assumePrograms("mke2fs");
    }

    @Test
    void bootsToTheAgentsAnswerWithDataDisksMounted() {
        TestDisks disks = new TestDisks(folder);
        VmDisk bare = disks.qcow2("bare", SIZE);
        try (TestVm vm =
                TestVm.start(
                        disks.ext4("plain", SIZE),
                        disks.qcow2Ext4("cow", SIZE).withIothread(),
                        disks.ext4("old", SIZE).wired(Wiring.DRIVE),
                        disks.ext4("scsi", SIZE).wired(Wiring.SCSI),
                        bare)) {
            System.err.println("in memory, five disks, first answer after " + vm.bootTime());
            assertThat(mounts(vm)).contains("/data/plain", "/data/cow", "/data/old", "/data/scsi");
            vm.format(bare);
            assertThat(mounts(vm)).contains("/data/bare");
            assertThatThrownBy(() -> vm.sh("echo so >&2; exit 3"))
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("exit code 3")
                    .hasMessageContaining("so");
        }
    }

    @Test
    void keepsWhatWasWrittenToTheRootDiskOverAShutdown() throws IOException {
        GuestImage guest = RealParts.guest();
        Path root = folder.resolve("root.raw");
        guest.copyRootTo(root);
        VmDisk disk = VmDisk.raw("os", root);
        VmDisk data = new TestDisks(folder).ext4("data", SIZE);
        try (TestVm vm = TestVm.start(VmLaunch.fromDisk("first", guest, disk, data))) {
            System.err.println("from disk, first answer after " + vm.bootTime());
            vm.sh("echo kept >/root/note; echo kept >/data/data/note");
            vm.powerOff();
        }
        HostCommand.run("/sbin/e2fsck", "-fn", root.toString());
        HostCommand.run("/sbin/e2fsck", "-fn", data.file().toString());
        try (TestVm vm = TestVm.start(VmLaunch.fromDisk("second", guest, disk, data))) {
            assertThat(vm.sh("cat /root/note /data/data/note")).isEqualTo("kept\nkept\n");
        }
        assertThat(Files.size(root)).isEqualTo(Files.size(guest.root()));
    }

    @Test
    void writersWriteAndTheirFilesAreSound() {
        TestDisks disks = new TestDisks(folder);
        try (TestVm vm = TestVm.start(disks.ext4("a", SIZE), disks.qcow2Ext4("b", SIZE));
                LiveWriters writers = new LiveWriters(vm)) {
            writers.randomBlocks("/data/a", 16).smallFiles("/data/b").database("/data/a");
            writers.pairedCounter("/data/a", "/data/b");
            writers.awaitRounds(5);
            long before = writers.rounds();
            writers.awaitRounds(2);
            assertThat(writers.rounds()).isGreaterThan(before);
            assertThat(writers.complaints()).isEmpty();
            writers.stop();
            assertThat(vm.sh("sqlite3 /data/a/live.db 'PRAGMA integrity_check'").strip())
                    .isEqualTo("ok");
            assertThat(vm.sh("cat /data/a/counter")).isEqualTo(vm.sh("cat /data/b/counter"));
        }
    }

    @Test
    void commandsRunWhileTheFileSystemsAreFrozen() {
        try (TestVm vm = TestVm.start(new TestDisks(folder).ext4("a", SIZE))) {
            vm.sh("fsfreeze -f /data/a");
            assertThat(vm.sh("echo still here")).isEqualTo("still here\n");
            vm.sh("fsfreeze -u /data/a");
        }
    }

    private static String mounts(TestVm vm) {
        return vm.sh("cat /proc/mounts");
    }
}
