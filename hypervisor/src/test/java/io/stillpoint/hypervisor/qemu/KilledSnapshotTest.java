package io.stillpoint.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.stillpoint.hypervisor.ChildJvm;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.KeptSnapshots;
import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.SnapshotName;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.hypervisor.qemu.HolderToKill.Moment;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.block.Extent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// A process that holds a snapshot is killed at each of its steps, and at random ones; the next goes on as its journal
/// says. `-Dkills=N` tries so many, from `-Dstillpoint.seed`.
@Tag("qemu")
class KilledSnapshotTest extends Backups {
    /// About how long a job takes from its `ready` on.
    private static final int JOB_MILLIS = 400;

    private static final int RANDOM_KILLS = 2;

    /// The newest that counts as a recovery point; 0 if there is none.
    private int committed;

    private int number;

    /// The chunks of `d1` that were written since its instant.
    private final TreeSet<Integer> written = new TreeSet<>();

    @Test
    void nextProcessGoesOnWhereverTheLastWasKilled() throws Exception {
        long seed = Long.getLong("stillpoint.seed", 1);
        Random random = new Random(seed);
        List<Moment> moments =
                Stream.of(Moment.values()).filter(each -> each != Moment.NEVER).toList();
        int kills = Integer.getInteger("kills", moments.size() + RANDOM_KILLS);
        try (RealVm vm = RealVm.start(folder)) {
            for (int i = 0; i < kills; i++) {
                Moment moment = i < moments.size() ? moments.get(i) : Moment.NEVER;
                int millis = random.nextInt(JOB_MILLIS);
                try {
                    killAndGoOn(vm, moment, millis);
                } catch (AssertionError | HypervisorException e) {
                    fail(
                            "kill "
                                    + i
                                    + " of seed "
                                    + seed
                                    + " at "
                                    + moment
                                    + ", "
                                    + millis
                                    + " ms",
                            e);
                }
            }
        }
    }

    private void killAndGoOn(RealVm vm, Moment moment, int millis) throws Exception {
        write(vm, number % 100);
        SnapshotRequest request = request(++number, committed == 0 ? Map.of() : all(committed));
        Files.deleteIfExists(journal());
        HolderToKill.order(folder, request, false);
        byte[] first = vm.content("d1").clone();
        byte[] second = vm.content("d2").clone();
        try (ChildJvm job =
                new ChildJvm(
                        HolderToKill.class,
                        vm.socket().toString(),
                        folder.toString(),
                        moment.name())) {
            if (moment == Moment.NEVER) {
                Thread.sleep(millis);
            } else {
                job.await(moment.name());
            }
        }
        JsonNode last =
                Files.exists(journal())
                        ? Json.parse(Files.readAllBytes(journal()))
                        : Json.object().put("step", "none");
        TreeSet<Integer> before = new TreeSet<>(written);
        write(vm, 100 + number % 100);
        sweepOthers(vm, request.name());
        switch (last.path("step").asString()) {
            // What has no descriptor is nobody's any more.
            case "none", "begun" -> sweep(vm, KeptSnapshots.NONE);
            case "held" -> {
                try (QemuVm next = QemuVm.open(vm.socket(), Threads.ofProcess());
                        HeldSnapshot snapshot = next.adopt(descriptor(last))) {
                    assertThat(read(snapshot, "d1")).isEqualTo(first);
                    assertThat(read(snapshot, "d2")).isEqualTo(second);
                    if (committed > 0) {
                        assertThat(changes(snapshot, "d1")).isEqualTo(extents(before));
                    }
                    snapshot.proveValid();
                    snapshot.keepChanges();
                    commit(last, before);
                }
            }
            // There is a point: what is left is to be released, and some of it may be gone.
            case "committed" -> {
                commit(last, before);
                try (QemuVm next = QemuVm.open(vm.socket(), Threads.ofProcess())) {
                    HeldSnapshot snapshot = next.adopt(descriptor(last));
                    snapshot.keepChanges();
                    snapshot.close();
                } catch (HypervisorException e) {
                    assertThat(e.kind()).isEqualTo(Kind.SNAPSHOT_BROKEN);
                }
            }
            case "released" -> commit(last, before);
            default -> fail(last.toString());
        }
        assertThat(vm.traces()).isEmpty();
        assertThat(vm.status()).isEqualTo("running");
    }

