package io.stillpoint.engine;

import io.stillpoint.hypervisor.HeldDisk;
import io.stillpoint.hypervisor.MachineNotice;
import io.stillpoint.hypervisor.PreparedSnapshot;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.hypervisor.VmIdentity;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.PointDraft;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.StoredDisk;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Backs up one VM. The body of [#run] is the job; each step takes what the step before returned.
///
/// Whatever fails: the guest is thawed, the snapshot released, and no recovery point is listed that is not whole. A
/// process that is killed leaves a snapshot that the next job on this VM finds and removes, and stored packs that
/// it uses.
public final class BackupJob {
    private static final int GENERATION_BYTES = 8;
    private static final int LINEAGE_DIGITS = 8;

    /// The field of a point's configuration that says what its record of changes rests on.
    private static final String RECORDING = "recording";

    private final Vault vault;
    private final VirtualMachine vm;
    private final BackupSettings settings;
    private final JobReporter reporter;
    private final Cancellation cancellation;
    private final InstantSource clock;
    private final Randomness randomness;
    private final Set<MachineNotice> told = new HashSet<>();

    public BackupJob(
            Vault vault,
            VirtualMachine vm,
            BackupSettings settings,
            JobEvents events,
            Cancellation cancellation,
            InstantSource clock,
            Randomness randomness) {
        this.vault = vault;
        this.vm = vm;
        this.settings = settings;
        this.reporter = new JobReporter(JobId.random(randomness), events);
        this.cancellation = cancellation;
        this.clock = clock;
        this.randomness = randomness;
    }

    /// Runs the job to its end and returns the recovery point, which is durable then. For one run.
    ///
    /// Throws a [StillpointException] if there is no point, and never if there is one: what fails once it is made is a
    /// warning.
    public RecoveryPoint run() {
        vm.requireFit();
        DueBackup due = due();
        VmIdentity identity = identity(due);
        AtomicReference<RecoveryPoint> made = new AtomicReference<>();
        unlessMade(
                made,
                () -> {
                    try (Cancellation.Scope _ = settings.live() ? cancellation.hold() : () -> {};
                            Quiescing guest = prepareGuest();
                            HeldVm held = guest.hold(() -> prepareSnapshot(due))) {
                        unlessMade(made, () -> store(due, identity, held, made));
                        unlessMade(made, held.snapshot()::keepChanges);
                        reporter.step(Step.RELEASE, text("engine.releasing"));
                    }
                });
        return Objects.requireNonNull(made.get());
    }

    /// A step that may fail before the point is made or after: before, the job fails; after, the point stands and the
    /// steps that are left are taken all the same.
    private void unlessMade(AtomicReference<RecoveryPoint> made, Runnable step) {
        try {
            step.run();
        } catch (StillpointException e) {
            RecoveryPoint point = made.get();
            if (point == null) {
                throw e;
            }
            Text text =
                    e instanceof CancelledException
                            ? text("engine.stopped-after-commit", point.id())
                            : text("engine.after-commit", point.id(), e);
            reporter.warning("engine.after-commit", text);
        }
    }

    private DueBackup due() {
        List<RecoveryPoint> points =
                vault.points().stream().filter(each -> each.vm().equals(settings.vm())).toList();
        List<RecoveryPoint> madeHere =
                points.stream().filter(point -> point.line().isEmpty()).toList();
        ClockCheck check = ClockCheck.of(vault.clocks(), madeHere);
        check.findings().forEach(finding -> reporter.warning(finding.text()));
        // Changes are recorded since a point that was made here, never since a copy.
        List<RecoveryPoint> candidates = madeHere.isEmpty() ? points : madeHere;
        return new DueBackup(
                settings.vm(),
                clock.instant(),
                candidates.isEmpty() ? Optional.empty() : Optional.of(candidates.getLast()),
                check,
                settings.lock().map(vault::lockedUntil));
    }

    /// Which machine this is. Throws `engine.other-vm` before anything is disturbed if the earlier points are of
    /// another and the user has not said that this is meant.
    private VmIdentity identity(DueBackup due) {
        VmIdentity now = vm.identity();
        Optional<VmIdentity> before =
                due.previous().flatMap(point -> VmIdentity.in(point.configuration()));
        if (before.isEmpty()) {
            return now;
        }
        if (!settings.sameVm() && !now.isSameAs(before.get())) {
            throw JobException.misuse(
                    "engine.other-vm", due.vm(), before.get().toString(), now.toString());
        }
        return now.completedBy(before.get());
    }

    private Quiescing prepareGuest() {
        return Quiescing.ready(settings, vm, reporter, cancellation, clock, randomness);
    }

    private PreparedSnapshot prepareSnapshot(DueBackup due) {
        reporter.step(Step.PREPARE, text("engine.preparing", due.vm()));
        cancellation.check();
        Map<String, String> generations = new HashMap<>();
        due.previous()
                .ifPresent(point ->
                        point.disks()
                                .forEach(disk ->
                                        disk.generation()
                                                .ifPresent(generation ->
                                                        generations.put(disk.name(), generation))));
        PreparedSnapshot prepared =
                vm.prepare(
                        new SnapshotRequest(
                                vault.id().toString().substring(0, LINEAGE_DIGITS),
                                randomness.hex(GENERATION_BYTES),
                                generations,
                                due.previous()
                                        .<JsonNode>map(RecoveryPoint::configuration)
                                        .orElseGet(Json::object)
                                        .path(RECORDING),
                                settings.scratchFolder(),
                                settings.scratchMax()));
        vm.notices().forEach(this::tell);
        return prepared;
    }

    /// Once, however often the snapshot is tried.
    private void tell(MachineNotice notice) {
        if (!told.add(notice)) {
            return;
        }
        if (notice.isWarning()) {
            reporter.warning(notice.code(), notice.text());
        } else {
            reporter.note(notice.code(), notice.text());
        }
    }

    private void store(
            DueBackup due, VmIdentity identity, HeldVm held, AtomicReference<RecoveryPoint> made) {
        List<HeldDisk> disks = held.snapshot().disks();
        StoreProgress progress = new StoreProgress(reporter, sizes(disks));
        List<BlockSource> sources = new ArrayList<>();
        try (BackupSession session = vault.backup(due.previous(), cancellation, progress)) {
            disks.forEach(disk -> sources.add(disk.open()));
            long size = sources.stream().mapToLong(BlockSource::size).sum();
            reporter.step(
                    Step.STORE,
                    text("engine.storing", Integer.toString(disks.size()), new ByteSize(size)));
            progress.begin();
            List<DiskPlan> plans = new ArrayList<>();
            for (int i = 0; i < disks.size(); i++) {
                plans.add(DiskPlan.make(disks.get(i), sources.get(i), session));
            }
            tell(plans, session.baseIsDamaged());
            List<StoredDisk> stored = session.store(plans.stream().map(DiskPlan::input).toList());
            // Everything read is worthless if the snapshot broke meanwhile, so this comes before
            // the commit.
            held.snapshot().proveValid();
            reporter.step(Step.COMMIT, text("engine.committing"));
            List<PointDisk> records = new ArrayList<>();
            for (int i = 0; i < plans.size(); i++) {
                records.add(plans.get(i).record(stored.get(i)));
            }
            made.set(session.commit(draft(due, identity, held, records)));
            session.unfinished().ifPresent(e -> reporter.warning(e.text()));
        } finally {
            sources.forEach(BlockSource::close);
        }
    }

    private static Map<String, Long> sizes(List<HeldDisk> disks) {
        Map<String, Long> sizes = new LinkedHashMap<>();
        disks.forEach(disk -> sizes.put(disk.name(), disk.size()));
        return sizes;
    }

    private static Text text(String code, Object... arguments) {
        return Text.of(BackupJob.class, code, arguments);
    }

    /// What was believed and turned out wrong.
    private void tell(List<DiskPlan> plans, boolean isBaseLost) {
        if (isBaseLost) {
            reporter.warning(text("engine.base-lost"));
        }
        for (DiskPlan plan : plans) {
            if (plan.reason().equals("contradicted")) {
                reporter.note(text("engine.contradicted", plan.disk().name()));
            }
        }
    }

    private PointDraft draft(
            DueBackup due, VmIdentity identity, HeldVm held, List<PointDisk> disks) {
        ObjectNode configuration = vm.configuration();
        configuration.set("identity", identity.json());
        ObjectNode recording = held.snapshot().recording();
        if (!recording.isEmpty()) {
            configuration.set(RECORDING, recording);
        }
        if (!held.quiescing().isEmpty()) {
            configuration.set("quiescing", held.quiescing());
        }
        if (!due.clock().findings().isEmpty()) {
            configuration.set("clock", due.clock().json());
        }
        return new PointDraft(
                due.vm(),
                configuration,
                due.startedAt(),
                held.at(),
                held.consistency(),
                held.consistencyReason(),
                held.frozenMillis(),
                disks,
                settings.writer(),
                due.lockedUntil(),
                Optional.empty());
    }
}
