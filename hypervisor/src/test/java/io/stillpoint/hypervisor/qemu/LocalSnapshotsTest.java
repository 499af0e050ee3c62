package io.stillpoint.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.hypervisor.ChildJvm;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.KeptSnapshots;
import io.stillpoint.hypervisor.LocalSnapshots;
import io.stillpoint.hypervisor.LocalSnapshots.Exported;
import io.stillpoint.hypervisor.PreparedSnapshot;
import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.SnapshotName;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.hypervisor.nbd.NbdClient;
import io.stillpoint.hypervisor.nbd.NbdSource;
import io.stillpoint.hypervisor.qemu.HolderToKill.Moment;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.platform.natives.OwnedDescriptor;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// Snapshots that stay in QEMU after their points were made.
@Tag("qemu")
class LocalSnapshotsTest extends Backups {
    private static final List<Moment> KNOWN =
            Stream.of(Moment.values()).filter(each -> each != Moment.NEVER).toList();

    private static final ByteSize LIMIT = ByteSize.parse("1G");

    /// Newest first.
    private final List<SnapshotDescriptor> local = new ArrayList<>();

    private final Map<SnapshotName, Map<String, byte[]>> instants = new HashMap<>();
    private final Random random = new Random(7);

    private SnapshotRequest next(int number, Map<String, String> previous) {
        return next(number, previous, LIMIT);
    }

    private SnapshotRequest next(int number, Map<String, String> previous, ByteSize limit) {
        SnapshotRequest request = request(number, previous, limit);
        return request.keeping(kept().with(request.name())).carrying(local);
    }

    private KeptSnapshots kept() {
        KeptSnapshots kept = KeptSnapshots.NONE;
        for (SnapshotDescriptor each : local) {
            kept = kept.with(each.name());
        }
        return kept;
    }

    private void writeSome(RealVm vm) {
        for (int i = 0; i < 12; i++) {
            String disk = random.nextBoolean() ? "d1" : "d2";
            int blocks = RealVm.DISK_BYTES / 4096;
            int at = random.nextInt(blocks - 40);
            vm.write(disk, at * 4096L, (1 + random.nextInt(40)) * 4096, 1 + random.nextInt(200));
        }
    }

    /// Zeros take no room when they are copied.
    private static void fill(RealVm vm) {
        vm.write("d1", 0, RealVm.DISK_BYTES, 11);
        vm.write("d2", 0, RealVm.DISK_BYTES, 12);
    }

    private Map<String, byte[]> contents(RealVm vm) {
        return Map.of("d1", vm.content("d1").clone(), "d2", vm.content("d2").clone());
    }

    private byte[] content(SnapshotName snapshot, String disk) {
        return Optional.ofNullable(instants.get(snapshot))
                .flatMap(disks -> Optional.ofNullable(disks.get(disk)))
                .orElseThrow();
    }

    private HeldSnapshot takeNow(RealVm vm, QemuVm backup, SnapshotRequest request) {
        HeldSnapshot snapshot = take(backup, request);
        instants.put(request.name(), contents(vm));
        return snapshot;
    }

    private void keep(HeldSnapshot snapshot) {
        local.addFirst(SnapshotDescriptor.of(snapshot.descriptor().json()));
        snapshot.keepChanges();
        assertThat(snapshot.keepLocal()).isTrue();
        snapshot.close();
    }

