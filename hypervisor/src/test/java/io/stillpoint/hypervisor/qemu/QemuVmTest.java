package io.stillpoint.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.hypervisor.ChangedBlocks;
import io.stillpoint.hypervisor.ChangedBlocks.Reason;
import io.stillpoint.hypervisor.ChildJvm;
import io.stillpoint.hypervisor.HeldDisk;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.PreparedSnapshot;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("qemu")
class QemuVmTest {
    private static final String LINEAGE = "0a1b2c3d";
    private static final int CHUNK = 65536;

    @TempDir Path folder;

    @Test
    void readsTheInstantWhileTheGuestOverwritesIt() {
        try (RealVm vm = RealVm.start(folder)) {
            vm.write("d1", 0, 3 * CHUNK, 1);
            vm.write("d2", 5 * CHUNK + 512, 4096, 2);
            byte[] first = vm.content("d1").clone();
            byte[] second = vm.content("d2").clone();
            try (QemuVm backup = QemuVm.open(vm.socket());
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
            assertThat(vm.bitmaps("d1")).containsExactly(bitmap(1));
            assertThat(vm.bitmaps("d2")).containsExactly(bitmap(1));
        }
    }

    @Test
    void changedBlocksAreExactlyThoseWrittenBetweenTwoInstants() {
        try (RealVm vm = RealVm.start(folder)) {
            backUp(vm, 1, Map.of(), true);
            vm.write("d1", 2 * CHUNK + 100 * 512, 512, 7);
            vm.write("d1", 9 * CHUNK, 2 * CHUNK, 8);
            vm.write("d2", 0, 512, 9);
            try (QemuVm backup = QemuVm.open(vm.socket());
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
            assertThat(vm.bitmaps("d1")).containsExactly(bitmap(3));
        }
    }

    @Test
    void failedBackupKeepsTheOlderRecord() {
        try (RealVm vm = RealVm.start(folder)) {
            backUp(vm, 1, Map.of(), true);
            vm.write("d1", CHUNK, 512, 1);
            backUp(vm, 2, all(1), false);
            assertThat(vm.bitmaps("d1")).containsExactly(bitmap(1));
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
            // qcow2 has stored its bitmap, raw can't.
            assertThat(reasons(vm, 4, Map.of("d2", generation(3))))
                    .containsExactly(Reason.FIRST_BACKUP, Reason.MISSING);
        }
    }

    @Test
    void storedBitmapSurvivesRestartOfTheVm() {
        try (RealVm vm = RealVm.start(folder)) {
            backUp(vm, 1, Map.of(), true);
            vm.write("d1", 3 * CHUNK, 512, 1);
            vm.restart();
            vm.write("d1", 7 * CHUNK, 512, 1);
            assertThat(backUp(vm, 2, Map.of("d1", generation(1)), true))
                    .containsExactly(new Extent(3 * CHUNK, CHUNK), new Extent(7 * CHUNK, CHUNK));
        }
    }

    @Test
    void bitmapOfKilledQemuIsInconsistentAndReplaced() {
        try (RealVm vm = RealVm.start(folder)) {
            backUp(vm, 1, Map.of(), true);
            vm.restart();
            vm.crashAndRestart();
            assertThat(reasons(vm, 2, all(1))).containsExactly(Reason.INCONSISTENT, Reason.MISSING);
            assertThat(vm.bitmaps("d1")).isEmpty();
            backUp(vm, 3, all(1), true);
            assertThat(backUp(vm, 4, all(3), true)).isEmpty();
        }
    }

    @Test
    void leftoversOfKilledJobAreSweptByTheNext() {
        try (RealVm vm = RealVm.start(folder)) {
            backUp(vm, 1, Map.of(), true);
            // A job whose process ends leaves all this; only the lock goes with the process.
            QemuVm killed = QemuVm.open(vm.socket());
            HeldSnapshot snapshot = take(killed, request(2, all(1)));
            BlockSource reader = disk(snapshot, "d1").open();
            killed.close();
            assertThat(vm.traces()).isNotEmpty();
            vm.write("d1", CHUNK, 512, 1);
            byte[] expected = vm.content("d1").clone();
            try (QemuVm backup = QemuVm.open(vm.socket());
                    HeldSnapshot next = take(backup, request(3, all(1)))) {
                assertThat(vm.bitmaps("d1"))
                        .contains(bitmap(1), bitmap(3))
                        .doesNotContain(bitmap(2));
                assertThat(changes(next, "d1")).containsExactly(new Extent(CHUNK, CHUNK));
                assertThat(read(next, "d1")).isEqualTo(expected);
                next.proveValid();
                next.keepChanges();
            }
            assertThat(vm.traces()).isEmpty();
            reader.close();
        }
    }

    @Test
    void jobEndedByKillMinusNineIsSweptByTheNextOfAnotherLineage() {
        try (RealVm vm = RealVm.start(folder)) {
            vm.write("d1", CHUNK, 512, 1);
            try (ChildJvm job =
                    new ChildJvm(
                            JobToKill.class,
                            vm.socket().toString(),
                            folder.resolve("scratch").toString(),
                            "ffffffff",
                            generation(5))) {
                assertThat(job.handle().isAlive()).isTrue();
                assertThatThrownBy(() -> QemuVm.open(vm.socket()))
                        .hasMessageContaining("Another job is backing up the VM");
            }
            assertThat(vm.traces()).isNotEmpty();
            vm.write("d1", 2 * CHUNK, 512, 2);
            backUp(vm, 1, Map.of(), true);
            assertThat(vm.traces()).isEmpty();
            // The record of changes is the other lineage's own.
            assertThat(vm.bitmaps("d1"))
                    .containsExactlyInAnyOrder("sp-ffffffff-" + generation(5), bitmap(1));
        }
    }

    @Test
    void interruptedJobStillCleansUp() {
        try (RealVm vm = RealVm.start(folder)) {
            try (QemuVm backup = QemuVm.open(vm.socket());
                    HeldSnapshot snapshot = take(backup, request(1, Map.of()))) {
                assertThat(snapshot.disks()).hasSize(2);
                Thread.currentThread().interrupt();
            }
            assertThat(Thread.interrupted()).isTrue();
            assertThat(vm.traces()).isEmpty();
            assertThat(vm.bitmaps("d1")).isEmpty();
        }
    }

    @Test
    void printsHowLongTheVmStands() {
        try (RealVm vm = RealVm.start(folder);
                QemuVm backup = QemuVm.open(vm.socket())) {
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
    void vmThatKilledJobHadStoppedIsContinued() {
        try (RealVm vm = RealVm.start(folder)) {
            vm.control()
                    .execute(
                            "blockdev-add",
                            Json.object()
                                    .put("driver", "null-co")
                                    .put("read-zeroes", true)
                                    .put("node-name", "sp-" + LINEAGE + "-00000000-run-0"));
            vm.control().execute("stop");
            backUp(vm, 1, Map.of(), true);
            assertThat(vm.status()).isEqualTo("running");
            assertThat(vm.traces()).isEmpty();
        }
    }

    @Test
    void vmThatOthersStoppedStaysStopped() {
        try (RealVm vm = RealVm.start(folder)) {
            vm.control().execute("stop");
            backUp(vm, 1, Map.of(), true);
            assertThat(vm.status()).isEqualTo("paused");
        }
    }

    @Test
    void usedUpScratchSpaceBreaksTheSnapshotAndNotTheGuest() throws InterruptedException {
        try (RealVm vm = RealVm.start(folder);
                QemuVm backup = QemuVm.open(vm.socket())) {
            vm.write("d1", 0, 8 << 20, 1);
            HeldSnapshot snapshot = take(backup, request(1, Map.of(), ByteSize.parse("4M")));
            BlockSource source = disk(snapshot, "d1").open();
            for (int i = 0; i < 8; i++) {
                vm.write("d1", (long) i << 20, 1 << 20, 2);
                Thread.sleep(50);
            }
            assertThatThrownBy(snapshot::proveValid)
                    .isInstanceOfSatisfying(
                            HypervisorException.class,
                            e -> assertThat(e.kind()).isEqualTo(Kind.SNAPSHOT_BROKEN))
                    .hasMessageContaining("limit is 4.00 MiB");
            assertThatThrownBy(() -> source.read(0, new byte[CHUNK], 0, CHUNK))
                    .isInstanceOf(HypervisorException.class);
            source.close();
            snapshot.close();
            assertThat(vm.traces()).isEmpty();
            assertThat(vm.status()).isEqualTo("running");
            assertThat(vm.io("d1", "read -P 2 0 8M")).startsWith("read");
        }
    }

    @Test
    void scratchLimitHoldsInsideQemuWhenNobodyWatches() {
        try (RealVm vm = RealVm.start(folder)) {
            vm.write("d1", 0, 16 << 20, 1);
            HeldSnapshot snapshot;
            try (QemuVm killed = QemuVm.open(vm.socket())) {
                snapshot = take(killed, request(1, Map.of(), ByteSize.parse("2M")));
                assertThat(snapshot.disks()).hasSize(2);
                snapshot.proveValid();
            }
            // The watch has gone with the connection; the window of limit and tables is all there
            // is.
            vm.write("d1", 0, 16 << 20, 2);
            assertThatThrownBy(snapshot::proveValid)
                    .isInstanceOfSatisfying(
                            HypervisorException.class,
                            e -> assertThat(e.kind()).isEqualTo(Kind.SNAPSHOT_BROKEN))
                    .hasMessageContaining("The snapshot of disk d1");
            assertThat(vm.io("d1", "read -P 2 0 16M")).startsWith("read");
            assertThat(vm.status()).isEqualTo("running");
            assertThat(folder.resolve("scratch")).isDirectoryContaining("glob:**.qcow2");
            backUp(vm, 2, Map.of(), true);
            assertThat(vm.traces()).isEmpty();
        }
    }

    @Test
    void droppedMonitorConnectionIsReplaced() {
        try (RealVm vm = RealVm.start(folder);
                QemuVm backup = QemuVm.open(vm.socket())) {
            vm.write("d1", 0, CHUNK, 1);
            byte[] expected = vm.content("d1").clone();
            HeldSnapshot snapshot = take(backup, request(1, Map.of()));
            assertThat(snapshot.disks()).hasSize(2);
            backup.dropConnection();
            assertThat(read(snapshot, "d1")).isEqualTo(expected);
            snapshot.proveValid();
            snapshot.keepChanges();
            snapshot.close();
            assertThat(vm.traces()).isEmpty();
            assertThat(vm.bitmaps("d1")).containsExactly(bitmap(1));
        }
    }

    @Test
    void killedQemuEndsTheJobQuicklyAndLeavesNoFiles() {
        try (RealVm vm = RealVm.start(folder);
                QemuVm backup = QemuVm.open(vm.socket())) {
            HeldSnapshot snapshot = take(backup, request(1, Map.of()));
            BlockSource source = disk(snapshot, "d1").open();
            vm.kill();
            long begin = System.nanoTime();
            assertThatThrownBy(() -> source.read(0, new byte[CHUNK], 0, CHUNK))
                    .isInstanceOfSatisfying(
                            HypervisorException.class,
                            e -> assertThat(e.kind()).isEqualTo(Kind.UNREACHABLE));
            assertThatThrownBy(snapshot::proveValid)
                    .isInstanceOfSatisfying(
                            HypervisorException.class,
                            e -> assertThat(e.kind()).isEqualTo(Kind.UNREACHABLE));
            source.close();
            snapshot.close();
            assertThat(System.nanoTime() - begin).isLessThan(5_000_000_000L);
            assertThat(folder.resolve("scratch")).isEmptyDirectory();
        }
    }

    @Test
    void preparedSnapshotThatIsNotTakenLeavesNothing() {
        try (RealVm vm = RealVm.start(folder);
                QemuVm backup = QemuVm.open(vm.socket())) {
            PreparedSnapshot prepared = backup.prepare(request(1, Map.of()));
            assertThat(vm.traces()).isNotEmpty();
            prepared.close();
            assertThat(vm.traces()).isEmpty();
            assertThat(vm.bitmaps("d1")).isEmpty();
        }
    }

    @Test
    void secondJobIsToldThatTheVmIsLocked() {
        try (RealVm vm = RealVm.start(folder);
                QemuVm backup = QemuVm.open(vm.socket())) {
            assertThat(backup.running()).isTrue();
            assertThatThrownBy(() -> QemuVm.open(vm.socket()))
                    .hasMessageContaining("Another job is backing up the VM");
        }
    }

    @Test
    void heldMonitorIsNamed() {
        try (RealVm vm = RealVm.start(folder);
                QmpClient holder = QmpClient.connect(vm.socket())) {
            assertThat(holder.isClosed()).isFalse();
            assertThatThrownBy(() -> QemuVm.open(vm.socket()))
                    .hasMessageContaining("another program holds this monitor");
        }
    }

    @Test
    void foreignNbdServerIsLeftAlone() {
        try (RealVm vm = RealVm.start(folder);
                QemuVm backup = QemuVm.open(vm.socket())) {
            var address = Json.object().put("type", "unix");
            address.set("data", Json.object().put("path", folder.resolve("other.nbd").toString()));
            var arguments = Json.object();
            arguments.set("addr", address);
            vm.control().execute("nbd-server-start", arguments);
            assertThatThrownBy(() -> backup.prepare(request(1, Map.of())))
                    .hasMessageContaining("in use by another program");
            assertThat(vm.traces()).isEmpty();
            vm.control().execute("nbd-server-stop");
        }
    }

    @Test
    void diskOfAnotherToolsBackupIsRefused() {
        try (RealVm vm = RealVm.start(folder);
                QemuVm backup = QemuVm.open(vm.socket())) {
            vm.control()
                    .execute(
                            "blockdev-add",
                            Json.object()
                                    .put("driver", "null-co")
                                    .put("size", RealVm.DISK_BYTES)
                                    .put("node-name", "their-target"));
            vm.control()
                    .execute(
                            "blockdev-backup",
                            Json.object()
                                    .put("job-id", "theirs")
                                    .put("device", "d1")
                                    .put("sync", "none")
                                    .put("target", "their-target"));
            assertThatThrownBy(() -> backup.prepare(request(1, Map.of())))
                    .isInstanceOfSatisfying(
                            HypervisorException.class,
                            e -> assertThat(e.kind()).isEqualTo(Kind.UNSUPPORTED));
            assertThat(vm.status()).isEqualTo("running");
        }
    }

    @Test
    void diskInAnIothreadIsRefusedOnVersionsThatWouldAbort() {
        Path image = RealVm.image(folder, "io", "qcow2");
        try (RealVm vm =
                        RealVm.bare(
                                folder,
                                List.of(),
                                "-object",
                                "iothread,id=worker",
                                "-blockdev",
                                "driver=qcow2,node-name=io,file.driver=file,file.filename=" + image,
                                "-device",
                                "virtio-blk-pci,drive=io,iothread=worker");
                QemuVm backup = QemuVm.open(vm.socket())) {
            QemuVersion version = QemuVersion.of(vm.control().execute("query-version"));
            Assumptions.assumeTrue(
                    version.abortsOnNbdDisconnectWithIothread(), "QEMU " + version + " is sound");
            assertThatThrownBy(() -> backup.prepare(request(1, Map.of())))
                    .hasMessageContaining("runs in the I/O thread");
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
                QemuVm backup = QemuVm.open(vm.socket())) {
            var configuration = backup.configuration();
            assertThat(configuration.path("machine").asString()).startsWith("pc-q35");
            assertThat(configuration.path("memory").asLong()).isEqualTo(32L << 20);
            try (HeldSnapshot snapshot = take(backup, request(1, Map.of()))) {
                assertThat(names(snapshot)).containsExactlyInAnyOrder("virtio0", "disk-b");
                assertThat(read(snapshot, "disk-b")).isEqualTo(new byte[RealVm.DISK_BYTES]);
                snapshot.proveValid();
                snapshot.keepChanges();
            }
            try (HeldSnapshot snapshot =
                    take(
                            backup,
                            request(
                                    2,
                                    Map.of("virtio0", generation(1), "disk-b", generation(1))))) {
                assertThat(changes(snapshot, "virtio0")).isEmpty();
                assertThat(changes(snapshot, "disk-b")).isEmpty();
            }
            assertThat(vm.traces()).isEmpty();
        }
    }

    private SnapshotRequest request(int number, Map<String, String> previous) {
        return request(number, previous, ByteSize.parse("1G"));
    }

    private SnapshotRequest request(int number, Map<String, String> previous, ByteSize limit) {
        return new SnapshotRequest(
                LINEAGE, generation(number), previous, folder.resolve("scratch"), limit);
    }

    private static String generation(int number) {
        return String.format("%08x00000000", number);
    }

    private static String bitmap(int number) {
        return "sp-" + LINEAGE + "-" + generation(number);
    }

    private static Map<String, String> all(int number) {
        return Map.of("d1", generation(number), "d2", generation(number));
    }

    private static HeldSnapshot take(QemuVm vm, SnapshotRequest request) {
        try (PreparedSnapshot prepared = vm.prepare(request)) {
            return prepared.take();
        }
    }

    /// A whole backup; returns the changes of `d1` if they are known.
    private List<Extent> backUp(RealVm vm, int number, Map<String, String> previous, boolean keep) {
        try (QemuVm backup = QemuVm.open(vm.socket());
                HeldSnapshot snapshot = take(backup, request(number, previous))) {
            List<Extent> changes =
                    disk(snapshot, "d1").changes() instanceof ChangedBlocks.Known
                            ? changes(snapshot, "d1")
                            : List.of();
            assertThat(read(snapshot, "d1")).isEqualTo(vm.content("d1"));
            assertThat(read(snapshot, "d2")).isEqualTo(vm.content("d2"));
            snapshot.proveValid();
            if (keep) {
                snapshot.keepChanges();
            }
            return changes;
        }
    }

    /// Why the changes of each disk are unknown, in a backup that is given up.
    private List<Reason> reasons(RealVm vm, int number, Map<String, String> previous) {
        try (QemuVm backup = QemuVm.open(vm.socket());
                HeldSnapshot snapshot = take(backup, request(number, previous))) {
            List<Reason> reasons = new ArrayList<>();
            for (HeldDisk disk : snapshot.disks()) {
                if (disk.changes() instanceof ChangedBlocks.Unknown(Reason reason)) {
                    reasons.add(reason);
                }
            }
            return reasons;
        }
    }

    private static List<String> names(HeldSnapshot snapshot) {
        return snapshot.disks().stream().map(HeldDisk::name).toList();
    }

    private static HeldDisk disk(HeldSnapshot snapshot, String name) {
        return snapshot.disks().stream()
                .filter(disk -> disk.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static List<Extent> changes(HeldSnapshot snapshot, String name) {
        ChangedBlocks changes = disk(snapshot, name).changes();
        assertThat(changes).isInstanceOf(ChangedBlocks.Known.class);
        return list(((ChangedBlocks.Known) changes).ranges().get());
    }

    private static List<Extent> data(HeldSnapshot snapshot, String name) {
        try (BlockSource source = disk(snapshot, name).open()) {
            return list(source.dataExtents());
        }
    }

    private static List<Extent> list(Iterator<Extent> ranges) {
        List<Extent> list = new ArrayList<>();
        ranges.forEachRemaining(list::add);
        return list;
    }

    private static byte[] read(HeldSnapshot snapshot, String name) {
        byte[] bytes = new byte[RealVm.DISK_BYTES];
        try (BlockSource source = disk(snapshot, name).open()) {
            assertThat(source.size()).isEqualTo(RealVm.DISK_BYTES);
            source.read(0, bytes, 0, bytes.length);
        }
        return bytes;
    }

    /// Reads only where there may be data.
    private static byte[] readData(HeldSnapshot snapshot, String name) {
        byte[] bytes = new byte[RealVm.DISK_BYTES];
        Arrays.fill(bytes, (byte) 0);
        try (BlockSource source = disk(snapshot, name).open()) {
            for (Iterator<Extent> i = source.dataExtents(); i.hasNext(); ) {
                Extent extent = i.next();
                source.read(extent.offset(), bytes, (int) extent.offset(), (int) extent.length());
            }
        }
        return bytes;
    }
}
