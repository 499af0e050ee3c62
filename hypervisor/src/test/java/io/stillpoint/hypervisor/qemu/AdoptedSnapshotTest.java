package io.stillpoint.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.hypervisor.ChangedBlocks;
import io.stillpoint.hypervisor.ChangedBlocks.Reason;
import io.stillpoint.hypervisor.HeldDisk;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.KeptSnapshots;
import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.hypervisor.qemu.JobNames.Role;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// A snapshot that one process leaves in QEMU and the next takes up.
@Tag("qemu")
class AdoptedSnapshotTest extends Backups {
    private SnapshotRequest kept(int number, Map<String, String> previous) {
        SnapshotRequest request = request(number, previous);
        return request.keeping(KeptSnapshots.of(request.name()));
    }

    /// What a journal would hold: the descriptor as it is stored.
    private static String store(HeldSnapshot snapshot) {
        return new String(Json.bytes(snapshot.descriptor().json()), StandardCharsets.UTF_8);
    }

    private static HeldSnapshot adopt(QemuVm vm, String stored) {
        return vm.adopt(SnapshotDescriptor.of(Json.parse(stored)));
    }

    /// Takes a snapshot and leaves it as a process does that is killed: nothing is closed in QEMU.
    private String takeAndLeave(RealVm vm, SnapshotRequest request) {
        try (QemuVm first = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            HeldSnapshot snapshot = take(first, request);
            String stored = store(snapshot);
            snapshot.detach();
            return stored;
        }
    }

