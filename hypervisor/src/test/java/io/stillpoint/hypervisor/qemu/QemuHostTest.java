package io.stillpoint.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.hypervisor.Binaries;
import io.stillpoint.hypervisor.ChangedBlocks;
import io.stillpoint.hypervisor.ChildJvm;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.KeptSnapshots;
import io.stillpoint.hypervisor.MachineNotice;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.hypervisor.images.ImageBitmaps;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.Waiting;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.natives.OwnedDescriptor;
import io.stillpoint.platform.natives.UnixSocket;
import io.stillpoint.platform.setting.NamePattern;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// QEMU as hosts run it: under other users, with firmware and drives of every kind; and what stays there when a backup is
/// killed.
@Tag("qemu")
class QemuHostTest extends Backups {
    private static void requireRoot() {
        Binaries.requireRoot("only root starts QEMU as another user");
    }

    @Test
    void qemuOfAnotherUserIsBackedUp() throws IOException {
        requireRoot();
        try (RealVm vm =
                RealVm.startBy(
                        folder,
                        List.of(
                                "setpriv",
                                "--reuid=nobody",
                                "--regid=nogroup",
                                "--clear-groups",
                                "--"))) {
            backUpD1(vm);
            assertThat(vm.traces()).isEmpty();
            assertThat(
                            PosixFilePermissions.toString(
                                    Files.getPosixFilePermissions(folder.resolve("scratch"))))
                    .isEqualTo("rwx------");
        }
    }

    @Test
    void qemuThatGaveUpItsRightsAfterTheStartIsBackedUp() {
        requireRoot();
        try (RealVm vm = RealVm.startBy(folder, List.of(), "-runas", "nobody")) {
            backUpD1(vm);
        }
    }

    @Test
    void qemuThatSeesNoneOfTheHostsFoldersIsBackedUp() {
        requireRoot();
        // As in a container: another mount name space, where the scratch folder is not.
        try (RealVm vm =
                RealVm.startBy(
                        folder,
                        List.of(
                                "unshare",
                                "--mount",
                                "sh",
                                "-c",
                                "mkdir -p "
                                        + folder
                                        + "/scratch && mount -t tmpfs none "
                                        + folder
                                        + "/scratch && exec \"$@\"",
                                "sh"))) {
            backUpD1(vm);
            assertThat(vm.traces()).isEmpty();
        }
    }

