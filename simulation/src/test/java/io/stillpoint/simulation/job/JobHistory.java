package io.stillpoint.simulation.job;

import io.stillpoint.engine.BackupJob;
import io.stillpoint.engine.BackupOutcome;
import io.stillpoint.engine.BackupPolicy;
import io.stillpoint.engine.BackupRecord;
import io.stillpoint.engine.BackupSettings;
import io.stillpoint.engine.GuestAccess;
import io.stillpoint.engine.JobEvents;
import io.stillpoint.engine.JobJournal;
import io.stillpoint.engine.JobRecord;
import io.stillpoint.engine.JobTools;
import io.stillpoint.engine.JobVm;
import io.stillpoint.engine.MemoryJournal;
import io.stillpoint.engine.RestLimits;
import io.stillpoint.engine.ScratchSettings;
import io.stillpoint.guest.extension.ExtensionKeeper;
import io.stillpoint.guest.extension.Prerequisites;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.MemoryBudget;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Processors;
import io.stillpoint.platform.Threads;
import io.stillpoint.testkit.MemoryDisk;
import io.stillpoint.testkit.disk.FaultyDisk;
import io.stillpoint.testkit.disk.FaultyDisk.Traits;
import io.stillpoint.testkit.fake.FakeGuest;
import io.stillpoint.testkit.fake.FakeHypervisor;
import io.stillpoint.testkit.fake.FakeVm;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.session.VaultSettings;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.verify.Verification;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// One history of the jobs on one VM, made from a seed. Whatever happens:
///
/// - every point that a job told of, or wrote into its journal, is there and stays;
/// - every point that is there restores, disk by disk, to the bytes of its instant;
/// - the points form a line: each names the one before;
/// - a job makes one point at most, however often it is resumed, and from the record `held` on the guest is not disturbed
///   again by it;
/// - no guest is frozen for longer than the policy allows, and none once a job has come to its end;
/// - what a job leaves in the hypervisor, its journal names or the next job removes;
/// - a job that nothing happens to makes its point.
final class JobHistory {
    private static final int CHUNK = 65_536;
    private static final Path ROOT = Path.of("/srv/vault");
    private static final Duration FREEZE_MAX = Duration.ofSeconds(30);

    /// A watchdog may be late by two seconds.
    private static final Duration FREEZE_SLACK = Duration.ofSeconds(3);

    private static final int TRIES_MAX = 8;

    /// How many calls a job makes when nothing is known yet.
    private static final int CALLS = 120;

    /// Small packs, so that a few chunks fill several.
    private static final VaultSettings SMALL =
            new VaultSettings(2 * CHUNK, true, 7 * CHUNK, 2 * CHUNK, Duration.ofHours(24));

    private final Random random;
    private final Path stateFolder;
    private final List<String> trace = new ArrayList<>();
    private final Set<ObjectId> made = new LinkedHashSet<>();
    private final FakeHypervisor host = new FakeHypervisor();
    private final FakeVm vm;
    private final FakeGuest guest;
    private final boolean hasExtension;
    private final boolean journalsLast;
    private final KeyFile key;
    private FaultyDisk disk;
    private Instant now = Instant.parse("2026-01-01T00:00:00Z");
    private int callsOfAJob = CALLS;
    private int ends;

    /// @param stateFolder where the key is that signs the extension's packages
    JobHistory(long seed, Path stateFolder) {
        random = new Random(seed * 0x9E37_79B9_7F4A_7C15L);
        random.nextInt();
        this.stateFolder = stateFolder;
        byte[] secret = new byte[32];
        random.nextBytes(secret);
        key = new KeyFile(secret);
        Traits traits =
                List.of(Traits.PLAIN, Traits.JOURNALED, Traits.WITHOUT_LINKS)
                        .get(random.nextInt(3));
        disk = new FaultyDisk(traits, () -> now);
        vm =
                host.add(
                        new FakeVm(
                                "web",
                                Map.of("system", 12 * CHUNK, "data", 5 * CHUNK),
                                random.nextLong()));
        guest = new FakeGuest(() -> now);
        vm.boot(guest);
        vm.setWritesPerCall(random.nextInt(3));
        hasExtension = random.nextBoolean();
        journalsLast = random.nextInt(4) != 0;
        note(
                traits
                        + (hasExtension ? ", extension" : "")
                        + (journalsLast ? ", journals last" : ""));
    }

