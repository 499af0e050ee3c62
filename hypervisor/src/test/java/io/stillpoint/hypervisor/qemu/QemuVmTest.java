package io.stillpoint.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.hypervisor.ChangedBlocks;
import io.stillpoint.hypervisor.ChangedBlocks.Reason;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.block.Extent;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("qemu")
class QemuVmTest extends Backups {
    @Test
    void readsTheInstantWhileTheGuestOverwritesIt() {
        try (RealVm vm = RealVm.start(folder)) {
            vm.write("d1", 0, 3 * CHUNK, 1);
            vm.write("d2", 5 * CHUNK + 512, 4096, 2);
            byte[] first = vm.content("d1").clone();
            byte[] second = vm.content("d2").clone();
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess());
                    HeldSnapshot snapshot = take(backup, request(1, Map.of()))) {
                vm.write("d1", CHUNK, 4 * CHUNK, 3);
                vm.write("d2", 0, CHUNK, 4);
                vm.write("d2", 5 * CHUNK, 512, 4);
                assertThat(names(snapshot)).containsExactly("d1", "d2");
                assertThat(read(snapshot, "d1")).isEqualTo(first);
                assertThat(read(snapshot, "d2")).isEqualTo(second);
                assertThat(readData(snapshot, "d1")).isEqualTo(first);
                // What the filter has copied counts as data in whole clusters.
                assertThat(data(snapshot, "d2"))
                        .containsExactly(new Extent(0, CHUNK), new Extent(5 * CHUNK, CHUNK));
                assertThat(disk(snapshot, "d1").changes())
                        .isEqualTo(new ChangedBlocks.Unknown(Reason.FIRST_BACKUP));
                snapshot.proveValid();
                snapshot.keepChanges();
            }
            assertThat(vm.traces()).isEmpty();
            assertThat(vm.status()).isEqualTo("running");
            assertThat(vm.bitmaps("d1")).containsExactly(bitmap(1, "d1"));
            assertThat(vm.bitmaps("d2")).containsExactly(bitmap(1, "d2"));
        }
    }

    @Test
    void changedBlocksAreExactlyThoseWrittenBetweenTwoInstants() {
        try (RealVm vm = RealVm.start(folder)) {
            backUp(vm, 1, Map.of(), true);
            vm.write("d1", 2 * CHUNK + 100 * 512, 512, 7);
            vm.write("d1", 9 * CHUNK, 2 * CHUNK, 8);
            vm.write("d2", 0, 512, 9);
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess());
                    HeldSnapshot snapshot = take(backup, request(2, all(1)))) {
                vm.write("d1", 20 * CHUNK, CHUNK, 10);
                assertThat(changes(snapshot, "d1"))
                        .containsExactly(
                                new Extent(2 * CHUNK, CHUNK), new Extent(9 * CHUNK, 2 * CHUNK));
                assertThat(changes(snapshot, "d2")).containsExactly(new Extent(0, CHUNK));
                snapshot.proveValid();
                snapshot.keepChanges();
            }
            assertThat(backUp(vm, 3, all(2), true)).containsExactly(new Extent(20 * CHUNK, CHUNK));
            assertThat(vm.bitmaps("d1")).containsExactly(bitmap(3, "d1"));
        }
    }

    @Test
    void failedBackupKeepsTheOlderRecord() {
        try (RealVm vm = RealVm.start(folder)) {
            backUp(vm, 1, Map.of(), true);
            vm.write("d1", CHUNK, 512, 1);
            backUp(vm, 2, all(1), false);
            assertThat(vm.bitmaps("d1")).containsExactly(bitmap(1, "d1"));
            vm.write("d1", 4 * CHUNK, 512, 1);
            assertThat(backUp(vm, 3, all(1), true))
                    .containsExactly(new Extent(CHUNK, CHUNK), new Extent(4 * CHUNK, CHUNK));
        }
    }

    @Test
    void saysWhyChangesAreNotKnown() {
        try (RealVm vm = RealVm.start(folder)) {
            backUp(vm, 1, Map.of(), true);
            assertThat(reasons(vm, 2, all(9)))
                    .containsExactly(Reason.OTHER_GENERATION, Reason.OTHER_GENERATION);
            backUp(vm, 3, Map.of(), true);
            vm.restart();
            assertThat(reasons(vm, 4, begun(3, "d2")))
                    .containsExactly(Reason.FIRST_BACKUP, Reason.RESTARTED);
        }
    }

    @Test
    void nothingOfARecordStaysInAnImage() {
        try (RealVm vm = RealVm.start(folder)) {
            backUp(vm, 1, Map.of(), true);
            vm.restart();
            assertThat(vm.bitmaps("d1")).isEmpty();
            vm.crashAndRestart();
            assertThat(reasons(vm, 2, all(1))).containsExactly(Reason.RESTARTED, Reason.RESTARTED);
        }
    }

    @Test
    void printsHowLongTheVmStands() {
        try (RealVm vm = RealVm.start(folder);
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            for (int i = 1; i <= 5; i++) {
                vm.write("d1", 0, 8 << 20, i);
                PreparedQemuSnapshot prepared =
                        (PreparedQemuSnapshot)
                                backup.prepare(request(i, i == 1 ? Map.of() : all(i - 1)));
                long begin = System.nanoTime();
                try (HeldSnapshot snapshot = prepared.take()) {
                    double whole = (System.nanoTime() - begin) / 1e6;
                    Instant.Times times = Objects.requireNonNull(prepared.times());
                    System.out.printf(
                            "take() %.1f ms: stop %.1f, bitmaps and filters %.1f, cont %.1f%n",
                            whole, times.stop() / 1e6, times.change() / 1e6, times.cont() / 1e6);
                    snapshot.keepChanges();
                }
            }
            assertThat(vm.status()).isEqualTo("running");
        }
    }

    @Test
    void findsDisksHoweverTheyAreAttachedAndSkipsOthers() {
        Path legacy = RealVm.image(folder, "legacy", "qcow2");
        Path scsi = RealVm.image(folder, "scsi", "raw");
        Path other = RealVm.image(folder, "cd", "raw");
        try (RealVm vm =
                        RealVm.bare(
                                folder,
                                List.of(),
                                "-drive",
                                "if=virtio,format=qcow2,file=" + legacy,
                                "-drive",
                                "if=none,id=s0,format=raw,file=" + scsi,
                                "-device",
                                "virtio-scsi-pci",
                                "-device",
                                "scsi-hd,id=disk-b,drive=s0",
                                "-drive",
                                "if=none,id=cd0,format=raw,media=cdrom,file=" + other,
                                "-device",
                                "ide-cd,drive=cd0");
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            var configuration = backup.configuration();
            assertThat(configuration.path("machine").asString()).startsWith("pc-q35");
            assertThat(configuration.path("memory").asLong()).isEqualTo(32L << 20);
            try (HeldSnapshot snapshot = take(backup, request(1, Map.of()))) {
                assertThat(names(snapshot)).containsExactlyInAnyOrder("virtio0", "disk-b");
                assertThat(read(snapshot, "disk-b")).isEqualTo(new byte[RealVm.DISK_BYTES]);
                snapshot.proveValid();
                snapshot.keepChanges();
            }
            try (HeldSnapshot snapshot = take(backup, request(2, begun(1, "virtio0", "disk-b")))) {
                assertThat(changes(snapshot, "virtio0")).isEmpty();
                assertThat(changes(snapshot, "disk-b")).isEmpty();
            }
            assertThat(vm.traces()).isEmpty();
        }
    }
}