    /// A whole backup whose snapshot stays.
    private void backUpAndKeep(RealVm vm, int number, Map<String, String> previous) {
        try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            HeldSnapshot snapshot = takeNow(vm, backup, next(number, previous));
            writeSome(vm);
            for (String disk : List.of("d1", "d2")) {
                assertThat(readData(snapshot, disk))
                        .isEqualTo(content(snapshot.descriptor().name(), disk));
            }
            snapshot.proveValid();
            keep(snapshot);
        }
        assertThat(vm.status()).isEqualTo("running");
    }

    private static byte[] readExported(Exported exported, String name) {
        SnapshotDescriptor.Disk disk =
                exported.disks().stream()
                        .filter(each -> each.name().equals(name))
                        .findFirst()
                        .orElseThrow();
        byte[] bytes = new byte[(int) disk.size()];
        try (BlockSource source =
                NbdSource.open(
                        UnixDomainSocketAddress.of(exported.socket()),
                        disk.export().orElseThrow(),
                        NbdClient.DEFAULT_CONNECTIONS,
                        Threads.ofProcess())) {
            source.read(0, bytes, 0, bytes.length);
        }
        return bytes;
    }

    /// Nothing is served, and nothing else is there.
    private void requireAll(RealVm vm) {
        requireReadable(vm);
        assertThat(vm.traces()).noneMatch(trace -> trace.startsWith("export"));
        assertThat(vm.traces()).noneMatch(trace -> trace.endsWith(".nbd"));
    }

    /// Each that should stand does, and has the bytes of its instant, also while the guest writes.
    private void requireReadable(RealVm vm) {
        Map<SnapshotName, Exported> exports = new HashMap<>();
        try (QemuVm opened = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            LocalSnapshots snapshots = opened.local(local, KeptSnapshots.NONE);
            assertThat(snapshots.standing()).containsExactlyElementsOf(names());
            for (SnapshotName each : names()) {
                exports.put(each, snapshots.export(each));
            }
        }
        requireBytes(exports);
        writeSome(vm);
        requireBytes(exports);
        try (QemuVm opened = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            LocalSnapshots snapshots = opened.local(local, KeptSnapshots.NONE);
            assertThat(snapshots.standing()).containsExactlyElementsOf(names());
            names().forEach(snapshots::endExport);
        }
    }

    private List<SnapshotName> names() {
        return local.stream().map(SnapshotDescriptor::name).toList();
    }

    private void requireBytes(Map<SnapshotName, Exported> exports) {
        exports.forEach((name, exported) -> {
            for (String disk : List.of("d1", "d2")) {
                assertThat(readExported(exported, disk))
                        .as("%s of %s", disk, name)
                        .isEqualTo(content(name, disk));
            }
        });
    }

    private Set<SnapshotName> standing(RealVm vm) {
        try (QemuVm opened = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            return opened.local(local, KeptSnapshots.NONE).standing();
        }
    }

    private void sweep(RealVm vm) {
        try (QemuVm opened = QemuVm.open(vm.socket(), Threads.ofProcess())) {
            opened.sweep(folder.resolve("scratch"), kept());
        }
    }

    @Test
    void eachKeepsItsBytesWhileNewerOnesComeAndOlderOnesGo() {
        try (RealVm vm = RealVm.start(folder)) {
            writeSome(vm);
            backUpAndKeep(vm, 1, Map.of());
            writeSome(vm);
            backUpAndKeep(vm, 2, all(1));
            writeSome(vm);
            backUpAndKeep(vm, 3, all(2));
            writeSome(vm);
            requireAll(vm);
            // The record for the next backup is the newest point's alone.
            assertThat(vm.bitmaps("d1")).containsExactly(bitmap(3, "d1"));
            // The oldest goes.
            SnapshotDescriptor oldest = local.removeLast();
            sweep(vm);
            assertThat(vm.traces())
                    .noneMatch(trace -> trace.contains(JobNames.of(oldest.name()).job()));
            requireAll(vm);
            writeSome(vm);
            backUpAndKeep(vm, 4, all(3));
            requireAll(vm);
            // All go, and nothing of them is left.
            local.clear();
            sweep(vm);
            assertThat(vm.traces()).isEmpty();
            assertThat(vm.status()).isEqualTo("running");
            vm.write("d1", 3 * CHUNK, CHUNK, 77);
            backUp(vm, 5, all(4), true);
            assertThat(vm.traces()).isEmpty();
        }
    }

    @Test
    void incrementalsStayExactOnTopOfLocalSnapshots() {
        try (RealVm vm = RealVm.start(folder)) {
            backUpAndKeep(vm, 1, Map.of());
            vm.write("d1", 6 * CHUNK, CHUNK, 9);
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
                HeldSnapshot snapshot = takeNow(vm, backup, next(2, all(1)));
                assertThat(disk(snapshot, "d1").size()).isEqualTo(RealVm.DISK_BYTES);
                assertThat(changes(snapshot, "d1"))
                        .anyMatch(extent ->
                                extent.offset() <= 6 * CHUNK
                                        && extent.offset() + extent.length() >= 7 * CHUNK);
                assertThat(backup.configuration().path("disks").path(0).path("node").asString())
                        .isEqualTo("d1");
                assertThat(backup.configuration().path("disks").path(0).path("format").asString())
                        .isEqualTo("qcow2");
                snapshot.proveValid();
                keep(snapshot);
            }
            vm.write("d2", 2 * CHUNK, CHUNK, 5);
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess());
                    HeldSnapshot snapshot = takeNow(vm, backup, next(3, all(2)))) {
                assertThat(changes(snapshot, "d1")).isEmpty();
                assertThat(changes(snapshot, "d2")).containsExactly(new Extent(2 * CHUNK, CHUNK));
                snapshot.keepChanges();
            }
            requireAll(vm);
        }
    }

    /// A job that makes no point leaves its images under the local snapshots, and nothing else.
    @Test
    void jobsThatFailDoNotEndThem() {
        try (RealVm vm = RealVm.start(folder)) {
            writeSome(vm);
            backUpAndKeep(vm, 1, Map.of());
            writeSome(vm);
            for (int number = 2; number < 5; number++) {
                try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess());
                        HeldSnapshot snapshot = takeNow(vm, backup, next(number, all(1)))) {
                    writeSome(vm);
                    if (number == 3) {
                        snapshot.disks();
                        assertThat(snapshot.older(local).standing())
                                .containsExactlyElementsOf(names());
                    }
                }
                writeSome(vm);
                requireAll(vm);
            }
            // One that is prepared and never taken.
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess());
                    PreparedSnapshot prepared = backup.prepare(next(5, all(1)))) {
                writeSome(vm);
            }
            requireAll(vm);
            backUpAndKeep(vm, 6, all(1));
            requireAll(vm);
            assertThat(vm.bitmaps("d1")).containsExactly(bitmap(6, "d1"));
            local.clear();
            sweep(vm);
            assertThat(vm.traces()).isEmpty();
        }
    }

    @Test
    void onesThatAJobHoldsAreReadThroughIt() {
        try (RealVm vm = RealVm.start(folder)) {
            backUpAndKeep(vm, 1, Map.of());
            writeSome(vm);
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess());
                    HeldSnapshot snapshot = takeNow(vm, backup, next(2, all(1)))) {
                LocalSnapshots snapshots = snapshot.older(local);
                SnapshotName name = names().getFirst();
                Exported exported = snapshots.export(name);
                writeSome(vm);
                requireBytes(Map.of(name, exported));
                assertThat(readData(snapshot, "d1"))
                        .isEqualTo(content(snapshot.descriptor().name(), "d1"));
                snapshot.proveValid();
                assertThat(snapshots.standing()).containsExactly(name);
                keep(snapshot);
            }
            requireAll(vm);
        }
    }

    @Test
    void theyEndTogetherWhenTheNewestHasNoRoom() {
        try (RealVm vm = RealVm.start(folder)) {
            fill(vm);
            backUpAndKeep(vm, 1, Map.of());
            writeSome(vm);
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
                HeldSnapshot snapshot = takeNow(vm, backup, next(2, all(1), new ByteSize(2 << 20)));
                keep(snapshot);
            }
            assertThat(standing(vm)).containsExactlyElementsOf(names());
            for (int i = 0; i < 15; i++) {
                vm.write("d1", (long) i << 20, 1 << 20, 40 + i);
                vm.write("d2", (long) i << 20, 1 << 20, 60 + i);
            }
            assertThat(vm.status()).isEqualTo("running");
            assertThat(standing(vm)).isEmpty();
            // The next job does not carry them on, and has a whole snapshot.
            backUpAndKeep(vm, 3, all(2));
            assertThat(standing(vm)).containsExactly(names().getFirst());
            while (local.size() > 1) {
                local.removeLast();
            }
            requireAll(vm);
            local.clear();
            sweep(vm);
            assertThat(vm.traces()).isEmpty();
        }
    }

    @Test
    void theyEndWhenTheNewestOneThatAJobHoldsBreaks() throws InterruptedException {
        try (RealVm vm = RealVm.start(folder)) {
            fill(vm);
            backUpAndKeep(vm, 1, Map.of());
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess());
                    HeldSnapshot snapshot =
                            takeNow(vm, backup, next(2, all(1), new ByteSize(2 << 20)))) {
                snapshot.disks();
                for (int i = 0; i < 15; i++) {
                    vm.write("d1", (long) i << 20, 1 << 20, 40 + i);
                }
                long deadline = System.nanoTime() + 20_000_000_000L;
                while (!vm.traces().stream().allMatch(each -> each.startsWith("object"))
                        && System.nanoTime() < deadline) {
                    Thread.sleep(50);
                }
                assertThat(snapshot.older(local).standing()).isEmpty();
            }
            assertThat(vm.traces()).isEmpty();
            assertThat(vm.status()).isEqualTo("running");
        }
    }

    @Test
    void aFilterThatWasTakenOffAndPutBackEndsThem() {
        try (RealVm vm = RealVm.start(folder)) {
            backUpAndKeep(vm, 1, Map.of());
            String filter = JobNames.of(names().getFirst()).name(JobNames.Role.FILTER, 0);
            vm.control().execute("stop");
            vm.control().execute("qom-set", Sweep.drive("/machine/peripheral/dev-d1", "d1"));
            vm.control().execute("cont");
            vm.write("d1", 8 * CHUNK, 4 * CHUNK, 3);
            vm.control().execute("stop");
            vm.control().execute("qom-set", Sweep.drive("/machine/peripheral/dev-d1", filter));
            vm.control().execute("cont");
            assertThat(standing(vm)).isEmpty();
            backUpAndKeep(vm, 2, all(1));
            assertThat(standing(vm)).containsExactly(names().getFirst());
        }
    }

    /// The process that takes the next one ends before it has settled anything.
    @Test
    void aKillBetweenTheInstantAndTheRestLosesNone() {
        try (RealVm vm = RealVm.start(folder)) {
            backUpAndKeep(vm, 1, Map.of());
            writeSome(vm);
            String stored;
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
                HeldSnapshot snapshot = takeNow(vm, backup, next(2, all(1)));
                stored = snapshot.descriptor().json().toString();
                snapshot.detach();
            }
            writeSome(vm);
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
                HeldSnapshot snapshot = backup.adopt(SnapshotDescriptor.of(Json.parse(stored)));
                for (String disk : List.of("d1", "d2")) {
                    assertThat(readData(snapshot, disk))
                            .isEqualTo(content(snapshot.descriptor().name(), disk));
                }
                snapshot.proveValid();
                keep(snapshot);
            }
            requireAll(vm);
            // Another that no journal names any more.
            try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess())) {
                takeNow(vm, backup, next(3, all(2))).detach();
            }
            writeSome(vm);
            sweep(vm);
            requireAll(vm);
            backUpAndKeep(vm, 4, all(2));
            requireAll(vm);
        }
    }

    @Test
    void theyEndWithTheirVm() {
        try (RealVm vm = RealVm.start(folder)) {
            backUpAndKeep(vm, 1, Map.of());
            vm.restart();
            assertThat(standing(vm)).isEmpty();
            backUpAndKeep(vm, 2, all(1));
            assertThat(standing(vm)).containsExactly(names().getFirst());
        }
    }

    /// As [KilledSnapshotTest], where local snapshots stand: none of them is lost, whenever the process ends.
    /// `-Dkills=N` tries so many, from `-Dstillpoint.seed`.
    @Test
    void killedJobsLoseNone() throws Exception {
        long seed = Long.getLong("stillpoint.seed", 1);
        Random moments = new Random(seed);
        int kills = Integer.getInteger("kills", 4);
        try (RealVm vm = RealVm.start(folder)) {
            writeSome(vm);
            backUpAndKeep(vm, 1, Map.of());
            int newest = 1;
            for (int number = 2; number < 2 + kills; number++) {
                Moment moment =
                        number % 2 == 0 ? KNOWN.get(number / 2 % KNOWN.size()) : Moment.NEVER;
                int millis = moments.nextInt(600);
                String what =
                        "job "
                                + number
                                + " of seed "
                                + seed
                                + " at "
                                + moment
                                + ", "
                                + millis
                                + " ms";
                if (killed(vm, next(number, all(newest)), moment, millis)) {
                    newest = number;
                }
                requireStanding(vm, what);
                while (local.size() > 4) {
                    local.removeLast();
                }
                sweep(vm);
                instants.keySet().retainAll(names());
                requireStanding(vm, what);
            }
            requireAll(vm);
            local.clear();
            sweep(vm);
            assertThat(vm.traces()).isEmpty();
        }
    }

    /// Whether the job came to its point: then its snapshot is the newest local one.
    private boolean killed(RealVm vm, SnapshotRequest request, Moment moment, int millis)
            throws Exception {
        Path journal = folder.resolve("journal");
        Files.deleteIfExists(journal);
        HolderToKill.order(folder, request, false);
        instants.put(request.name(), contents(vm));
        try (ChildJvm job =
                new ChildJvm(
                        HolderToKill.class,
                        vm.socket().toString(),
                        folder.toString(),
                        moment.name())) {
            if (moment == Moment.NEVER) {
                job.await("ready");
                Thread.sleep(millis);
            } else {
                job.await(moment.name());
            }
        }
        assertThat(vm.status()).isEqualTo("running");
        writeSome(vm);
        JsonNode last =
                Files.exists(journal) ? Json.parse(Files.readAllBytes(journal)) : Json.object();
        String step = last.path("step").asString("");
        if (step.equals("held")) {
            try (QemuVm next = QemuVm.open(vm.socket(), Threads.ofProcess())) {
                HeldSnapshot snapshot = next.adopt(SnapshotDescriptor.of(last.path("descriptor")));
                for (String disk : List.of("d1", "d2")) {
                    assertThat(readData(snapshot, disk)).isEqualTo(content(request.name(), disk));
                }
                snapshot.proveValid();
                recordings.put(request.generation(), snapshot.recording().toString());
                keep(snapshot);
            }
            return true;
        }
        if (step.equals("committed") || step.equals("released")) {
            SnapshotDescriptor descriptor = SnapshotDescriptor.of(last.path("descriptor"));
            local.addFirst(descriptor);
            recordings.put(request.generation(), descriptor.state().path("recording").toString());
            try (QemuVm next = QemuVm.open(vm.socket(), Threads.ofProcess())) {
                next.local(local, KeptSnapshots.NONE).settle(descriptor.name());
            }
            return true;
        }
        return false;
    }

    private void requireStanding(RealVm vm, String what) {
        try {
            requireReadable(vm);
        } catch (AssertionError e) {
            throw new AssertionError(what, e);
        }
    }

    /// Who controls a VM can give it files and nodes of any name.
    @Test
    void aVmCanNotHaveTheFileOfAnotherOneRemoved() throws IOException {
        try (RealVm vm = RealVm.start(folder);
                ScratchFolder scratch = ScratchFolder.open(folder.resolve("scratch"));
                Monitor monitor = new Monitor(vm.socket(), Threads.ofProcess())) {
            String name = "sp-0123456789abcdef-" + LINEAGE + "-00000001-0.qcow2";
            try (OwnedDescriptor file = scratch.newFile(name)) {
                monitor.execute(
                        "add-fd",
                        Json.object().put("opaque", scratch.shown(name).toString()),
                        file);
            }
            SnapshotPlace place = SnapshotPlace.of(monitor, VmPaths.of(vm.socket(), scratch));
            JobNames job = new JobNames(LINEAGE, "00000001");
            place.sweep(new SweepScope.Among(Set.of(job))).run();
            place.sweep(new SweepScope.Only(job)).run();
            assertThat(folder.resolve("scratch").resolve(name)).exists();
        }
    }
}