    List<String> trace() {
        return List.copyOf(trace);
    }

    /// How often a process was ended.
    int ends() {
        return ends;
    }

    int points() {
        return made.size();
    }

    /// How many calls the last job made that nothing happened to.
    int callsOfAJob() {
        return callsOfAJob;
    }

    private void note(String what) {
        trace.add(now + " " + what);
    }

    private void require(boolean isTrue, String what) {
        if (!isTrue) {
            throw new AssertionError(what);
        }
    }

    /// So many jobs, to each of which something may happen.
    void run(int jobs) {
        makeVault();
        job(List.of(new Fate.Spared()));
        for (int i = 0; i < jobs; i++) {
            betweenJobs();
            List<Fate> fates = new ArrayList<>();
            while (random.nextInt(3) != 0 && fates.size() < 3) {
                fates.add(Fate.draw(random, callsOfAJob));
            }
            job(fates);
        }
        requireSound();
    }

    /// A full backup, then an incremental one to whose attempts this happens, then another that is spared. Returns whether any
    /// of the fates struck.
    boolean runOnce(List<Fate> fates) {
        makeVault();
        job(List.of(new Fate.Spared()));
        vm.guestWrites(5);
        boolean hasStruck = job(fates);
        vm.guestWrites(5);
        job(List.of(new Fate.Spared()));
        requireSound();
        return hasStruck;
    }

    /// The hypervisor records no changes and says that it does: most of what it calls unchanged is not.
    void runWithALyingHypervisor() {
        makeVault();
        job(List.of(new Fate.Spared()));
        vm.lie(true);
        for (String name : vm.disks()) {
            byte[] content = new byte[vm.content(name).length];
            random.nextBytes(content);
            vm.write(name, 0, content);
        }
        job(List.of(new Fate.Spared()));
        List<RecoveryPoint> points = points(vault -> sorted(vault.points("web")));
        require(
                points.getLast().disks().stream()
                        .allMatch(each -> each.reason().equals("contradicted")),
                "believed: " + points.getLast().disks());
        requireSound();
    }

    private void makeVault() {
        vm.guestWrites(40);
        Vault.init(new LocalStore(disk, ROOT), key, surroundings(Threads.ofProcess())).close();
    }

    /// Of a process of its own: one worker, and memory enough.
    private Vault.Surroundings surroundings(Threads threads) {
        return new Vault.Surroundings(
                this::fill,
                () -> now,
                new ProcessResources(
                        threads,
                        new Processors(1, () -> 0),
                        MemoryBudget.ofHeap(1L << 30),
                        () -> 0),
                SMALL);
    }

    private void fill(byte[] bytes) {
        random.nextBytes(bytes);
    }

    private void betweenJobs() {
        now = now.plusSeconds(60L + random.nextInt(7200));
        vm.guestWrites(random.nextInt(20));
        switch (random.nextInt(12)) {
            case 0 -> befall(Fate.Event.RESTARTED);
            case 1 -> befall(Fate.Event.MIGRATED);
            case 2 -> vm.loseRecords();
            case 3 -> befall(Fate.Event.GUEST_RESET);
            default -> {}
        }
    }

    private void befall(Fate.Event event) {
        note("host: " + event);
        switch (event) {
            case RESTARTED -> {
                vm.kill();
                guest.reboot();
                vm.start();
            }
            case MIGRATED -> {
                vm.migrate();
                vm.endMigration();
            }
            case RESIZED -> vm.resize("data", (3 + random.nextInt(6)) * CHUNK);
            case GUEST_RESET -> guest.reboot();
            case SCRATCH_USED_UP -> vm.useUpScratch();
        }
    }

