package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.engine.BackupJob;
import io.stillpoint.engine.BackupOutcome;
import io.stillpoint.engine.BackupPolicy;
import io.stillpoint.engine.BackupSettings;
import io.stillpoint.engine.GuestAccess;
import io.stillpoint.engine.JobEvents;
import io.stillpoint.engine.JobTools;
import io.stillpoint.engine.JobVm;
import io.stillpoint.engine.RestLimits;
import io.stillpoint.engine.ScratchSettings;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import io.stillpoint.testkit.MemoryDisk;
import io.stillpoint.testkit.fake.FakeGuest;
import io.stillpoint.testkit.fake.FakeHypervisor;
import io.stillpoint.testkit.fake.FakeVm;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.PointDisk.Method;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.verify.Verification;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A job whose process ends at any call, before or after any record of its journal, is gone on with by the next process:
/// with the same snapshot once that is in the journal. The hypervisor and the guest are fakes; the vault is real.
final class KilledJobTest {
    private static final String NAME = "vm";

    /// How many calls, besides all those of the journal, a process ends at; any number with -Dkills.
    private static final int KILLS = Integer.getInteger("kills", 10);

    private static final long SEED = VaultScript.seed(1);

    @TempDir private Path folder;

    /// One VM and one vault.
    private static final class World {
        private final FakeHypervisor host = new FakeHypervisor();
        private final FakeGuest guest = new FakeGuest(InstantSource.system());
        private final FakeVm vm =
                host.add(new FakeVm("web", Map.of("data", 3 << 20, "root", 2 << 20), SEED));
        private final Path folder;
        private final KeyFile key;

        World(Path folder) throws IOException {
            this.folder = Files.createDirectories(folder);
            key = KeyFile.create(folder.resolve("key"), Randomness.secure());
            vm.boot(guest);
            Random random = new Random(SEED);
            for (String disk : vm.disks()) {
                byte[] content = new byte[1 << 20];
                random.nextBytes(content);
                vm.write(disk, 0, content);
                vm.write(disk, 1 << 20, content);
            }
            Vault.init(store(), key, surroundings()).close();
            // The job that is disturbed is not the VM's first.
            assertThat(inProcess(MortalProcess.immortal(), new KeptJournal()))
                    .isInstanceOf(BackupOutcome.Made.class);
            vm.write("data", 700_000, new byte[] {1, 2, 3});
            vm.setWritesPerCall(2);
        }

        private static Vault.Surroundings surroundings() {
            return new Vault.Surroundings(
                    Randomness.secure(), InstantSource.system(), ProcessResources.ofThisProcess());
        }

        private LocalStore store() {
            return new LocalStore(folder.resolve("vault"));
        }

        private Vault open() {
            return Vault.open(store(), key, surroundings());
        }

        /// What a process does from its start to its end.
        BackupOutcome inProcess(MortalProcess process, KeptJournal journal) {
            try (Vault vault = Vault.open(new MortalStore(store(), process), key, surroundings());
                    JobVm machine = JobVm.of(host.as(process), vm.id())) {
                return new BackupJob(
                                vault,
                                machine,
                                new BackupSettings(
                                        NAME,
                                        new BackupPolicy(
                                                Consistency.FILE_SYSTEM,
                                                new RestLimits(
                                                        Duration.ofMinutes(1),
                                                        Duration.ofMinutes(1)),
                                                BackupPolicy.Vss.EXTENSION,
                                                false,
                                                Optional.empty()),
                                        Optional.of(
                                                new GuestAccess(
                                                        guest.agent(process), Optional.empty())),
                                        new ScratchSettings(
                                                folder.resolve("scratch"), ByteSize.parse("64M")),
                                        "test"),
                                new JobTools(
                                        journal.in(process),
                                        JobEvents.SILENT,
                                        new Cancellation(),
                                        InstantSource.system(),
                                        Randomness.secure(),
                                        Threads.ofProcess()))
                        .resume();
            } finally {
                vm.processEnded();
                guest.processEnded();
            }
        }

