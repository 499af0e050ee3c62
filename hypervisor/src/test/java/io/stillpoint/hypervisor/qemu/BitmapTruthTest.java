package io.stillpoint.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.hypervisor.Binaries;
import io.stillpoint.hypervisor.ChangedBlocks;
import io.stillpoint.hypervisor.ChangedBlocks.Reason;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.hypervisor.nbd.NbdTarget;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.block.Extent;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Each way in which a dirty bitmap can be right by name and wrong by content. None leads to an incremental backup.
@Tag("qemu")
class BitmapTruthTest extends Backups {
    private static final Map<String, String> NONE = Map.of();

    @Test
    void generationsOfTwoDisksDiffer() {
        assertThat(generation(1, "d1")).isNotEqualTo(generation(1, "d2"));
        assertThat(generation(1, "d1")).isNotEqualTo(generation(2, "d1"));
    }

    @Test
    void writerBetweenTwoRunsOfQemu() throws Exception {
        try (RealVm vm = RealVm.start(folder)) {
            backUp(vm, 1, NONE, true);
            vm.restart(() ->
                    Binaries.run(
                            "qemu-io",
                            "-f",
                            "qcow2",
                            "-c",
                            "write -P 9 1M 64k",
                            folder.resolve("d1.qcow2").toString()));
            assertThat(reasons(vm, 2, all(1))).containsExactly(Reason.RESTARTED, Reason.RESTARTED);
        }
    }

    @Test
    void disksExchangedBetweenTwoRunsOfQemu() throws Exception {
        RealVm.image(folder, "a", "qcow2");
        RealVm.image(folder, "b", "qcow2");
        try (RealVm vm = RealVm.bare(folder, List.of(), pair())) {
            take(vm, request(1, NONE));
            vm.restart(() -> {
                Files.move(folder.resolve("a.qcow2"), folder.resolve("c.qcow2"));
                Files.move(folder.resolve("b.qcow2"), folder.resolve("a.qcow2"));
                Files.move(folder.resolve("c.qcow2"), folder.resolve("b.qcow2"));
            });
            assertThat(reasons(vm, 2, begun(1, "first", "second")))
                    .containsExactly(Reason.RESTARTED, Reason.RESTARTED);
        }
    }

    private String[] pair() {
        return new String[] {
            "-drive",
            "if=none,id=n0,format=qcow2,file=" + folder.resolve("a.qcow2"),
            "-device",
            "virtio-blk-pci,id=first,drive=n0",
            "-drive",
            "if=none,id=n1,format=qcow2,file=" + folder.resolve("b.qcow2"),
            "-device",
            "virtio-blk-pci,id=second,drive=n1"
        };
    }