    /// One job, resumed or begun anew until it has made its point. Returns whether any of the fates struck.
    private boolean job(List<Fate> fates) {
        int before = points(vault -> vault.points("web")).size();
        boolean hasStruck = false;
        SimulatedJournal journal = new SimulatedJournal();
        // A job whose journal is lost may have made its point.
        int jobs = 1;
        boolean wasSuspended = false;
        for (int attempt = 0; attempt < TRIES_MAX; attempt++) {
            Fate fate = attempt < fates.size() ? fates.get(attempt) : new Fate.Spared();
            JobProcess process = process(fate);
            note("attempt " + attempt + ": " + fate);
            boolean hadFailed = journal.last().map(JobHistory::isFailed).orElse(false);
            @Nullable BackupOutcome outcome = attempt(process, journal);
            hasStruck |= process.isOver() || process.hasStruck();
            if (outcome == null || process.isOver()) {
                require(process.isOver(), "a job that returned nothing");
                process.endThreads();
                end(fate);
                wasSuspended = false;
                remember(journal);
                if (!journalsLast || random.nextInt(6) == 0) {
                    journal = abandoned(journal);
                    jobs++;
                }
                continue;
            }
            remember(outcome);
            requireAtRest(process, fate);
            requireSuspended(fate, outcome);
            wasSuspended = requireTakenUp(wasSuspended, fate, outcome);
            if (outcome instanceof BackupOutcome.Made) {
                if (!hasStruck) {
                    callsOfAJob = process.calls();
                }
                requireLine(before, jobs);
                return hasStruck;
            }
            require(
                    process.hasStruck() || mayBegin(outcome, hadFailed),
                    "nothing happened, and there is no point: " + outcome);
            if (outcome instanceof BackupOutcome.FailedAfterCommit) {
                requireLine(before, jobs);
                return hasStruck;
            }
            if (!(outcome instanceof BackupOutcome.Suspended)) {
                journal = new SimulatedJournal();
            } else if (!journalsLast) {
                journal = abandoned(journal);
                jobs++;
            }
            now = now.plusSeconds(1 + random.nextInt(100));
        }
        throw new AssertionError("no point after " + TRIES_MAX + " attempts");
    }

    /// Who is asked to stop stops, or has made its point, or has found before that the snapshot it was to take up is not whole;
    /// and if its journal does not last, it has undone what it had.
    private void requireSuspended(Fate fate, BackupOutcome outcome) {
        if (fate instanceof Fate.Suspends) {
            require(
                    outcome instanceof BackupOutcome.Made
                            || (journalsLast
                                    ? outcome instanceof BackupOutcome.Suspended
                                            || outcome instanceof BackupOutcome.StartAnew
                                    : outcome instanceof BackupOutcome.Failed),
                    "asked to stop: " + outcome);
        }
    }

    /// What was left by a job that was asked to stop is whole. Returns whether this one was.
    private boolean requireTakenUp(boolean wasSuspended, Fate fate, BackupOutcome outcome) {
        require(
                !wasSuspended
                        || !(fate instanceof Fate.Spared)
                        || outcome instanceof BackupOutcome.Made,
                "not taken up: " + outcome);
        return fate instanceof Fate.Suspends && outcome instanceof BackupOutcome.Suspended;
    }

    /// Without anything that happened: a snapshot that broke while nobody watched, or a failure of which the journal tells
    /// again.
    private static boolean mayBegin(BackupOutcome outcome, boolean hadFailed) {
        return outcome instanceof BackupOutcome.StartAnew
                || (hadFailed && outcome instanceof BackupOutcome.Failed);
    }

    private static boolean isFailed(JobRecord record) {
        return record instanceof BackupRecord.Failed;
    }

    private JobProcess process(Fate fate) {
        if (fate instanceof Fate.GuestFails(String command, FakeGuest.Mishap mishap)) {
            guest.once(command, mishap);
        }
        return new JobProcess(
                disk,
                fate,
                () -> now = now.plusMillis(1 + random.nextInt(20)),
                () -> befall(((Fate.Host) fate).event()));
    }