    private void commit(JsonNode last, SortedSet<Integer> before) {
        recordings.put(
                job(number), last.path("descriptor").path("state").path("recording").toString());
        committed = number;
        written.removeAll(before);
    }

    private static SnapshotDescriptor descriptor(JsonNode last) {
        return SnapshotDescriptor.of(last.path("descriptor"));
    }

    private Path journal() {
        return folder.resolve("journal");
    }

    /// Three chunks of `d1`, somewhere, and one of `d2`.
    private void write(RealVm vm, int pattern) {
        for (int i = 1; i <= 3; i++) {
            int chunk = (number * 7 + pattern * 3 + i * 31) % (RealVm.DISK_BYTES / CHUNK - 1);
            vm.write("d1", (long) chunk * CHUNK, CHUNK, pattern);
            written.add(chunk);
        }
        vm.write("d2", (long) (number % 200) * CHUNK, CHUNK, pattern);
    }

    private static List<Extent> extents(SortedSet<Integer> chunks) {
        List<Extent> extents = new ArrayList<>();
        for (int chunk : chunks) {
            long offset = (long) chunk * CHUNK;
            if (!extents.isEmpty() && extents.getLast().end() == offset) {
                Extent last = extents.removeLast();
                extents.add(new Extent(last.offset(), last.length() + CHUNK));
            } else {
                extents.add(new Extent(offset, CHUNK));
            }
        }
        return extents;
    }

    /// A sweep that knows the journal, as of a timer, comes in between.
    private void sweepOthers(RealVm vm, SnapshotName name) {
        List<String> before = vm.traces();
        sweep(vm, KeptSnapshots.of(name));
        assertThat(vm.status()).isEqualTo("running");
        assertThat(before).containsAll(vm.traces());
    }

    private void sweep(RealVm vm, KeptSnapshots kept) {
        QemuSweeper.Result result =
                new QemuSweeper(InstantSource.system(), kept, Threads.ofProcess())
                        .sweep(new KnownMonitors.Known("", vm.socket(), folder.resolve("scratch")));
        assertThat(result.outcome())
                .as(result.detail().toString())
                .isEqualTo(QemuSweeper.Outcome.SWEPT);
    }

    @Test
    void guardianOfAKilledJobSweepsAllButWhatTheJournalNames() throws Exception {
        try (RealVm vm = RealVm.start(folder)) {
            SnapshotRequest request = request(++number, Map.of());
            HolderToKill.order(folder, request, true);
            byte[] expected = vm.content("d1").clone();
            List<String> before;
            try (ChildJvm job =
                    new ChildJvm(
                            HolderToKill.class,
                            vm.socket().toString(),
                            folder.toString(),
                            Moment.NOTED.name())) {
                job.await(Moment.NOTED.name());
                before = new ArrayList<>(vm.traces());
                // The killed job's mark goes with the next job.
                before.removeIf(each -> each.startsWith("object sp-owner"));
                // Something that the guardian has to remove, and a VM that it has to continue.
                vm.control()
                        .execute(
                                "blockdev-add",
                                Json.object()
                                        .put("driver", "null-co")
                                        .put("node-name", "sp-" + LINEAGE + "-00000009-run-0"));
                vm.control().execute("stop");
            }
            long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
            while (!vm.traces().equals(before) && System.nanoTime() < deadline) {
                Thread.sleep(50);
            }
            assertThat(vm.traces()).isEqualTo(before);
            assertThat(vm.status()).isEqualTo("running");
            vm.write("d1", 0, CHUNK, 1);
            try (QemuVm next = QemuVm.open(vm.socket(), Threads.ofProcess());
                    HeldSnapshot snapshot =
                            next.adopt(descriptor(Json.parse(Files.readAllBytes(journal()))))) {
                assertThat(read(snapshot, "d1")).isEqualTo(expected);
                snapshot.proveValid();
            }
            assertThat(vm.traces()).isEmpty();
        }
    }
}