        /// As above; empty if the process ended before it was done.
        Optional<BackupOutcome> inMortal(MortalProcess process, KeptJournal journal) {
            try {
                BackupOutcome outcome = inProcess(process, journal);
                return process.hasEnded() ? Optional.empty() : Optional.of(outcome);
            } catch (MortalProcess.Ended e) {
                return Optional.empty();
            }
        }

        long freezes() {
            return guest.received().stream().filter("guest-fsfreeze-freeze"::equals).count();
        }

        Verification verify() {
            try (Vault vault = open()) {
                return vault.verify(new Cancellation(), _ -> {});
            }
        }

        /// The disks of a point are what they were at its instant.
        void requireContent(RecoveryPoint point) {
            try (Vault vault = open()) {
                for (PointDisk disk : point.disks()) {
                    byte[] content = new byte[Math.toIntExact(disk.image().size())];
                    vault.restore(
                            disk.image(), new MemoryDisk(content), new Cancellation(), _ -> {});
                    assertThat(content)
                            .isEqualTo(vm.contentAt(disk.generation().orElseThrow()).orElseThrow());
                }
            }
        }

        List<ObjectName> sessions() {
            List<ObjectName> sessions = new ArrayList<>();
            try (LocalStore store = store()) {
                store.list(Area.SESSIONS, listed -> sessions.add(listed.name()));
            }
            return sessions;
        }
    }

    @Test
    void theNextProcessGoesOnWhereverOneEnded() throws IOException {
        World undisturbed = new World(folder.resolve("undisturbed"));
        MortalProcess whole = MortalProcess.immortal();
        KeptJournal journal = new KeptJournal();
        undisturbed.inProcess(whole, journal).orThrow();
        assertThat(journal.states())
                .containsExactly(
                        "begun", "preparing", "held", "storing", "sealed", "committed", "finished");
        long items = undisturbed.verify().items();
        TreeSet<Integer> ends = new TreeSet<>();
        for (int i = 0; i < whole.names().size(); i++) {
            if (whole.names().get(i).matches("(before|after) .*")) {
                ends.add(i);
            }
        }
        for (int i = 0; i < KILLS; i++) {
            ends.add(whole.calls() * i / KILLS);
        }
        for (int end : ends) {
            goOn(end, items);
        }
    }

    private void goOn(int end, long items) throws IOException {
        World world = new World(folder.resolve("end-" + end));
        long before = world.freezes();
        KeptJournal journal = new KeptJournal();
        MortalProcess first = new MortalProcess(end);
        Optional<BackupOutcome> ended = world.inMortal(first, journal);
        String left = journal.states().isEmpty() ? "nothing" : journal.states().getLast();
        String what =
                "seed %d, ended at call %d (%s), journal: %s"
                        .formatted(SEED, end, first.end(), journal.states());
        // Another end, somewhere on the way.
        MortalProcess second = new MortalProcess(new Random(SEED + end).nextInt(200));
        if (ended.isEmpty()) {
            ended = world.inMortal(second, journal);
        }
        String two = what + ", then at " + second.end();
        BackupOutcome outcome =
                ended.isPresent()
                        ? ended.get()
                        : world.inProcess(MortalProcess.immortal(), journal);
        assertThat(outcome).as(two).isInstanceOf(BackupOutcome.Made.class);
        RecoveryPoint point = outcome.orThrow();
        world.requireContent(point);
        assertThat(point.consistency()).as(two).isEqualTo(Consistency.FILE_SYSTEM);
        assertThat(point.configuration().path("quiescing").path("way").asString(""))
                .as(two)
                .isEqualTo("agent");
        assertThat(point.disks()).extracting(PointDisk::method).containsOnly(Method.INCREMENTAL);
        boolean wasHeld = !List.of("nothing", "begun", "preparing").contains(left);
        if (wasHeld) {
            assertThat(world.freezes() - before).as(two).isEqualTo(1);
        }
        Verification verification = world.verify();
        assertThat(verification.isSound()).as(two + ": " + verification.problems()).isTrue();
        if (wasHeld) {
            assertThat(verification.items()).as("stored twice; " + two).isEqualTo(items);
        }
        assertThat(world.vm.traces()).as(two).isEmpty();
        assertThat(world.guest.isAgentFrozen()).as(two).isFalse();
        // A session whose process died may leave its record, which ends with its patience.
        assertThat(world.sessions()).as(two).hasSizeLessThanOrEqualTo(2);
        try (Vault vault = world.open()) {
            assertThat(vault.points()).as(two).hasSize(2);
        }
        // And its changes are recorded.
        RecoveryPoint next = world.inProcess(MortalProcess.immortal(), new KeptJournal()).orThrow();
        assertThat(next.disks()).extracting(PointDisk::method).containsOnly(Method.INCREMENTAL);
        world.requireContent(next);
    }