    /// Null if the process did not live to the job's end.
    private @Nullable BackupOutcome attempt(JobProcess process, SimulatedJournal journal) {
        int freezes = guest.freezes();
        boolean wasHeld = journal.last().map(JobHistory::isHeld).orElse(false);
        @Nullable BackupOutcome outcome = null;
        @Nullable Vault vault = null;
        try {
            vault = open(process);
            try (JobVm opened = JobVm.of(host.as(process), vm.id())) {
                BackupJob job = jobOf(vault, opened, process, journal);
                process.suspendBy(job::suspend);
                outcome = job.resume();
            }
        } catch (ProcessEnded e) {
            require(process.isOver(), "an end without an end");
        } finally {
            close(vault, process);
        }
        note(
                "  -> "
                        + words(outcome)
                        + ", journal "
                        + journal.last().map(JobRecord::state).orElse("-"));
        if (wasHeld) {
            require(guest.freezes() == freezes, "the guest was disturbed a second time");
        }
        return outcome;
    }

    private static String words(@Nullable BackupOutcome outcome) {
        return switch (outcome) {
            case null -> "ended";
            case BackupOutcome.Made(RecoveryPoint point) ->
                    "made "
                            + point.id()
                            + point.disks().stream()
                                    .map(each -> " " + each.method() + " " + each.reason())
                                    .collect(Collectors.joining());
            default -> outcome.toString();
        };
    }

    private static boolean isHeld(JobRecord record) {
        return record instanceof BackupRecord.Held
                || record instanceof BackupRecord.Storing
                || record instanceof BackupRecord.Sealed
                || record instanceof BackupRecord.Committed;
    }

    private Vault open(JobProcess process) {
        return Vault.open(new LocalStore(process.disk(), ROOT), key, surroundings(process));
    }

    private static void close(@Nullable Vault vault, JobProcess process) {
        try {
            if (vault != null) {
                vault.close();
            }
        } catch (ProcessEnded e) {
            // It is over.
        } catch (IllegalStateException e) {
            // A session that is open: of one that has ended it stays so.
            if (!process.isOver()) {
                throw e;
            }
        } catch (VaultException e) {
            if (!process.isOver() && !process.hasStruck()) {
                throw e;
            }
        }
    }

    private BackupJob jobOf(
            Vault vault, JobVm opened, JobProcess process, SimulatedJournal journal) {
        Optional<ExtensionKeeper> extensions =
                hasExtension
                        ? Optional.of(
                                ExtensionKeeper.in(
                                        stateFolder,
                                        Prerequisites.Absent.WARN,
                                        this::fill,
                                        () -> now))
                        : Optional.empty();
        JobJournal seen = journalsLast ? journal.as(process) : new MemoryJournal();
        return new BackupJob(
                vault,
                opened,
                new BackupSettings(
                        "web",
                        new BackupPolicy(
                                Consistency.CRASH,
                                new RestLimits(FREEZE_MAX, Duration.ofSeconds(10)),
                                BackupPolicy.Vss.EXTENSION,
                                false,
                                Optional.empty()),
                        Optional.of(new GuestAccess(guest.agent(process), extensions)),
                        new ScratchSettings(Path.of("/scratch"), ByteSize.parse("1G")),
                        "simulation"),
                new JobTools(
                        seen,
                        JobEvents.SILENT,
                        new Cancellation(),
                        () -> now,
                        this::fill,
                        process));
    }

    /// What the host does when a process has ended, and what is left then.
    private void end(Fate fate) {
        ends++;
        vm.processEnded();
        guest.processEnded();
        boolean withPower =
                (fate instanceof Fate.Ends ends && ends.withPower())
                        || (fate instanceof Fate.EndsAtDisk atDisk && atDisk.withPower());
        if (withPower) {
            disk = disk.afterCrash(random.nextLong());
            vm.kill();
            guest.reboot();
            vm.start();
        } else {
            disk = disk.afterKill();
        }
        if (random.nextBoolean()) {
            // Nobody comes: the guest helps itself.
            now = now.plus(FREEZE_MAX).plus(FREEZE_SLACK);
            require(!guest.isFrozen(), "a guest that nobody thaws stays frozen");
        }
        requireNotFrozenTooLong();
    }

    /// The journal is lost, or somebody gave up the job.
    private SimulatedJournal abandoned(SimulatedJournal journal) {
        note("journal given up at " + journal.last().map(JobRecord::state).orElse("-"));
        return new SimulatedJournal();
    }