    @Test
    void detachedSnapshotIsTakenUpWithTheSameBytesAndChanges() {
        try (RealVm vm = RealVm.start(folder)) {
            backUp(vm, 1, Map.of(), true);
            vm.write("d1", 2 * CHUNK, CHUNK, 1);
            vm.write("d2", 5 * CHUNK + 512, 4096, 2);
            byte[] first = vm.content("d1").clone();
            byte[] second = vm.content("d2").clone();
            String stored;
            String recording;
            String configuration;
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
                HeldSnapshot snapshot = take(backup, kept(2, all(1)));
                stored = store(snapshot);
                recording = snapshot.recording().toString();
                configuration = backup.configuration().toString();
                // Half read: with connections that the first process leaves open.
                snapshot.disks().getFirst().open().read(0, new byte[512], 0, 512);
                assertThat(changes(snapshot, "d1")).containsExactly(new Extent(2 * CHUNK, CHUNK));
                snapshot.detach();
                snapshot.detach();
                snapshot.close();
                assertThatThrownBy(snapshot::disks).isInstanceOf(IllegalStateException.class);
            }
            assertThat(vm.traces()).isNotEmpty();
            vm.write("d1", 0, 4 * CHUNK, 3);
            vm.write("d2", 0, 8 * CHUNK, 4);
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess());
                    HeldSnapshot snapshot = adopt(backup, stored)) {
                assertThat(names(snapshot)).containsExactly("d1", "d2");
                assertThat(read(snapshot, "d1")).isEqualTo(first);
                assertThat(readData(snapshot, "d2")).isEqualTo(second);
                assertThat(changes(snapshot, "d1")).containsExactly(new Extent(2 * CHUNK, CHUNK));
                assertThat(changes(snapshot, "d2")).containsExactly(new Extent(5 * CHUNK, CHUNK));
                assertThat(disk(snapshot, "d1").generation()).contains(generation(2, "d1"));
                assertThat(disk(snapshot, "d1").format()).isEqualTo("qcow2");
                assertThat(snapshot.recording().toString()).isEqualTo(recording);
                assertThat(backup.configuration().toString()).isEqualTo(configuration);
                assertThat(store(snapshot)).isEqualTo(stored);
                vm.write("d1", 9 * CHUNK, CHUNK, 5);
                assertThat(read(snapshot, "d1")).isEqualTo(first);
                snapshot.proveValid();
                snapshot.keepChanges();
            }
            assertThat(vm.traces()).isEmpty();
            assertThat(vm.status()).isEqualTo("running");
            assertThat(vm.bitmaps("d1")).containsExactly(bitmap(2, "d1"));
            assertThat(backUp(vm, 3, all(2), true))
                    .containsExactly(new Extent(0, 4 * CHUNK), new Extent(9 * CHUNK, CHUNK));
        }
    }

    @Test
    void adoptedSnapshotThatMakesNoPointKeepsTheOlderRecord() {
        try (RealVm vm = RealVm.start(folder)) {
            backUp(vm, 1, Map.of(), true);
            vm.write("d1", CHUNK, 512, 1);
            String stored = takeAndLeave(vm, kept(2, all(1)));
            // Adopted and left again, any number of times.
            for (int i = 0; i < 2; i++) {
                try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
                    HeldSnapshot snapshot = adopt(backup, stored);
                    snapshot.keepChanges();
                    snapshot.detach();
                }
            }
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
                adopt(backup, stored).close();
            }
            assertThat(vm.traces()).isEmpty();
            assertThat(vm.bitmaps("d1")).containsExactly(bitmap(1, "d1"));
            vm.write("d1", 4 * CHUNK, 512, 1);
            assertThat(backUp(vm, 3, all(1), true))
                    .containsExactly(new Extent(CHUNK, CHUNK), new Extent(4 * CHUNK, CHUNK));
        }
    }

    /// The commands of the exports in their order, for both disks.
    private static List<ObjectNode> exportCommands(JobNames names, boolean hasChanges) {
        List<ObjectNode> commands = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            String probe = names.name(Role.PROBE, i);
            commands.add(
                    command(
                            "blockdev-add",
                            Json.object()
                                    .put("driver", "snapshot-access")
                                    .put("node-name", probe)
                                    .put("file", names.name(Role.FILTER, i))));
            commands.add(command("block-export-add", export(probe, probe)));
            ObjectNode export = export(names.name(Role.EXPORT, i), names.name(Role.FLEECE, i));
            if (hasChanges) {
                ArrayNode bitmaps = export.putArray("bitmaps");
                bitmaps.add(
                        Json.object()
                                .put("node", names.name(Role.FLEECE, i))
                                .put("name", names.merged()));
            }
            commands.add(command("block-export-add", export));
        }
        return commands;
    }

    private static ObjectNode export(String name, String node) {
        return Json.object()
                .put("type", "nbd")
                .put("id", name)
                .put("node-name", node)
                .put("name", name);
    }

    private static ObjectNode command(String name, ObjectNode arguments) {
        ObjectNode command = Json.object().put("execute", name);
        command.set("arguments", arguments);
        return command;
    }

    private static void run(RealVm vm, ObjectNode command) {
        vm.control()
                .execute(
                        command.path("execute").asString(), (ObjectNode) command.path("arguments"));
    }

    @Test
    void endBetweenAnyTwoCommandsOfTheExportsIsTakenUp() {
        try (RealVm vm = RealVm.start(folder)) {
            backUp(vm, 1, Map.of(), true);
            vm.write("d1", CHUNK, CHUNK, 1);
            SnapshotRequest request = kept(2, all(1));
            String stored = takeAndLeave(vm, request);
            byte[] expected = vm.content("d1").clone();
            vm.write("d1", 0, 3 * CHUNK, 2);
            JobNames names = JobNames.of(request.name());
            List<ObjectNode> commands = exportCommands(names, true);
            for (int made = 0; made <= commands.size(); made++) {
                commands.subList(0, made).forEach(command -> run(vm, command));
                try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
                    HeldSnapshot snapshot = adopt(backup, stored);
                    assertThat(read(snapshot, "d1")).isEqualTo(expected);
                    assertThat(changes(snapshot, "d1")).containsExactly(new Extent(CHUNK, CHUNK));
                    snapshot.proveValid();
                    snapshot.detach();
                }
                for (int i = 0; i < 2; i++) {
                    for (Role role : List.of(Role.EXPORT, Role.PROBE)) {
                        removeExport(vm, names.name(role, i));
                    }
                    vm.control()
                            .execute(
                                    "blockdev-del",
                                    Json.object().put("node-name", names.name(Role.PROBE, i)));
                }
            }
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
                backup.sweep(folder.resolve("scratch"), KeptSnapshots.NONE);
            }
            assertThat(vm.traces()).isEmpty();
        }
    }

    private static void removeExport(RealVm vm, String id) {
        vm.control().execute("block-export-del", Json.object().put("id", id).put("mode", "hard"));
        vm.control()
                .awaitEvent(
                        "BLOCK_EXPORT_DELETED",
                        data -> data.path("id").asString("").equals(id),
                        Duration.ofSeconds(10));
    }

    @Test
    void sweepsLeaveAloneWhatAJournalNamesAndRemoveAllElse() {
        Path scratch = folder.resolve("scratch");
        try (RealVm vm = RealVm.start(folder)) {
            SnapshotRequest request = kept(1, Map.of());
            KeptSnapshots kept = request.kept();
            String stored = takeAndLeave(vm, request);
            byte[] expected = vm.content("d1").clone();
            vm.write("d1", 0, CHUNK, 1);
            List<String> before = vm.traces();
            // What jobs before it left, and a VM that one of them had stopped.
            for (String node :
                    List.of("sp-ffffffff-00000009-mk-0", "sp-" + LINEAGE + "-00000008-run-0")) {
                vm.control()
                        .execute(
                                "blockdev-add",
                                Json.object().put("driver", "null-co").put("node-name", node));
            }
            vm.control().execute("stop");
            QemuSweeper sweeper =
                    new QemuSweeper(InstantSource.system(), kept, Threads.ofProcess());
            QemuSweeper.Result swept =
                    sweeper.sweep(new KnownMonitors.Known("", vm.socket(), scratch));
            assertThat(swept.outcome()).isEqualTo(QemuSweeper.Outcome.SWEPT);
            assertThat(swept.removed()).contains("node sp-ffffffff-00000009-mk-0");
            assertThat(vm.traces()).isEqualTo(before);
            assertThat(vm.status()).isEqualTo("running");
            try (QemuVm release = QemuVm.open(vm.socket(), Threads.ofProcess())) {
                assertThat(release.release(scratch, kept)).isEmpty();
            }
            assertThat(vm.traces()).isEqualTo(before);
            assertThat(vm.bitmaps("d1")).containsExactly(bitmap(1, "d1"));
            try (QemuVm other = QemuVm.open(vm.socket(), Threads.ofProcess())) {
                assertThatThrownBy(() -> other.prepare(request(2, Map.of()).keeping(kept)))
                        .isInstanceOfSatisfying(
                                HypervisorException.class,
                                e -> {
                                    assertThat(e.code()).isEqualTo("vm.snapshot-kept");
                                    assertThat(e.kind()).isEqualTo(Kind.BUSY);
                                });
            }
            assertThat(vm.traces()).isEqualTo(before);
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
                HeldSnapshot snapshot = adopt(backup, stored);
                assertThat(read(snapshot, "d1")).isEqualTo(expected);
                snapshot.detach();
            }
            // Whoever knows no journal sweeps it, and who adopts is told.
            assertThat(backUp(vm, 3, Map.of(), true)).isEmpty();
            assertBroken(vm, stored, "snapshot.node-lost");
            assertThat(vm.bitmaps("d1")).containsExactly(bitmap(3, "d1"));
        }
    }

    @Test
    void sweepOfAFolderLeavesFilesOfAKeptSnapshot() throws IOException {
        Path scratch = folder.resolve("scratch");
        SnapshotRequest request = kept(1, Map.of());
        try (RealVm vm = RealVm.start(folder)) {
            takeAndLeave(vm, request);
        }
        InstantSource later = () -> InstantSource.system().instant().plusSeconds(600);
        assertThat(
                        new QemuSweeper(later, request.kept(), Threads.ofProcess())
                                .sweepFolder(scratch)
                                .removed())
                .isEmpty();
        assertThat(new QemuSweeper(later, Threads.ofProcess()).sweepFolder(scratch).removed())
                .hasSize(2);
        try (DirectoryStream<Path> left = Files.newDirectoryStream(scratch, "*.qcow2")) {
            assertThat(left).isEmpty();
        }
    }

    /// Adopts, expects it broken for this reason, and nothing of it left.
    private void assertBroken(RealVm vm, String stored, String code) {
        try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            assertThatThrownBy(() -> adopt(backup, stored))
                    .isInstanceOfSatisfying(
                            HypervisorException.class,
                            e -> {
                                assertThat(e.kind()).isEqualTo(Kind.SNAPSHOT_BROKEN);
                                assertThat(e.code()).as(e.getMessage()).isEqualTo(code);
                                assertThat(e.getSuppressed()).isEmpty();
                            });
        }
        assertThat(vm.traces()).isEmpty();
        assertThat(vm.status()).isEqualTo("running");
        assertThat(tellsOfMigrations(vm)).isFalse();
    }

    /// What somebody does to a snapshot while nobody watches.
    private interface Harm {
        void to(RealVm vm, JobNames names) throws IOException;
    }

    private static void setDrive(RealVm vm, String node) {
        vm.control()
                .execute(
                        "qom-set",
                        Json.object()
                                .put("path", "/machine/peripheral/dev-d1")
                                .put("property", "drive")
                                .put("value", node));
    }

    private static void bitmapCommand(RealVm vm, String command, String node, String name) {
        vm.control().execute(command, Json.object().put("node", node).put("name", name));
    }

    private static void resize(RealVm vm, String node, long size) {
        vm.control()
                .execute("block_resize", Json.object().put("node-name", node).put("size", size));
    }

    @Test
    void whatHappenedWhileNobodyWatchedIsFoundAndSwept() throws IOException {
        List<Map.Entry<String, Harm>> harms =
                List.of(
                        Map.entry("snapshot.bypassed", (vm, names) -> setDrive(vm, "d1")),
                        Map.entry(
                                "snapshot.bypassed",
                                (vm, names) -> {
                                    setDrive(vm, "d1");
                                    vm.write("d1", 8 * CHUNK, 2 * CHUNK, 9);
                                    setDrive(vm, names.name(Role.FILTER, 0));
                                }),
                        Map.entry(
                                "snapshot.resized",
                                (vm, names) -> {
                                    resize(vm, names.name(Role.FILTER, 0), 8 << 20);
                                }),
                        Map.entry(
                                "snapshot.tampered",
                                (vm, names) -> {
                                    resize(vm, names.name(Role.FILTER, 0), 8 << 20);
                                    resize(vm, names.name(Role.FILTER, 0), RealVm.DISK_BYTES);
                                }),
                        Map.entry(
                                "snapshot.tampered",
                                (vm, names) ->
                                        bitmapCommand(
                                                vm,
                                                "block-dirty-bitmap-clear",
                                                names.name(Role.FLEECE, 0),
                                                names.merged())),
                        Map.entry(
                                "snapshot.tampered",
                                (vm, names) ->
                                        bitmapCommand(
                                                vm,
                                                "block-dirty-bitmap-remove",
                                                names.name(Role.FLEECE, 1),
                                                names.merged())),
                        Map.entry(
                                "snapshot.tampered",
                                (vm, names) ->
                                        bitmapCommand(
                                                vm,
                                                "block-dirty-bitmap-enable",
                                                "d1",
                                                witness(vm, names))),
                        Map.entry(
                                "snapshot.tampered",
                                (vm, names) ->
                                        bitmapCommand(
                                                vm,
                                                "block-dirty-bitmap-disable",
                                                "d1",
                                                recording(vm, names))),
                        Map.entry(
                                "snapshot.not-whole",
                                (vm, names) -> vm.control().execute("nbd-server-stop")),
                        Map.entry("snapshot.scratch-lost", (vm, names) -> removeScratch()),
                        Map.entry(
                                "snapshot.scratch-lost",
                                (vm, names) -> {
                                    Path file = removeScratch();
                                    Files.write(file, new byte[CHUNK]);
                                }));
        try (RealVm vm = RealVm.start(folder)) {
            int number = 0;
            for (Map.Entry<String, Harm> harm : harms) {
                int base = ++number;
                backUp(vm, base, Map.of(), true);
                vm.write("d1", CHUNK, CHUNK, number);
                SnapshotRequest request = kept(++number, all(base));
                String stored = takeAndLeave(vm, request);
                vm.write("d1", 0, CHUNK, number);
                harm.getValue().to(vm, JobNames.of(request.name()));
                assertBroken(vm, stored, harm.getKey());
                // Which of the two records counts is for the next job to say.
                assertThat(vm.bitmaps("d1")).contains(bitmap(base, "d1"));
                resize(vm, "d1", RealVm.DISK_BYTES);
            }
        }
    }

    private static String recording(RealVm vm, JobNames names) {
        return vm.bitmaps("d1").stream()
                .filter(each -> JobNames.generation(names.lineage(), each).isPresent())
                .filter(each -> each.equals(bitmap(Integer.parseInt(names.job(), 16), "d1")))
                .findFirst()
                .orElseThrow();
    }

    private static String witness(RealVm vm, JobNames names) {
        return recording(vm, names) + "-w";
    }

    private Path removeScratch() throws IOException {
        try (DirectoryStream<Path> files =
                Files.newDirectoryStream(folder.resolve("scratch"), "*-0.qcow2")) {
            Path file = files.iterator().next();
            Files.delete(file);
            return file;
        }
    }

    @Test
    void scratchSpaceThatRanOutWhileNobodyWatchedIsFound() {
        try (RealVm vm = RealVm.start(folder)) {
            for (int number = 1; number <= 2; number++) {
                vm.write("d1", 0, 16 << 20, number);
                SnapshotRequest request =
                        request(number, Map.of(), ByteSize.parse(number == 1 ? "2M" : "10M"));
                String stored = takeAndLeave(vm, request.keeping(KeptSnapshots.of(request.name())));
                // Beyond the window in QEMU, and within the window but beyond the limit.
                vm.write("d1", 0, number == 1 ? 16 << 20 : 12 << 20, number + 2);
                assertBroken(vm, stored, "snapshot.scratch-full");
            }
        }
    }

    @Test
    void otherRunOfQemuOrAnotherDescriptorIsRefused() {
        try (RealVm vm = RealVm.start(folder)) {
            String stored = takeAndLeave(vm, kept(1, Map.of()));
            ObjectNode later = (ObjectNode) Json.parse(stored);
            later.put("format", 2);
            ObjectNode other = (ObjectNode) Json.parse(stored);
            other.put("provider", "images");
            ObjectNode damaged = (ObjectNode) Json.parse(stored);
            ((ObjectNode) damaged.path("state")).remove("recording");
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
                for (ObjectNode each : List.of(later, other, damaged)) {
                    assertThatThrownBy(() -> adopt(backup, each.toString()))
                            .isInstanceOfSatisfying(
                                    HypervisorException.class,
                                    e -> {
                                        assertThat(e.code()).isEqualTo("snapshot.unreadable");
                                        assertThat(e.kind()).isEqualTo(Kind.SNAPSHOT_BROKEN);
                                    });
                }
                // Nothing is harmed by that.
                adopt(backup, stored).detach();
            }
            vm.crashAndRestart();
            assertBroken(vm, stored, "snapshot.other-run");
        }
    }

    @Test
    void vmThatDoesNotAnswerKeepsItsSnapshot() {
        try (RealVm vm = RealVm.start(folder)) {
            String stored = takeAndLeave(vm, kept(1, Map.of()));
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
                // Whoever cancels a job does not mean its snapshot.
                Thread.currentThread().interrupt();
                assertThatThrownBy(() -> adopt(backup, stored))
                        .isInstanceOfSatisfying(
                                HypervisorException.class,
                                e -> assertThat(e.kind()).isEqualTo(Kind.UNREACHABLE));
                assertThat(Thread.interrupted()).isTrue();
            }
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess());
                    HeldSnapshot snapshot = adopt(backup, stored)) {
                snapshot.proveValid();
                assertThat(disk(snapshot, "d1").changes())
                        .isEqualTo(new ChangedBlocks.Unknown(Reason.FIRST_BACKUP));
            }
            assertThat(vm.traces()).isEmpty();
        }
    }

    @Test
    void filterTakenOffForAWhileSpoilsASnapshotThatIsWatchedToo() {
        try (RealVm vm = RealVm.start(folder);
                QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            SnapshotRequest request = request(1, Map.of());
            try (HeldSnapshot snapshot = take(backup, request)) {
                vm.write("d1", 0, CHUNK, 1);
                // Once there is an export QEMU refuses it.
                setDrive(vm, "d1");
                vm.write("d1", 8 * CHUNK, 2 * CHUNK, 2);
                setDrive(vm, JobNames.of(request.name()).name(Role.FILTER, 0));
                assertThatThrownBy(snapshot::proveValid)
                        .isInstanceOfSatisfying(
                                HypervisorException.class,
                                e -> assertThat(e.code()).isEqualTo("snapshot.bypassed"));
            }
            assertThat(vm.traces()).isEmpty();
        }
    }

    @Test
    void disksOfAllKindsAreTakenUp() throws IOException {
        byte[] container =
                LuksContainer.of(new byte[1 << 20], "secret", "test", Randomness.secure()::bytes);
        Path encrypted = Files.write(folder.resolve("luks.raw"), container);
        Path code = Files.write(folder.resolve("code.fd"), new byte[1 << 20]);
        Path vars = Files.write(folder.resolve("vars.fd"), new byte[512 << 10]);
        Path readOnly = Files.write(folder.resolve("ro"), new byte[1 << 20]);
        Path empty = Files.createFile(folder.resolve("empty"));
        QemuSettings all =
                new QemuSettings(
                        "",
                        new DiskChoice(true, true, List.of()),
                        Optional.empty(),
                        Optional.empty(),
                        Threads.ofProcess());
        try (RealVm vm =
                RealVm.start(
                        folder,
                        "-object",
                        "secret,id=s0,data=secret",
                        "-blockdev",
                        "driver=luks,node-name=luks,key-secret=s0,file.driver=file,file.filename="
                                + encrypted,
                        "-device",
                        "virtio-blk-pci,id=dev-luks,drive=luks,serial=luks",
                        "-drive",
                        "if=pflash,unit=0,format=raw,readonly=on,file=" + code,
                        "-drive",
                        "if=pflash,unit=1,format=raw,file=" + vars,
                        "-drive",
                        "if=none,id=r0,format=raw,readonly=on,file=" + readOnly,
                        "-device",
                        "virtio-blk-pci,drive=r0,serial=ro1",
                        "-drive",
                        "if=none,id=e0,format=raw,file=" + empty,
                        "-device",
                        "virtio-blk-pci,drive=e0,serial=empty")) {
            String stored;
            Map<String, String> contents;
            try (QemuVm first = QemuVm.open(vm.socket(), all)) {
                HeldSnapshot snapshot = take(first, kept(1, Map.of()));
                contents = contents(snapshot);
                stored = store(snapshot);
                snapshot.detach();
            }
            assertThat(contents).containsKeys("luks", "ro1", "empty", "pflash1").hasSize(6);
            assertThat(vm.io("luks", "write -P 1 0 64k")).startsWith("wrote");
            try (QemuVm next = QemuVm.open(vm.socket(), Threads.ofProcess());
                    HeldSnapshot snapshot = adopt(next, stored)) {
                assertThat(contents(snapshot)).isEqualTo(contents);
                snapshot.proveValid();
                snapshot.keepChanges();
            }
            assertThat(vm.traces()).isEmpty();
        }
    }

    /// Each disk's name and the digest of its bytes.
    private static Map<String, String> contents(HeldSnapshot snapshot) {
        Map<String, String> contents = new TreeMap<>();
        for (HeldDisk disk : snapshot.disks()) {
            byte[] bytes = new byte[Math.toIntExact(disk.size())];
            try (BlockSource source = disk.open()) {
                source.read(0, bytes, 0, bytes.length);
            }
            contents.put(disk.name(), bytes.length + " " + Arrays.hashCode(bytes));
        }
        return contents;
    }

    @Test
    void eventsOfMigrationsAreSwitchedOffByWhoeverReleases() {
        try (RealVm vm = RealVm.start(folder)) {
            String stored = takeAndLeave(vm, kept(1, Map.of()));
            assertThat(tellsOfMigrations(vm)).isTrue();
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
                adopt(backup, stored).close();
            }
            assertThat(tellsOfMigrations(vm)).isFalse();
            assertThat(vm.traces()).isEmpty();
        }
    }

    private static boolean tellsOfMigrations(RealVm vm) {
        boolean isOn = false;
        Iterator<JsonNode> all = vm.control().execute("query-migrate-capabilities").iterator();
        while (all.hasNext()) {
            var each = all.next();
            isOn |=
                    each.path("capability").asString().equals("events")
                            && each.path("state").asBoolean();
        }
        return isOn;
    }
}
