package io.stillpoint.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.hypervisor.ChildJvm;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.PreparedSnapshot;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Whatever ends badly harms no guest and leaves nothing.
@Tag("qemu")
class QemuVmFailureTest extends Backups {
    @Test
    void leftoversOfKilledJobAreSweptByTheNext() {
        try (RealVm vm = RealVm.start(folder)) {
            backUp(vm, 1, Map.of(), true);
            // A job whose process ends leaves all this; only the lock goes with the process.
            QemuVm killed = QemuVm.open(vm.socket(), Threads.ofProcess());
            HeldSnapshot snapshot = take(killed, request(2, all(1)));
            BlockSource reader = disk(snapshot, "d1").open();
            killed.close();
            assertThat(vm.traces()).isNotEmpty();
            vm.write("d1", CHUNK, 512, 1);
            byte[] expected = vm.content("d1").clone();
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess());
                    HeldSnapshot next = take(backup, request(3, all(1)))) {
                assertThat(vm.bitmaps("d1"))
                        .contains(bitmap(1, "d1"), bitmap(3, "d1"))
                        .doesNotContain(bitmap(2, "d1"));
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
                            job(5))) {
                assertThat(job.handle().isAlive()).isTrue();
                assertThatThrownBy(() -> QemuVm.open(vm.socket(), Threads.ofProcess()))
                        .hasMessageContaining("Another job is backing up the VM");
            }
            assertThat(vm.traces()).isNotEmpty();
            vm.write("d1", 2 * CHUNK, 512, 2);
            backUp(vm, 1, Map.of(), true);
            assertThat(vm.traces()).isEmpty();
            // The record of changes is the other lineage's own.
            assertThat(vm.bitmaps("d1"))
                    .containsExactlyInAnyOrder(
                            "sp-ffffffff-" + generation(5, "d1"), bitmap(1, "d1"));
        }
    }

    @Test
    void interruptedJobStillCleansUp() {
        try (RealVm vm = RealVm.start(folder)) {
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess());
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
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
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
            try (QemuVm killed = QemuVm.open(vm.socket(), Threads.ofProcess())) {
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
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
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
            assertThat(vm.bitmaps("d1")).containsExactly(bitmap(1, "d1"));
        }
    }

    @Test
    void killedQemuEndsTheJobQuicklyAndLeavesNoFiles() {
        try (RealVm vm = RealVm.start(folder);
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
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
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
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
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            assertThat(backup.running()).isTrue();
            assertThatThrownBy(() -> QemuVm.open(vm.socket(), Threads.ofProcess()))
                    .hasMessageContaining("Another job is backing up the VM");
        }
    }

    @Test
    void secondJobThroughAnotherMonitorIsToldThatTheVmIsTaken() {
        try (RealVm vm = RealVm.start(folder, "-qmp", secondMonitor());
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            assertThat(backup.running()).isTrue();
            assertThatThrownBy(
                            () -> QemuVm.open(folder.resolve("second.sock"), Threads.ofProcess()))
                    .hasMessageContaining("perhaps through another of its monitors");
            // The refused one has taken nothing of the first away.
            assertThatThrownBy(
                            () -> QemuVm.open(folder.resolve("second.sock"), Threads.ofProcess()))
                    .hasMessageContaining("perhaps through another of its monitors");
        }
    }

    @Test
    void secondProcessThroughAnotherMonitorIsToldToo() {
        try (RealVm vm = RealVm.start(folder, "-qmp", secondMonitor());
                ChildJvm job =
                        new ChildJvm(
                                JobToKill.class,
                                vm.socket().toString(),
                                folder.resolve("scratch").toString(),
                                "ffffffff",
                                job(5))) {
            assertThat(job.handle().isAlive()).isTrue();
            assertThatThrownBy(
                            () -> QemuVm.open(folder.resolve("second.sock"), Threads.ofProcess()))
                    .hasMessageContaining("perhaps through another of its monitors");
        }
    }

    /// QEMU 7.2 aborts if it lists its nodes while it formats an image.
    @Test
    void anotherProgramMayListTheNodesAtEveryMomentOfAJob() throws InterruptedException {
        try (RealVm vm = RealVm.start(folder, "-qmp", secondMonitor());
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess());
                QmpClient other =
                        QmpClient.connect(folder.resolve("second.sock"), Threads.ofProcess())) {
            AtomicInteger answers = new AtomicInteger();
            AtomicBoolean isOver = new AtomicBoolean();
            AtomicReference<Throwable> failure = new AtomicReference<>();
            Thread asking =
                    Thread.ofPlatform()
                            .uncaughtExceptionHandler((_, e) -> failure.set(e))
                            .start(() -> {
                                while (!isOver.get()) {
                                    other.execute("query-named-block-nodes");
                                    answers.incrementAndGet();
                                }
                            });
            try {
                for (int i = 1; i <= 10; i++) {
                    backup.prepare(request(i, Map.of())).close();
                }
            } finally {
                isOver.set(true);
                asking.join();
            }
            assertThat(failure).hasNullValue();
            assertThat(answers).hasPositiveValue();
        }
    }

    private String secondMonitor() {
        return "unix:" + folder.resolve("second.sock") + ",server=on,wait=off";
    }

    @Test
    void heldMonitorIsNamed() {
        try (RealVm vm = RealVm.start(folder);
                QmpClient holder = QmpClient.connect(vm.socket(), Threads.ofProcess())) {
            assertThat(holder.isClosed()).isFalse();
            assertThatThrownBy(() -> QemuVm.open(vm.socket(), Threads.ofProcess()))
                    .hasMessageContaining("another program holds this monitor");
        }
    }

    private void startOtherServer(RealVm vm) {
        var address = Json.object().put("type", "unix");
        address.set("data", Json.object().put("path", folder.resolve("other.nbd").toString()));
        var arguments = Json.object();
        arguments.set("addr", address);
        vm.control().execute("nbd-server-start", arguments);
    }

    private static void addOtherExport(RealVm vm) {
        vm.control()
                .execute(
                        "blockdev-add",
                        Json.object()
                                .put("driver", "null-co")
                                .put("node-name", "others")
                                .put("size", 1 << 20));
        vm.control()
                .execute(
                        "block-export-add",
                        Json.object()
                                .put("type", "nbd")
                                .put("id", "others")
                                .put("node-name", "others"));
    }

    @Test
    void ourNbdServerEndsAlthoughAnotherProgramHasExportedThroughIt() {
        try (RealVm vm = RealVm.start(folder);
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            try (HeldSnapshot snapshot = take(backup, request(1, Map.of()))) {
                assertThat(snapshot.disks()).isNotEmpty();
                addOtherExport(vm);
            }
            assertThat(vm.traces()).isEmpty();
            try (HeldSnapshot snapshot = take(backup, request(2, Map.of()))) {
                assertThat(snapshot.disks()).isNotEmpty();
            }
            startOtherServer(vm);
            vm.control().execute("nbd-server-stop");
        }
    }

    @Test
    void serverOfAnotherProgramOutlivesAMarkOfOursThatIsOlder() {
        try (RealVm vm = RealVm.start(folder);
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            try (HeldSnapshot snapshot = take(backup, request(1, Map.of()))) {
                assertThat(snapshot.disks()).isNotEmpty();
                vm.control().execute("nbd-server-stop");
                startOtherServer(vm);
                addOtherExport(vm);
            }
            assertThat(vm.traces()).containsExactly("export others");
            assertThat(folder.resolve("other.nbd")).exists();
            vm.control().execute("nbd-server-stop");
        }
    }

    @Test
    void foreignNbdServerIsLeftAlone() {
        try (RealVm vm = RealVm.start(folder);
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            startOtherServer(vm);
            assertThatThrownBy(() -> backup.prepare(request(1, Map.of())))
                    .hasMessageContaining("Another program is using the NBD server");
            assertThat(vm.traces()).isEmpty();
            vm.control().execute("nbd-server-stop");
        }
    }

    @Test
    void diskOfAnotherToolsBackupIsRefused() {
        try (RealVm vm = RealVm.start(folder);
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
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
                            e -> assertThat(e.kind()).isEqualTo(Kind.BUSY));
            assertThat(vm.status()).isEqualTo("running");
        }
    }

    @Test
    void diskInAnIothreadIsRefusedOnVersionsThatWouldAbortAndPreparedOnOthers() {
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
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            QemuVersion version = QemuVersion.of(vm.control().execute("query-version"));
            if (version.abortsOnNbdDisconnectWithIothread()) {
                assertThatThrownBy(() -> backup.prepare(request(1, Map.of())))
                        .hasMessageContaining("runs in the I/O thread");
            } else {
                backup.prepare(request(1, Map.of())).close();
                assertThat(vm.status()).isEqualTo("running");
            }
        }
    }
}