    /// Ends a job at the first call of this name, and returns its journal.
    private static KeptJournal endedAt(World world, String call) {
        KeptJournal journal = new KeptJournal();
        MortalProcess process = MortalProcess.at(call);
        assertThat(world.inMortal(process, journal)).isEmpty();
        return journal;
    }

    @Test
    void aSnapshotThatIsGoneMeansToStartAnewAndNothingIsLeft() throws IOException {
        World world = new World(folder);
        KeptJournal journal = endedAt(world, "after storing");
        world.vm.migrate();
        world.vm.endMigration();
        BackupOutcome outcome = world.inProcess(MortalProcess.immortal(), journal);
        assertThat(outcome).isInstanceOf(BackupOutcome.StartAnew.class);
        assertThat(journal.states().getLast()).isEqualTo("failed");
        assertThat(world.vm.traces()).isEmpty();
        assertThat(world.sessions()).isEmpty();
        assertThat(world.inProcess(MortalProcess.immortal(), journal))
                .isInstanceOf(BackupOutcome.Failed.class);
        RecoveryPoint point =
                world.inProcess(MortalProcess.immortal(), new KeptJournal()).orThrow();
        world.requireContent(point);
    }

    @Test
    void aVmThatDoesNotAnswerDecidesNothing() throws IOException {
        World world = new World(folder);
        KeptJournal journal = endedAt(world, "after storing");
        world.host.remove(world.vm.id());
        assertThat(world.inProcess(MortalProcess.immortal(), journal))
                .isInstanceOf(BackupOutcome.Suspended.class);
        assertThat(journal.states().getLast()).isEqualTo("storing");
        world.host.add(world.vm);
        long freezes = world.freezes();
        RecoveryPoint point = world.inProcess(MortalProcess.immortal(), journal).orThrow();
        world.requireContent(point);
        assertThat(world.freezes()).isEqualTo(freezes);
    }

    @Test
    void aSealedPointIsMadeThoughItsVmIsGone() throws IOException {
        World world = new World(folder);
        KeptJournal journal = endedAt(world, "after sealed");
        world.host.remove(world.vm.id());
        BackupOutcome outcome = world.inProcess(MortalProcess.immortal(), journal);
        assertThat(outcome)
                .isInstanceOfSatisfying(
                        BackupOutcome.FailedAfterCommit.class,
                        failed -> assertThat(failed.codes()).containsExactly("vm.unknown"));
        world.requireContent(outcome.orThrow());
        // Told again, and not made again.
        assertThat(world.inProcess(MortalProcess.immortal(), journal)).isEqualTo(outcome);
        try (Vault vault = world.open()) {
            assertThat(vault.points()).hasSize(2);
        }
    }

    /// Others may need it while the disks are read.
    @Test
    void theAgentIsLetGoOfBeforeTheFirstDiskIsRead() throws IOException {
        World world = new World(folder);
        MortalProcess process = MortalProcess.immortal();
        world.inProcess(process, new KeptJournal()).orThrow();
        assertThat(process.names().lastIndexOf("agent-close"))
                .isGreaterThan(process.names().lastIndexOf("agent-write"))
                .isLessThan(process.names().indexOf("before held"));
    }
}