    @Test
    void sharedScratchFolderGetsAFolderForThisUserAlone() throws IOException {
        Path shared = Files.createDirectory(folder.resolve("shared"));
        Files.setPosixFilePermissions(shared, PosixFilePermissions.fromString("rwxrwxrwx"));
        try (RealVm vm = RealVm.start(folder);
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            var request =
                    new SnapshotRequest(
                            LINEAGE, job(1), Map.of(), Json.object(), shared, ByteSize.parse("1G"));
            try (HeldSnapshot snapshot = take(backup, request)) {
                Path own = shared.resolve("stillpoint-" + OwnedDescriptor.user());
                assertThat(own).isDirectoryContaining("glob:**.qcow2");
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(own)))
                        .isEqualTo("rwx------");
                snapshot.proveValid();
            }
        }
    }

    @Test
    void nbdSocketIsThatOfTheProcessBehindTheMonitor() throws IOException {
        try (RealVm vm = RealVm.start(folder);
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess());
                HeldSnapshot snapshot = take(backup, request(1, Map.of()))) {
            assertThat(snapshot.disks()).isNotEmpty();
            Path socket;
            try (var files = Files.newDirectoryStream(folder.resolve("scratch"), "*.nbd")) {
                socket = files.iterator().next();
            }
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
                    .isEqualTo("rw-------");
            try (UnixSocket peer = UnixSocket.connect(socket, Duration.ofSeconds(5))) {
                assertThat((long) peer.peer().process()).isEqualTo(vm.process().pid());
            }
            // Somebody who can rename folders puts another in its place: we go on with ours.
            Files.move(folder.resolve("scratch"), folder.resolve("moved"));
            Files.createDirectory(folder.resolve("scratch"));
            assertThat(read(snapshot, "d1")).isEqualTo(vm.content("d1"));
            snapshot.proveValid();
        }
        assertThat(folder.resolve("moved")).isEmptyDirectory();
    }

    @Test
    void machineIsDescribedAsItIsWithoutUs() throws IOException {
        Path code = Files.write(folder.resolve("code.fd"), new byte[1 << 20]);
        Path vars = Files.write(folder.resolve("vars.fd"), new byte[512 << 10]);
        byte[] variables = new byte[512 << 10];
        Arrays.fill(variables, (byte) 7);
        try (RealVm vm =
                        RealVm.start(
                                folder,
                                "-uuid",
                                "11111111-2222-3333-4444-555555555555",
                                "-drive",
                                "if=pflash,unit=0,format=raw,readonly=on,file=" + code,
                                "-drive",
                                "if=pflash,unit=1,format=raw,file=" + vars,
                                "-netdev",
                                "user,id=net0",
                                "-device",
                                "virtio-net-pci,netdev=net0,mac=52:54:00:00:00:07,romfile=",
                                "-object",
                                "secret,id=s0,data=hunter2");
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            vm.control()
                    .execute(
                            "human-monitor-command",
                            Json.object()
                                    .put("command-line", "qemu-io pflash1 \"write -P 7 0 512k\""));
            JsonNode told;
            try (HeldSnapshot snapshot = take(backup, request(1, Map.of()))) {
                told = backup.configuration();
                var flash = disk(snapshot, "pflash1");
                assertThat(flash.generation()).isEmpty();
                assertThat(flash.changes())
                        .isEqualTo(new ChangedBlocks.Unknown(ChangedBlocks.Reason.NOT_SUPPORTED));
                vm.control()
                        .execute(
                                "human-monitor-command",
                                Json.object()
                                        .put(
                                                "command-line",
                                                "qemu-io pflash1 \"write -P 9 0 512k\""));
                byte[] read = new byte[variables.length];
                try (BlockSource source = flash.open()) {
                    source.read(0, read, 0, read.length);
                }
                assertThat(read).isEqualTo(variables);
                snapshot.proveValid();
                snapshot.keepChanges();
            }
            assertThat(vm.traces()).isEmpty();
            assertThat(told.path("uuid").asString())
                    .isEqualTo("11111111-2222-3333-4444-555555555555");
            assertThat(told.path("machine").asString()).startsWith("pc-q35-");
            assertThat(told.path("accelerator").asString()).isEqualTo("tcg");
            assertThat(told.path("cpu").path("type").asString()).isEqualTo("qemu64-x86_64-cpu");
            assertThat(told.path("cpu").path("topology").path("cpus").asInt()).isEqualTo(1);
            JsonNode network = told.path("networks").path(0);
            assertThat(network.path("model").asString()).isEqualTo("virtio-net-pci");
            assertThat(network.path("mac").asString()).isEqualTo("52:54:00:00:00:07");
            assertThat(network.path("backend").asString()).isEqualTo("user");
            assertThat(told.path("firmware").path("flash")).hasSize(2);
            assertThat(told.path("firmware").path("flash").path(0).path("file").asString())
                    .isEqualTo(code.toString());
            JsonNode d1 = byName(told.path("disks"), "d1");
            assertThat(d1.path("node").asString()).isEqualTo("d1");
            assertThat(d1.path("format").asString()).isEqualTo("qcow2");
            assertThat(d1.path("kind").asString()).isEqualTo("disk");
            assertThat(d1.path("address").asString()).isNotEmpty();
            assertThat(d1.path("logicalBlockSize").asInt()).isEqualTo(512);
            assertThat(byName(told.path("disks"), "pflash1").path("kind").asString())
                    .isEqualTo("firmware-variables");
            assertThat(told.path("commandLine").toString())
                    .contains("virtio-net-pci")
                    .doesNotContain("hunter2");
            assertThat(told.toString()).doesNotContain("\"sp-").doesNotContain("copy-before");
        }
    }

    @Test
    void drivesThatAreNotStoredAreListedAndCanBeIncluded() throws IOException {
        for (String name : List.of("usb", "ro", "cd", "spare")) {
            Files.write(
                    folder.resolve(name),
                    name.repeat(1 << 18).substring(0, 1 << 19).getBytes(StandardCharsets.US_ASCII));
        }
        String[] options = {
            "-device",
            "qemu-xhci",
            "-drive",
            "if=none,id=u0,format=raw,file=" + folder.resolve("usb"),
            "-device",
            "usb-storage,drive=u0,removable=on,serial=USB1",
            "-drive",
            "if=none,id=r0,format=raw,readonly=on,file=" + folder.resolve("ro"),
            "-device",
            "virtio-blk-pci,drive=r0,serial=ro1",
            "-drive",
            "if=none,id=c0,format=raw,media=cdrom,file=" + folder.resolve("cd"),
            "-device",
            "ide-cd,drive=c0,bus=ide.2",
            "-drive",
            "if=none,id=spare,format=raw,readonly=on,file=" + folder.resolve("spare")
        };
        try (RealVm vm = RealVm.start(folder, options)) {
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess());
                    HeldSnapshot snapshot = take(backup, request(1, Map.of()))) {
                assertThat(names(snapshot)).containsExactly("d1", "d2");
                List<String> reasons = new ArrayList<>();
                backup.configuration()
                        .path("leftOut")
                        .forEach(each ->
                                reasons.add(
                                        each.path("name").asString()
                                                + " "
                                                + each.path("reason").asString()));
                assertThat(reasons)
                        .containsExactlyInAnyOrder(
                                "u0 removable", "r0 read-only", "c0 cd-rom", "spare not-attached");
                assertThat(backup.notices()).hasSize(4).noneMatch(MachineNotice::isWarning);
                assertThat(backup.notices().getFirst().text()).asString().contains("--include-");
            }
            QemuSettings all =
                    new QemuSettings(
                            "",
                            new DiskChoice(true, true, List.of()),
                            Optional.empty(),
                            Optional.empty(),
                            Threads.ofProcess());
            try (QemuVm backup = QemuVm.open(vm.socket(), all);
                    HeldSnapshot snapshot = take(backup, request(2, Map.of()))) {
                assertThat(names(snapshot)).hasSize(5).contains("USB1", "ro1", "QM00005");
                for (var each : Map.of("USB1", "usb", "ro1", "ro", "QM00005", "cd").entrySet()) {
                    byte[] bytes = new byte[1 << 19];
                    try (BlockSource source = disk(snapshot, each.getKey()).open()) {
                        source.read(0, bytes, 0, bytes.length);
                    }
                    assertThat(bytes)
                            .isEqualTo(Files.readAllBytes(folder.resolve(each.getValue())));
                }
                snapshot.proveValid();
                snapshot.keepChanges();
            }
            QemuSettings few =
                    new QemuSettings(
                            "",
                            new DiskChoice(
                                    false,
                                    false,
                                    List.of(new NamePattern("*2"), new NamePattern("other"))),
                            Optional.empty(),
                            Optional.empty(),
                            Threads.ofProcess());
            try (QemuVm backup = QemuVm.open(vm.socket(), few);
                    HeldSnapshot snapshot = take(backup, request(3, Map.of()))) {
                assertThat(names(snapshot)).containsExactly("d1");
                assertThat(backup.configuration().path("leftOut").toString())
                        .contains("{\"name\":\"d2\",\"reason\":\"not-wanted\"");
                assertThat(backup.notices()).noneMatch(MachineNotice::isWarning);
            }
            assertThat(vm.traces()).isEmpty();
        }
    }

    @Test
    void throttleIsNoFormat() {
        Path image = RealVm.image(folder, "thr", "qcow2");
        try (RealVm vm =
                        RealVm.bare(
                                folder,
                                List.of(),
                                "-object",
                                "throttle-group,id=tg",
                                "-blockdev",
                                "driver=throttle,throttle-group=tg,node-name=thr,file.driver=qcow2,"
                                        + "file.file.driver=file,file.file.filename="
                                        + image,
                                "-device",
                                "virtio-blk-pci,drive=thr,serial=thr");
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess());
                HeldSnapshot snapshot = take(backup, request(1, Map.of()))) {
            assertThat(disk(snapshot, "thr").format()).isEqualTo("qcow2");
            assertThat(backup.configuration().path("disks").path(0).path("format").asString())
                    .isEqualTo("qcow2");
        }
    }

    @Test
    void disksWithoutNamesOfTheirOwnAreNamedByTheirPlace() {
        Path one = RealVm.image(folder, "one", "qcow2");
        Path two = RealVm.image(folder, "two", "qcow2");
        try (RealVm vm =
                        RealVm.bare(
                                folder,
                                List.of(),
                                "-blockdev",
                                "driver=qcow2,node-name=vg1-root,file.driver=file,file.filename="
                                        + one,
                                "-device",
                                "virtio-blk-pci,drive=vg1-root,serial=root",
                                "-blockdev",
                                "driver=qcow2,node-name=vg2-root,file.driver=file,file.filename="
                                        + two,
                                "-device",
                                "virtio-blk-pci,drive=vg2-root,serial=root");
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess());
                HeldSnapshot snapshot = take(backup, request(1, Map.of()))) {
            assertThat(names(snapshot)).containsExactlyInAnyOrder("vg1-root", "vg2-root");
        }
    }

    @Test
    void scratchImageOfAnEncryptedDiskHoldsNoPlainText() throws IOException {
        byte[] container =
                LuksContainer.of(new byte[1 << 20], "secret", "test", Randomness.secure()::bytes);
        Path file = Files.write(folder.resolve("luks.raw"), container);
        try (RealVm vm =
                        RealVm.bare(
                                folder,
                                List.of("luks"),
                                "-object",
                                "secret,id=s0,data=secret",
                                "-blockdev",
                                "driver=luks,node-name=luks,key-secret=s0,file.driver=file,"
                                        + "file.filename="
                                        + file,
                                "-device",
                                "virtio-blk-pci,id=dev-luks,drive=luks,serial=luks");
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            Path plain =
                    Files.writeString(folder.resolve("plain"), "TOPSECRETPLAINTX".repeat(4096));
            assertThat(vm.io("luks", "write -s " + plain + " 0 64k")).startsWith("wrote");
            try (HeldSnapshot snapshot = take(backup, request(1, Map.of()))) {
                assertThat(vm.io("luks", "write -P 1 0 64k")).startsWith("wrote");
                assertThat(vm.io("luks", "flush")).isEmpty();
                byte[] read = new byte[64 << 10];
                try (BlockSource source = disk(snapshot, "luks").open()) {
                    source.read(0, read, 0, read.length);
                }
                assertThat(read).isEqualTo(Files.readAllBytes(plain));
                snapshot.proveValid();
                for (Path scratch : scratchImages()) {
                    byte[] bytes = new byte[8 << 20];
                    try (var in = Files.newInputStream(scratch)) {
                        int count = in.readNBytes(bytes, 0, bytes.length);
                        assertThat(new String(bytes, 0, count, StandardCharsets.ISO_8859_1))
                                .doesNotContain("TOPSECRET");
                    }
                }
            }
            assertThat(backup.notices()).anyMatch(n -> n.code().equals("vm.encrypted-disk"));
            assertThat(vm.traces()).isEmpty();
            assertThat(
                            vm.control()
                                    .execute("qom-list", Json.object().put("path", "/objects"))
                                    .toString())
                    .doesNotContain("-key-");
        }
    }

    private List<Path> scratchImages() throws IOException {
        List<Path> images = new ArrayList<>();
        try (var files = Files.newDirectoryStream(folder.resolve("scratch"), "*.qcow2")) {
            files.forEach(images::add);
        }
        assertThat(images).isNotEmpty();
        return images;
    }

    @Test
    void snapshotOfAKilledJobEndsByItself() throws Exception {
        try (RealVm vm = RealVm.start(folder)) {
            try (ChildJvm job = guardedJob(vm)) {
                assertThat(vm.traces()).isNotEmpty();
                assertThat(job.handle().destroyForcibly()).isTrue();
            }
            long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
            while (!vm.traces().isEmpty() && System.nanoTime() < deadline) {
                Thread.sleep(100);
            }
            assertThat(vm.traces()).isEmpty();
            assertThat(vm.status()).isEqualTo("running");
        }
    }

    private ChildJvm guardedJob(RealVm vm) {
        return new ChildJvm(
                JobToKill.class,
                vm.socket().toString(),
                folder.resolve("scratch").toString(),
                LINEAGE,
                job(1),
                "guarded");
    }

    @Test
    void sweepRemovesWhatAKilledJobLeftAndLeavesARunningOneAlone() {
        KnownMonitors known = new KnownMonitors(folder.resolve("state").resolve("monitors"));
        QemuSettings settings =
                new QemuSettings(
                        "web",
                        DiskChoice.USUAL,
                        Optional.of(known),
                        Optional.empty(),
                        Threads.ofProcess());
        QemuSweeper sweeper = new QemuSweeper(InstantSource.system(), Threads.ofProcess());
        try (RealVm vm = RealVm.start(folder)) {
            QemuVm job = QemuVm.open(vm.socket(), settings);
            HeldSnapshot snapshot = take(job, request(1, Map.of()));
            assertThat(snapshot.disks()).hasSize(2);
            assertThat(known.all())
                    .containsExactly(
                            new KnownMonitors.Known(
                                    "web",
                                    vm.socket(),
                                    folder.resolve("scratch"),
                                    Optional.of(job.id())));
            assertThat(sweeper.sweep(known.all().getFirst()).outcome())
                    .isEqualTo(QemuSweeper.Outcome.BUSY);
            snapshot.proveValid();
            job.close();
            QemuSweeper.Result swept = sweeper.sweep(known.all().getFirst());
            assertThat(swept.outcome()).isEqualTo(QemuSweeper.Outcome.SWEPT);
            assertThat(swept.removed()).anyMatch(name -> name.startsWith("node sp-"));
            assertThat(vm.traces()).isEmpty();
        }
    }

    @Test
    void sweepRemovesFilesOfAQemuThatIsGone() throws IOException {
        KnownMonitors.Known known;
        try (RealVm vm = RealVm.start(folder);
                QemuVm job = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            HeldSnapshot snapshot = take(job, request(1, Map.of()));
            assertThat(snapshot.disks()).hasSize(2);
            known = new KnownMonitors.Known("web", vm.socket(), folder.resolve("scratch"));
            // Still open in QEMU: nobody's orphan.
            assertThat(later().sweepFolder(known.scratch()).removed()).isEmpty();
            vm.kill();
        }
        assertThat(scratchImages()).hasSize(2);
        QemuSweeper.Result swept = later().sweep(known);
        assertThat(swept.outcome()).isEqualTo(QemuSweeper.Outcome.GONE);
        assertThat(swept.removed()).hasSize(2);
        try (var left = Files.newDirectoryStream(known.scratch(), "*.qcow2")) {
            assertThat(left).isEmpty();
        }
    }

    private static QemuSweeper later() {
        return new QemuSweeper(
                () -> InstantSource.system().instant().plusSeconds(600), Threads.ofProcess());
    }

    @Test
    void releaseTakesEverythingOutOfARunningVm() {
        try (RealVm vm = RealVm.start(folder)) {
            backUp(vm, 1, Map.of(), true);
            assertThat(vm.bitmaps("d1")).contains(bitmap(1, "d1"));
            Binaries.require("qemu-img");
            try (QemuVm release = QemuVm.open(vm.socket(), Threads.ofProcess())) {
                assertThat(release.release(folder.resolve("scratch"), KeptSnapshots.NONE))
                        .isNotEmpty();
            }
            assertThat(vm.bitmaps("d1")).isEmpty();
            assertThat(vm.bitmaps("d2")).isEmpty();
            assertThat(vm.traces()).isEmpty();
        }
    }

    @Test
    void releaseTakesStoredBitmapsOutOfAnImageAndLeavesThoseOfOthers() {
        Binaries.require("qemu-img");
        Path image = RealVm.image(folder, "off", "qcow2");
        List<String> ours =
                List.of(
                        "sp-0a1b2c3d-00000001aaaaaaaa",
                        "sp-ffffffff-00000002bbbbbbbb",
                        "sp-0a1b2c3d-00000001aaaaaaaa-w");
        for (String each : ours) {
            Binaries.run("qemu-img", "bitmap", "--add", image.toString(), each);
        }
        Binaries.run("qemu-img", "bitmap", "--add", image.toString(), "theirs");
        assertThat(ImageBitmaps.release(image)).containsExactlyInAnyOrderElementsOf(ours);
        assertThat(ImageBitmaps.release(image)).isEmpty();
        Binaries.run("qemu-img", "bitmap", "--remove", image.toString(), "theirs");
        assertThat(ImageBitmaps.release(RealVm.image(folder, "off", "raw"))).isEmpty();
    }

    @Test
    void nearlyFullFileSystemEndsTheSnapshotAndNotTheGuest() throws Exception {
        requireRoot();
        Path small = Files.createDirectory(folder.resolve("scratch"));
        Binaries.run("mount", "-t", "tmpfs", "-o", "size=96m,mode=0700", "none", small.toString());
        try (RealVm vm = RealVm.start(folder);
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            HeldSnapshot snapshot = take(backup, request(1, Map.of()));
            assertThat(backup.notices()).anyMatch(n -> n.code().equals("scratch.less-room"));
            // Others fill it.
            Files.write(small.resolve("theirs"), new byte[93 << 20]);
            long deadline = System.nanoTime() + Duration.ofSeconds(10).toNanos();
            while (!vm.traces().equals(List.of("file theirs")) && System.nanoTime() < deadline) {
                Thread.sleep(50);
            }
            assertThatThrownBy(snapshot::proveValid)
                    .isInstanceOfSatisfying(
                            HypervisorException.class,
                            e -> assertThat(e.code()).isEqualTo("snapshot.no-room"));
            snapshot.close();
            assertThat(vm.status()).isEqualTo("running");
            assertThatThrownBy(() -> backup.prepare(request(2, Map.of())))
                    .isInstanceOfSatisfying(
                            HypervisorException.class,
                            e -> assertThat(e.code()).isEqualTo("scratch.no-room"));
        } finally {
            Binaries.run("umount", small.toString());
        }
    }

    @Test
    void stoppedQemuIsNamedAndWaitedForAloud() {
        List<String> told = new CopyOnWriteArrayList<>();
        try (RealVm vm = RealVm.start(folder)) {
            Binaries.run("kill", "-STOP", Long.toString(vm.process().pid()));
            Waiting.listen(text -> told.add(text.toString()), Threads.ofProcess());
            try {
                assertThatThrownBy(() ->
                                QmpClient.connect(
                                        vm.socket(), Duration.ofSeconds(3), Threads.ofProcess()))
                        .isInstanceOfSatisfying(
                                HypervisorException.class,
                                e -> assertThat(e.code()).isEqualTo("qmp.stopped"))
                        .hasMessageContaining("kill -CONT " + vm.process().pid());
            } finally {
                Waiting.listen(null, Threads.ofProcess());
                Binaries.run("kill", "-CONT", Long.toString(vm.process().pid()));
            }
            assertThat(told).hasSize(1);
            assertThat(told.getFirst()).contains("stopped by a signal");
        }
    }

    @Test
    void blockJobOfOthersMayBeTriedAgain() {
        try (RealVm vm = RealVm.start(folder);
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            vm.control()
                    .execute(
                            "blockdev-add",
                            Json.object()
                                    .put("driver", "null-co")
                                    .put("size", RealVm.DISK_BYTES)
                                    .put("node-name", "theirs"));
            vm.control()
                    .execute(
                            "blockdev-mirror",
                            Json.object()
                                    .put("job-id", "theirs")
                                    .put("device", "d1")
                                    .put("sync", "full")
                                    .put("target", "theirs"));
            assertThatThrownBy(() -> backup.prepare(request(1, Map.of())))
                    .isInstanceOfSatisfying(
                            HypervisorException.class,
                            e -> {
                                assertThat(e.kind()).isEqualTo(Kind.BUSY);
                                assertThat(e.retryable()).isTrue();
                            });
        }
    }

    private static JsonNode byName(JsonNode disks, String name) {
        for (JsonNode disk : disks) {
            if (disk.path("name").asString("").equals(name)) {
                return disk;
            }
        }
        throw new AssertionError(name + " in " + disks);
    }

    private void backUpD1(RealVm vm) {
        vm.write("d1", 0, CHUNK, 1);
        byte[] expected = vm.content("d1").clone();
        try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess());
                HeldSnapshot snapshot = take(backup, request(1, Map.of()))) {
            vm.write("d1", 0, CHUNK, 2);
            assertThat(read(snapshot, "d1")).isEqualTo(expected);
            snapshot.proveValid();
            snapshot.keepChanges();
        }
        assertThat(vm.status()).isEqualTo("running");
    }
}