    private void take(RealVm vm, SnapshotRequest request) {
        try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess());
                HeldSnapshot snapshot = take(backup, request)) {
            snapshot.proveValid();
            snapshot.keepChanges();
        }
    }

    @Test
    void bitmapClearedByAnother() {
        try (RealVm vm = RealVm.start(folder)) {
            backUp(vm, 1, NONE, true);
            vm.write("d1", CHUNK, CHUNK, 5);
            bitmapCommand(vm, "block-dirty-bitmap-clear", "d1", bitmap(1, "d1"));
            assertThat(reasons(vm, 2, all(1))).containsExactly(Reason.TAMPERED);
        }
    }

    @Test
    void bitmapClearedAndTheDisksEndWrittenAgain() {
        try (RealVm vm = RealVm.start(folder)) {
            backUp(vm, 1, NONE, true);
            vm.write("d1", CHUNK, CHUNK, 5);
            for (String each : List.of(bitmap(1, "d1"), bitmap(1, "d1") + "-w")) {
                bitmapCommand(vm, "block-dirty-bitmap-clear", "d1", each);
            }
            vm.write("d1", RealVm.DISK_BYTES - CHUNK, CHUNK, 6);
            assertThat(reasons(vm, 2, all(1))).containsExactly(Reason.TAMPERED);
        }
    }

    @Test
    void bitmapClearedAndAnotherPlaceWrittenSince() {
        try (RealVm vm = RealVm.start(folder)) {
            backUp(vm, 1, NONE, true);
            vm.write("d1", CHUNK, CHUNK, 5);
            bitmapCommand(vm, "block-dirty-bitmap-clear", "d1", bitmap(1, "d1"));
            vm.write("d1", 4 * CHUNK, CHUNK, 6);
            assertThat(reasons(vm, 2, all(1))).containsExactly(Reason.TAMPERED);
        }
    }

    @Test
    void bitmapThatStandsStill() {
        try (RealVm vm = RealVm.start(folder)) {
            backUp(vm, 1, NONE, true);
            bitmapCommand(vm, "block-dirty-bitmap-disable", "d1", bitmap(1, "d1"));
            assertThat(reasons(vm, 2, all(1))).containsExactly(Reason.NOT_RECORDING);
        }
    }

    @Test
    void bitmapsThatStoodStillForAWhile() {
        try (RealVm vm = RealVm.start(folder)) {
            backUp(vm, 1, NONE, true);
            List<String> ours = List.of(bitmap(1, "d1"), bitmap(1, "d1") + "-w");
            ours.forEach(each -> bitmapCommand(vm, "block-dirty-bitmap-disable", "d1", each));
            vm.write("d1", CHUNK, CHUNK, 5);
            ours.forEach(each -> bitmapCommand(vm, "block-dirty-bitmap-enable", "d1", each));
            assertThat(reasons(vm, 2, all(1))).containsExactly(Reason.TAMPERED);
        }
    }

    @Test
    void bitmapThatAnotherPutInTheImageUnderItsName() {
        try (RealVm vm = RealVm.start(folder)) {
            backUp(vm, 1, NONE, true);
            bitmapCommand(vm, "block-dirty-bitmap-remove", "d1", bitmap(1, "d1"));
            vm.control()
                    .execute(
                            "block-dirty-bitmap-add",
                            Json.object()
                                    .put("node", "d1")
                                    .put("name", bitmap(1, "d1"))
                                    .put("persistent", true));
            assertThat(reasons(vm, 2, all(1))).containsExactly(Reason.TAMPERED);
        }
    }

    private static void bitmapCommand(RealVm vm, String command, String node, String bitmap) {
        vm.control().execute(command, Json.object().put("node", node).put("name", bitmap));
    }

    @Test
    void diskThatIsLarger() {
        try (RealVm vm = RealVm.start(folder)) {
            take(vm, request(1, NONE));
            resize(vm, "d1", RealVm.DISK_BYTES + CHUNK);
            assertThat(reasons(vm, 2, all(1))).containsExactly(Reason.RESIZED);
        }
    }

    @Test
    void diskThatWasShorterForAWhile() {
        try (RealVm vm = RealVm.start(folder)) {
            vm.write("d1", 12 << 20, CHUNK, 5);
            vm.write("d2", 12 << 20, CHUNK, 5);
            backUp(vm, 1, NONE, true);
            for (String disk : List.of("d1", "d2")) {
                resize(vm, disk, 8 << 20);
                resize(vm, disk, RealVm.DISK_BYTES);
            }
            assertThat(reasons(vm, 2, all(1))).containsExactly(Reason.TAMPERED, Reason.TAMPERED);
        }
    }

    @Test
    void diskThatWasShorterByLessThanAGranule() {
        try (RealVm vm = RealVm.start(folder);
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            vm.write("d2", RealVm.DISK_BYTES - 4096, 4096, 5);
            try (HeldSnapshot snapshot = take(backup, request(1, NONE))) {
                snapshot.proveValid();
                snapshot.keepChanges();
            }
            resize(vm, "d2", RealVm.DISK_BYTES - 4096);
            resize(vm, "d2", RealVm.DISK_BYTES);
            try (HeldSnapshot snapshot = take(backup, request(2, all(1)))) {
                ChangedBlocks.Known known = (ChangedBlocks.Known) disk(snapshot, "d2").changes();
                assertThat(list(known.ranges().get()))
                        .contains(new Extent(RealVm.DISK_BYTES - CHUNK, CHUNK));
            }
        }
    }

    private static void resize(RealVm vm, String node, long size) {
        vm.control()
                .execute("block_resize", Json.object().put("node-name", node).put("size", size));
    }

    @Test
    void diskMadeShorterWhileItIsReadSpoilsTheSnapshotAlsoIfItGrowsBack() {
        try (RealVm vm = RealVm.start(folder);
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            for (long end : new long[] {8 << 20, RealVm.DISK_BYTES}) {
                SnapshotRequest request = request((int) (end >> 20), NONE);
                // A resize by the device's name goes to the node on top: our filter.
                String top = JobNames.of(request.name()).name(JobNames.Role.FILTER, 0);
                try (HeldSnapshot snapshot = take(backup, request)) {
                    read(snapshot, "d1");
                    resize(vm, top, 8 << 20);
                    resize(vm, top, end);
                    assertThatThrownBy(snapshot::proveValid)
                            .isInstanceOfSatisfying(
                                    HypervisorException.class,
                                    e -> assertThat(e.kind()).isEqualTo(Kind.SNAPSHOT_BROKEN))
                            .hasMessageContaining("was resized")
                            .hasMessageContaining("while it was being read");
                }
                resize(vm, "d1", RealVm.DISK_BYTES);
            }
            assertThat(vm.traces()).isEmpty();
        }
    }

    /// A disk with a bitmap in use can't be resized: QEMU 7.2 aborts then.
    @Test
    void diskResizedDuringAnIncrementalBackupSpoilsTheSnapshotAndHarmsNothing() {
        try (RealVm vm = RealVm.start(folder)) {
            backUp(vm, 1, Map.of(), true);
            SnapshotRequest request = request(2, all(1));
            // A resize by the device's name goes to the node on top: our filter.
            String top = JobNames.of(request.name()).name(JobNames.Role.FILTER, 0);
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess());
                    HeldSnapshot snapshot = take(backup, request)) {
                assertThat(changes(snapshot, "d1")).isEmpty();
                read(snapshot, "d1");
                resize(vm, top, RealVm.DISK_BYTES + (1 << 20));
                assertThat(vm.status()).isEqualTo("running");
                assertThatThrownBy(snapshot::proveValid)
                        .hasMessageContaining("was resized")
                        .hasMessageContaining("while it was being read");
            }
            assertThat(vm.status()).isEqualTo("running");
            assertThat(vm.traces()).isEmpty();
        }
    }

    @Test
    void diskThatOthersMayWrite() {
        RealVm.image(folder, "shared", "raw");
        RealVm.image(folder, "unlocked", "qcow2");
        RealVm.image(folder, "twice", "raw");
        try (RealVm vm =
                RealVm.bare(
                        folder,
                        List.of(),
                        "-blockdev",
                        "driver=raw,node-name=n0,file.driver=file,file.filename="
                                + folder.resolve("shared.raw"),
                        "-device",
                        "virtio-blk-pci,id=shared,drive=n0,share-rw=on",
                        "-blockdev",
                        "driver=qcow2,node-name=n1,file.driver=file,file.locking=off,file.filename="
                                + folder.resolve("unlocked.qcow2"),
                        "-device",
                        "virtio-blk-pci,id=unlocked,drive=n1",
                        "-blockdev",
                        "driver=raw,node-name=n2,file.driver=file,file.locking=off,file.filename="
                                + folder.resolve("twice.raw"),
                        "-device",
                        "virtio-blk-pci,id=twice,drive=n2",
                        "-blockdev",
                        "driver=raw,node-name=n3,file.driver=file,file.filename="
                                + folder.resolve("twice.raw"),
                        "-device",
                        "virtio-blk-pci,id=again,drive=n3")) {
            take(vm, request(1, NONE));
            assertThat(reasons(vm, 2, begun(1, "shared", "unlocked", "twice", "again")))
                    .hasSize(4)
                    .containsOnly(Reason.UNGUARDED);
        }
    }

    @Test
    void lockOfAnotherProcessGuardsNothing() throws Exception {
        Path image = RealVm.image(folder, "d", "raw");
        Process holder =
                new ProcessBuilder("qemu-nbd", "-t", "-f", "raw", "-k", folder + "/h", "" + image)
                        .inheritIO()
                        .start();
        try (RealVm vm =
                RealVm.bare(
                        folder,
                        List.of(),
                        "-blockdev",
                        "driver=raw,node-name=n,file.driver=file,file.locking=off,file.filename="
                                + image,
                        "-device",
                        "virtio-blk-pci,id=d,drive=n")) {
            take(vm, request(1, NONE));
            assertThat(reasons(vm, 2, begun(1, "d"))).containsExactly(Reason.UNGUARDED);
        } finally {
            holder.destroyForcibly().waitFor();
        }
    }

    @Test
    void diskBehindANetworkProtocol() throws Exception {
        Path image = RealVm.image(folder, "d", "raw");
        Path socket = folder.resolve("s");
        Process server =
                new ProcessBuilder("qemu-nbd", "-t", "-f", "raw", "-k", "" + socket, "" + image)
                        .inheritIO()
                        .start();
        try {
            Binaries.awaitListening(socket, server);
            try (RealVm vm =
                    RealVm.bare(
                            folder,
                            List.of(),
                            "-blockdev",
                            "driver=raw,node-name=n,file.driver=nbd,file.server.type=unix,"
                                    + "file.server.path="
                                    + socket,
                            "-device",
                            "virtio-blk-pci,id=d,drive=n")) {
                take(vm, request(1, NONE));
                assertThat(reasons(vm, 2, begun(1, "d"))).containsExactly(Reason.UNGUARDED);
            }
        } finally {
            server.destroyForcibly().waitFor();
        }
    }

    @Test
    void backingFileThatChanged() throws IOException {
        Path base = RealVm.image(folder, "base", "raw");
        Path top = folder.resolve("top.qcow2");
        Binaries.run(
                "qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", "" + base, "" + top);
        try (RealVm vm =
                RealVm.bare(
                        folder,
                        List.of(),
                        "-blockdev",
                        "driver=qcow2,node-name=n,file.driver=file,file.filename=" + top,
                        "-device",
                        "virtio-blk-pci,id=d,drive=n")) {
            take(vm, request(1, NONE));
            assertThat(reasons(vm, 2, begun(1, "d"))).isEmpty();
            byte[] content = Files.readAllBytes(base);
            content[CHUNK] = 7;
            Files.write(base, content);
            assertThat(reasons(vm, 3, begun(1, "d"))).containsExactly(Reason.OTHER_IMAGE);
        }
    }

    @Test
    void otherBackingFile() {
        Path base = RealVm.image(folder, "base", "raw");
        Path other = RealVm.image(folder, "other", "raw");
        Path top = folder.resolve("top.qcow2");
        Binaries.run(
                "qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", "" + base, "" + top);
        try (RealVm vm =
                RealVm.bare(
                        folder,
                        List.of(),
                        "-blockdev",
                        "driver=file,node-name=f,filename=" + top,
                        "-blockdev",
                        "driver=raw,node-name=b,read-only=on,file.driver=file,file.filename="
                                + base,
                        "-blockdev",
                        "driver=raw,node-name=o,read-only=on,file.driver=file,file.filename="
                                + other,
                        "-blockdev",
                        "driver=qcow2,node-name=n,file=f,backing=b",
                        "-device",
                        "virtio-blk-pci,id=d,drive=n")) {
            take(vm, request(1, NONE));
            ObjectNode reopen = Json.object();
            reopen.putArray("options")
                    .add(
                            Json.object()
                                    .put("driver", "qcow2")
                                    .put("node-name", "n")
                                    .put("file", "f")
                                    .put("backing", "o"));
            vm.control().execute("blockdev-reopen", reopen);
            assertThat(reasons(vm, 2, begun(1, "d"))).containsExactly(Reason.OTHER_IMAGE);
        }
    }

    @Test
    void diskThatWasMigratedAndContinuedHere() {
        Path image = RealVm.image(folder, "d", "raw");
        String[] disk = {
            "-blockdev",
            "driver=raw,node-name=n,file.driver=file,file.filename=" + image,
            "-device",
            "virtio-blk-pci,id=d,drive=n"
        };
        Path away = folder.resolve("away");
        try (RealVm vm = RealVm.bare(folder, List.of(), disk)) {
            take(vm, request(1, NONE));
            migrate(vm, away, disk);
            requireUnfit(vm, "vm.state-postmigrate");
            // The destination has ended; somebody takes the VM up again where it was.
            vm.control().execute("cont");
            assertThat(reasons(vm, 2, begun(1, "d"))).containsExactly(Reason.MIGRATED);
        }
    }

    private static void requireUnfit(RealVm vm, String code) {
        try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            assertThatThrownBy(backup::requireFit)
                    .isInstanceOfSatisfying(
                            HypervisorException.class, e -> assertThat(e.code()).isEqualTo(code));
        }
    }

    /// Migrates to another process, which writes to the disk and ends.
    private static void migrate(RealVm vm, Path folder, String... options) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        String address = "unix:" + folder.resolve("m");
        String[] all = new String[options.length + 2];
        System.arraycopy(options, 0, all, 0, options.length);
        all[options.length] = "-incoming";
        all[options.length + 1] = address;
        try (RealVm there = RealVm.bare(folder, List.of("d"), all)) {
            requireUnfit(there, "vm.state-inmigrate");
            vm.control().execute("migrate", Json.object().put("uri", address));
            long deadline = System.nanoTime() + 20_000_000_000L;
            while (!there.status().equals("running") || !vm.status().equals("postmigrate")) {
                assertThat(System.nanoTime()).isLessThan(deadline);
            }
            there.writeTo("d", 5 * CHUNK, CHUNK, 7);
        }
    }

    @Test
    void writesThroughAnOverlayThatWasCommittedAreKnown() {
        try (RealVm vm = RealVm.start(folder)) {
            backUp(vm, 1, NONE, true);
            vm.write("d1", CHUNK, CHUNK, 5);
            vm.control()
                    .execute(
                            "blockdev-snapshot-sync",
                            Json.object()
                                    .put("node-name", "d1")
                                    .put("snapshot-file", folder.resolve("ov").toString())
                                    .put("snapshot-node-name", "ov"));
            vm.write("d1", 4 * CHUNK, CHUNK, 6);
            vm.control()
                    .execute("block-commit", Json.object().put("job-id", "c").put("device", "ov"));
            awaitReady(vm);
            vm.control().execute("job-complete", Json.object().put("id", "c"));
            vm.control()
                    .awaitEvent(
                            "BLOCK_JOB_COMPLETED", data -> true, java.time.Duration.ofSeconds(10));
            assertThat(backUp(vm, 2, begun(1, "d1"), true))
                    .contains(new Extent(CHUNK, CHUNK), new Extent(4 * CHUNK, CHUNK));
        }
    }

    private static void awaitReady(RealVm vm) {
        assertThat(
                        vm.control()
                                .awaitEvent(
                                        "BLOCK_JOB_READY",
                                        data -> true,
                                        java.time.Duration.ofSeconds(10)))
                .isPresent();
    }

    @Test
    void writesThroughAWritableExportAreKnown() {
        try (RealVm vm = RealVm.bare(folder, List.of(), exported())) {
            take(vm, request(1, NONE));
            Path socket = folder.resolve("rw.nbd");
            ObjectNode address = Json.object().put("type", "unix");
            address.set("data", Json.object().put("path", socket.toString()));
            ObjectNode server = Json.object();
            server.set("addr", address);
            vm.control().execute("nbd-server-start", server);
            vm.control()
                    .execute(
                            "block-export-add",
                            Json.object()
                                    .put("type", "nbd")
                                    .put("id", "rw")
                                    .put("node-name", "n")
                                    .put("name", "rw")
                                    .put("writable", true));
            try (NbdTarget target =
                    NbdTarget.open(
                            UnixDomainSocketAddress.of(socket), "rw", 1, Threads.ofProcess())) {
                target.write(CHUNK, new byte[512], 0, 512);
                target.flush();
            }
            vm.control().execute("nbd-server-stop");
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess());
                    HeldSnapshot snapshot = take(backup, request(2, begun(1, "d")))) {
                // Whoever may share the disk with QEMU may share it with others.
                Optional<ChangedBlocks> changes = Optional.of(disk(snapshot, "d").changes());
                assertThat(changes.get()).isEqualTo(new ChangedBlocks.Unknown(Reason.UNGUARDED));
            }
        }
    }

    private String[] exported() {
        return new String[] {
            "-blockdev",
            "driver=raw,node-name=n,file.driver=file,file.filename="
                    + RealVm.image(folder, "d", "raw"),
            "-device",
            "virtio-blk-pci,id=d,drive=n,share-rw=on"
        };
    }

    @Test
    void recordOfAPointThatSaysNothingOfItsImage() {
        try (RealVm vm = RealVm.start(folder)) {
            backUp(vm, 1, NONE, true);
            SnapshotRequest known = request(2, all(1));
            SnapshotRequest old =
                    new SnapshotRequest(
                            known.lineage(),
                            known.generation(),
                            known.previousGenerations(),
                            Json.object(),
                            known.scratchFolder(),
                            known.scratchMax());
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess());
                    HeldSnapshot snapshot = take(backup, old)) {
                assertThat(disk(snapshot, "d1").changes())
                        .isEqualTo(new ChangedBlocks.Unknown(Reason.MISSING));
            }
        }
    }

    @Test
    void noteComesBackFromARecoveryPointUnchanged() {
        try (RealVm vm = RealVm.start(folder);
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess());
                HeldSnapshot snapshot = take(backup, request(1, NONE))) {
            JsonNode note = snapshot.recording();
            assertThat(Json.parse(Json.bytes(note)).toString()).isEqualTo(note.toString());
            assertThat(note.path("process").asString()).isNotEmpty();
            for (JsonNode disk : note.path("disks")) {
                assertThat(disk.path("guarded").asBoolean()).isTrue();
                assertThat(disk.path("files").path(0).path("inode").asLong()).isPositive();
            }
        }
    }
}