    private void remember(BackupOutcome outcome) {
        switch (outcome) {
            case BackupOutcome.Made(RecoveryPoint point) -> made.add(point.id());
            case BackupOutcome.FailedAfterCommit(RecoveryPoint point, var _) ->
                    made.add(point.id());
            case BackupOutcome.Failed _, BackupOutcome.StartAnew _, BackupOutcome.Suspended _ -> {}
        }
    }

    private void remember(SimulatedJournal journal) {
        journal.last()
                .ifPresent(record -> {
                    switch (record) {
                        case BackupRecord.Committed committed -> made.add(committed.point());
                        case BackupRecord.Finished finished -> made.add(finished.point());
                        default -> {}
                    }
                });
    }

    /// A job that came to its end has let go of the guest and of the VM.
    private void requireAtRest(JobProcess process, Fate fate) {
        requireNotFrozenTooLong();
        require(!vm.isTaken(), "the VM is still taken");
        if (!process.hasStruck()) {
            require(!guest.isFrozen(), "a guest stays frozen");
            // If it answered nonsense, nobody knows what an ended job left; the next job thaws it.
            require(
                    !guest.isAgentFrozen() || fate instanceof Fate.GuestFails,
                    "an agent stays frozen");
            require(vm.traces().isEmpty(), "left behind: " + vm.traces());
        } else {
            now = now.plus(FREEZE_MAX).plus(FREEZE_SLACK);
            require(!guest.isFrozen(), "a guest that nobody thaws stays frozen");
        }
    }

    private void requireNotFrozenTooLong() {
        require(
                guest.longestFreeze().compareTo(FREEZE_MAX.plus(FREEZE_SLACK)) <= 0,
                "frozen for " + guest.longestFreeze());
    }

    private interface Look<T> {
        T at(Vault vault);
    }

    /// By a process that nothing happens to.
    private <T> T points(Look<T> look) {
        try (Vault vault =
                Vault.open(new LocalStore(disk, ROOT), key, surroundings(Threads.ofProcess()))) {
            return look.at(vault);
        }
    }

    /// A point more than before for the job that told of one, at most one for each that began, and all in a line.
    private void requireLine(int before, int jobs) {
        List<RecoveryPoint> line = points(vault -> sorted(vault.points("web")));
        require(
                line.size() > before && line.size() <= before + jobs,
                line.size() + " points, there were " + before + " before " + jobs + " jobs");
        for (int i = 0; i < line.size(); i++) {
            RecoveryPoint point = line.get(i);
            // One is skipped if a job died when its point was in the catalogue and not yet made.
            require(
                    i == 0 || point.lineage().ordinal() > line.get(i - 1).lineage().ordinal(),
                    "ordinals: " + point.lineage());
            require(
                    point.lineage()
                            .before()
                            .equals(i == 0 ? Optional.empty() : Optional.of(line.get(i - 1).id())),
                    "no line: " + point.lineage());
        }
    }

    private static List<RecoveryPoint> sorted(List<RecoveryPoint> points) {
        return points.stream()
                .sorted(Comparator.comparingLong(point -> point.lineage().ordinal()))
                .toList();
    }

    private void requireSound() {
        points(vault -> {
            Verification verification = vault.verify(new Cancellation(), _ -> {});
            require(verification.problems().isEmpty(), "problems: " + verification.problems());
            List<RecoveryPoint> found = vault.points("web");
            Set<ObjectId> missing = new LinkedHashSet<>(made);
            for (RecoveryPoint point : found) {
                missing.remove(point.id());
                point.disks().forEach(each -> requireRestores(vault, each));
            }
            require(missing.isEmpty(), "points that are gone: " + missing);
            return found;
        });
    }

    private void requireRestores(Vault vault, PointDisk each) {
        byte[] expected =
                each.generation()
                        .flatMap(vm::contentAt)
                        .orElseThrow(() -> new AssertionError("no instant: " + each));
        MemoryDisk target = new MemoryDisk(new byte[Math.toIntExact(each.image().size())]);
        vault.restore(each.image(), target, new Cancellation(), _ -> {});
        require(
                Arrays.equals(target.content(), expected),
                each.name() + " is not as it was at its instant (" + each.method() + ")");
    }
}
