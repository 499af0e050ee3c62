package io.stillpoint.engine;

import io.stillpoint.engine.BackupRecord.Begun;
import io.stillpoint.engine.BackupRecord.Committed;
import io.stillpoint.engine.BackupRecord.Held;
import io.stillpoint.engine.BackupRecord.Sealed;
import io.stillpoint.engine.BackupRecord.Storing;
import io.stillpoint.engine.StoreStep.OpenSession;
import io.stillpoint.hypervisor.HeldDisk;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.SnapshotName;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.IntakeProgress;
import io.stillpoint.vault.session.SessionRecord;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.VaultException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/// Backs up one VM. The steps stand in `docs/job.md`; each takes what the step before made, and leaves a record in the
/// journal from which [#resume] goes on.
///
/// Whatever fails: the guest is thawed, the snapshot released, and no recovery point is listed that is not whole. A process
/// that is killed leaves what its journal names, if that outlives it; else a snapshot that the next job on this VM finds
/// and removes, and stored packs that it uses.
///
/// For one run. [#suspend] may be called from another thread.
public final class BackupJob {
    private static final IntakeProgress NOTHING_STORED =
            new StoreProgress(JobReporter.SILENT, Map.of());

    private final Vault vault;
    private final JobVm vm;
    private final BackupSettings settings;
    private final JobTools tools;
    private final JobReporter reporter;
    private volatile boolean isSuspended;
    private volatile Optional<Holding> holding = Optional.empty();

    /// The job that the journal is of, or a new one if the journal is empty.
    public BackupJob(Vault vault, JobVm vm, BackupSettings settings, JobTools tools) {
        this.vault = vault;
        this.vm = vm;
        this.settings = settings;
        this.tools = tools;
        JobId job =
                tools.journal()
                        .last()
                        .map(JobRecord::job)
                        .orElseGet(() -> JobId.random(tools.randomness()));
        reporter = new JobReporter(job, tools.events());
    }

    public JobId id() {
        return reporter.job();
    }

    /// Runs the job from its beginning to its end. A point in the outcome is durable. Never throws a [StillpointException].
    public BackupOutcome run() {
        if (tools.journal().last().isPresent()) {
            throw new IllegalStateException("the job has begun; resume it");
        }
        return begin();
    }

    /// Goes on where the journal says that the job was left, in whatever process; begins it if it says nothing. Never
    /// throws a [StillpointException].
    public BackupOutcome resume() {
        Optional<JobRecord> last = tools.journal().last();
        if (last.isEmpty()) {
            return begin();
        }
        return switch (last.get()) {
            case Begun _, BackupRecord.Preparing _ -> begin();
            case Held held -> adopt(held, Optional.empty());
            case Storing storing -> adopt(storing.held(), Optional.of(storing.session()));
            case Sealed sealed -> commitAgain(sealed);
            case Committed committed -> releaseAgain(committed);
            case BackupRecord.Finished finished -> told(finished);
            case BackupRecord.Failed failed ->
                    new BackupOutcome.Failed(JobException.before(failed.code(), failed.text()));
            case RestoreRecord _ -> throw new IllegalArgumentException("a restore's journal");
        };
    }

    /// The snapshot that the job holds now, whose disks may be read by others, too, and which may be asked by other threads
    /// for the local ones before it; empty before there is one. What is read is worth nothing unless
    /// [HeldSnapshot#proveValid] says so afterwards.
    public Optional<Holding> holding() {
        return holding;
    }

    /// A snapshot that a job holds. Once the job has let go of it, using it throws an [IllegalStateException].
    public record Holding(SnapshotName name, HeldSnapshot snapshot) {}

    /// Asks the job to stop soon and to leave what it holds as it is, for [#resume]. If the journal does not outlive the
    /// process, the job is ended instead.
    public void suspend() {
        isSuspended = true;
        tools.cancellation().request();
    }

    private BackupOutcome begin() {
        try {
            DueBackup due = new DueStep(vault, vm, settings, tools, reporter).take();
            try (Cancellation.Scope _ = holdIfLive()) {
                return store(
                        hold(due),
                        progress -> vault.backup(due.previous(), tools.cancellation(), progress));
            }
        } catch (StillpointException e) {
            return isSuspension(e) ? new BackupOutcome.Suspended(e) : failed(e);
        }
    }

    private Cancellation.Scope holdIfLive() {
        return vm.open().isOff() ? () -> {} : tools.cancellation().hold();
    }

    /// The guest is let go of once it runs again: others may need its agent while the disks are read.
    private HeldVm hold(DueBackup due) {
        VirtualMachine machine = vm.open();
        PrepareStep prepare =
                new PrepareStep(vault.id(), machine, settings.scratch(), tools, reporter);
        TakenVm taken;
        try (PreparedGuest guest =
                new GuestPreparation(settings, machine, tools, reporter).prepare()) {
            taken =
                    new SnapshotStep(settings, guest, () -> prepare.take(due), tools, reporter)
                            .take();
        }
        boolean done = false;
        try {
            Held record = taken.record().held(taken.snapshot().descriptor(), taken.report());
            tools.journal().write(record);
            done = true;
            return new HeldVm(record, taken.snapshot());
        } finally {
            if (!done) {
                taken.snapshot().close();
            }
        }
    }

    /// Opens a session of the vault.
    private interface SessionOpener {
        BackupSession open(IntakeProgress progress);
    }

    /// From a held snapshot to the end.
    private BackupOutcome store(HeldVm held, SessionOpener opener) {
        Holdings holdings = new Holdings();
        holdings.add(held.snapshot()::close, held.snapshot()::detach);
        holding = Optional.of(new Holding(held.record().descriptor().name(), held.snapshot()));
        Holdings reading = new Holdings();
        MadePoint made;
        try (TransferTurn.Transfer transfer =
                tools.turn().await(id(), tools.cancellation(), held.snapshot()::scratchTaken)) {
            OpenSession session = open(held, opener, reading, transfer);
            StoreStep step = new StoreStep(session, reading, tools, reporter);
            made = step.commit(step.store(), configuration(), settings.writer());
        } catch (StillpointException e) {
            return undone(e, List.of(reading, holdings));
        } catch (RuntimeException | Error e) {
            reading.releaseAfter(e);
            holdings.releaseAfter(e);
            throw e;
        }
        return release(made, held.record(), reading, held.snapshot());
    }

    private ObjectNode configuration() {
        ObjectNode configuration = vm.open().configuration();
        settings.origin().ifPresent(origin -> configuration.set("origin", origin.deepCopy()));
        return configuration;
    }

    private OpenSession open(
            HeldVm held, SessionOpener opener, Holdings reading, TransferTurn.Transfer transfer) {
        StoreProgress progress = new StoreProgress(reporter, sizes(held.snapshot().disks()));
        BackupSession session = opener.open(progress);
        reading.add(session::close, session::detach);
        Storing record = held.record().storing(session.record());
        tools.journal().write(record);
        return new OpenSession(record, held.snapshot(), session, progress, transfer);
    }

    private static Map<String, Long> sizes(List<HeldDisk> disks) {
        Map<String, Long> sizes = new LinkedHashMap<>();
        disks.forEach(disk -> sizes.put(disk.name(), disk.size()));
        return sizes;
    }

    /// The point stands, so all steps that are left are taken, whatever fails.
    private BackupOutcome release(
            MadePoint made, Held held, Holdings reading, HeldSnapshot snapshot) {
        AfterCommit after = new AfterCommit(made.point(), reporter);
        after.attempt(() -> tools.journal().write(made.record()));
        made.unfinished().ifPresent(after::tell);
        reading.release(after::attempt);
        after.attempt(snapshot::keepChanges);
        after.attempt(() -> keepLocal(snapshot, held, made.point().id()));
        snapshot.scratchTaken().ifPresent(reporter::scratch);
        holding = Optional.empty();
        reporter.step(Step.RELEASE, Text.of(BackupJob.class, "engine.releasing"));
        after.attempt(snapshot::close);
        return ended(made.record(), after);
    }

    private BackupOutcome ended(Committed record, AfterCommit after) {
        after.attempt(() -> tools.journal().write(record.finished(after.codes())));
        return after.outcome();
    }

    /// Before the commit, or where nobody knows whether there was one.
    private BackupOutcome undone(StillpointException e, List<Holdings> newestFirst) {
        holding = Optional.empty();
        boolean isUndecided = isSuspension(e) || isUnknown(e);
        if (isUndecided && tools.journal().outlivesProcess()) {
            newestFirst.forEach(holdings -> holdings.leaveAfter(e));
        } else {
            newestFirst.forEach(holdings -> holdings.releaseAfter(e));
        }
        return isUndecided ? new BackupOutcome.Suspended(e) : failed(e);
    }

    /// Whether it is an answer to [#suspend]. What a thread was asking when it was interrupted may seem lost: whether it is,
    /// shows when the job goes on.
    private boolean isSuspension(StillpointException e) {
        boolean isInterrupted =
                e instanceof CancelledException
                        || (e instanceof HypervisorException lost
                                && lost.kind() == HypervisorException.Kind.UNREACHABLE);
        return isSuspended && isInterrupted && tools.journal().outlivesProcess();
    }

    /// Whether the store did not say if the point is there.
    private static boolean isUnknown(StillpointException e) {
        return e.code().equals("vault.commit-unknown");
    }

    private BackupOutcome failed(StillpointException e) {
        try {
            tools.journal().write(BackupRecord.Failed.of(reporter.job(), e));
        } catch (StillpointException f) {
            e.addSuppressed(f);
        }
        return new BackupOutcome.Failed(e);
    }

    /// Takes up the snapshot that an earlier process has left, and its session if there was one.
    private BackupOutcome adopt(Held record, Optional<SessionRecord> session) {
        HeldVm held;
        try {
            held = new HeldVm(record, vm.open().adopt(record.descriptor()));
        } catch (HypervisorException e) {
            return lost(e, session);
        }
        try (Cancellation.Scope _ = holdIfLive()) {
            return store(
                    held,
                    progress ->
                            session.flatMap(each -> resumed(each, progress))
                                    .orElseGet(() ->
                                            vault.backup(
                                                    base(record.begun()),
                                                    tools.cancellation(),
                                                    progress)));
        }
    }

    /// Empty if the session was taken for dead: what it stored is in the vault all the same, and another one finds it.
    private Optional<BackupSession> resumed(SessionRecord record, IntakeProgress progress) {
        try {
            return Optional.of(vault.resume(record, tools.cancellation(), progress));
        } catch (VaultException e) {
            if (!isOvertaken(e)) {
                throw e;
            }
            return Optional.empty();
        }
    }

    private Optional<RecoveryPoint> base(Begun begun) {
        return begun.base().flatMap(this::point);
    }

    private Optional<RecoveryPoint> point(ObjectId id) {
        return vault.point(id);
    }

    private BackupOutcome lost(HypervisorException e, Optional<SessionRecord> session) {
        if (e.code().equals(SnapshotDescriptor.UNREADABLE)) {
            // The version that noted it can go on.
            return new BackupOutcome.Suspended(JobException.unreadable(e.text(), e));
        }
        if (e.kind() == HypervisorException.Kind.UNREACHABLE
                || e.kind() == HypervisorException.Kind.BUSY) {
            return new BackupOutcome.Suspended(e);
        }
        session.ifPresent(each -> end(each, e));
        failed(e);
        return new BackupOutcome.StartAnew(e);
    }

    /// A session that can't be ended now ends like that of any process that died.
    private void end(SessionRecord session, StillpointException cause) {
        try {
            resumed(session, NOTHING_STORED).ifPresent(BackupSession::close);
        } catch (StillpointException e) {
            cause.addSuppressed(e);
        }
    }

    /// The bytes of the point are fixed, and may be in the store already.
    private BackupOutcome commitAgain(Sealed sealed) {
        Storing storing = sealed.storing();
        BackupSession.Committed committed;
        try {
            committed =
                    vault.commit(
                            sealed.point(),
                            tools.cancellation(),
                            point -> tools.journal().write(storing.sealed(point)));
        } catch (StillpointException e) {
            if (isOvertaken(e)) {
                // There is no point, and there will be none under this name.
                return adopt(storing.held(), Optional.empty());
            }
            // Whether an earlier process has made the point is not known.
            return new BackupOutcome.Suspended(e);
        }
        AfterCommit after = new AfterCommit(committed.point(), reporter);
        Committed record = storing.committed(committed.point().id());
        after.attempt(() -> tools.journal().write(record));
        committed.unfinished().ifPresent(after::tell);
        return releaseAdopted(record, after);
    }

    private static boolean isOvertaken(StillpointException e) {
        return e instanceof VaultException refused
                && refused.kind() == VaultException.Kind.OVERTAKEN;
    }

    private BackupOutcome releaseAgain(Committed committed) {
        Optional<RecoveryPoint> point;
        try {
            point = point(committed.point());
        } catch (StillpointException e) {
            return new BackupOutcome.Suspended(e);
        }
        if (point.isEmpty()) {
            return gone(committed);
        }
        AfterCommit after = new AfterCommit(point.get(), reporter);
        return releaseAdopted(committed, after);
    }

    private BackupOutcome releaseAdopted(Committed record, AfterCommit after) {
        after.attempt(() -> keepAndRelease(record.storing().held(), Optional.of(record.point())));
        return ended(record, after);
    }

    /// Where it is to stay, and can. That is remembered before it does, so that no sweep takes it meanwhile.
    private void keepLocal(HeldSnapshot snapshot, Held held, ObjectId point) {
        if (vm.open().isOff()
                || !tools.local().keep(held.descriptor(), point, held.report().at())) {
            return;
        }
        if (!snapshot.keepLocal()) {
            tools.local().forget(held.descriptor().name());
        }
    }

    /// @param made the snapshot's point; empty if there is none any more
    private void keepAndRelease(Held held, Optional<ObjectId> made) {
        reporter.step(Step.RELEASE, Text.of(BackupJob.class, "engine.releasing"));
        SnapshotName name = held.descriptor().name();
        List<SnapshotDescriptor> local = tools.local().known();
        if (local.stream().anyMatch(each -> each.name().equals(name))) {
            // An earlier process may have ended in the middle of that.
            vm.open().local(local, tools.journal().kept()).settle(name);
            return;
        }
        HeldSnapshot snapshot;
        try {
            snapshot = vm.open().adopt(held.descriptor());
        } catch (HypervisorException e) {
            if (e.kind() != HypervisorException.Kind.SNAPSHOT_BROKEN) {
                throw e;
            }
            // Half released, or gone with its QEMU. What was left of it is swept, but for its
            // record of changes.
            return;
        }
        try (snapshot) {
            snapshot.keepChanges();
            made.ifPresent(point -> keepLocal(snapshot, held, point));
        }
    }

    /// The point was made, and is not there any more: somebody has forgotten it since.
    private BackupOutcome gone(Committed committed) {
        JobException gone = JobException.pointGone(committed.point());
        try {
            keepAndRelease(committed.storing().held(), Optional.empty());
        } catch (StillpointException e) {
            gone.addSuppressed(e);
        }
        return failed(gone);
    }

    private BackupOutcome told(BackupRecord.Finished finished) {
        try {
            return point(finished.point())
                    .<BackupOutcome>map(point ->
                            finished.unfinished().isEmpty()
                                    ? new BackupOutcome.Made(point)
                                    : new BackupOutcome.FailedAfterCommit(
                                            point, finished.unfinished()))
                    .orElseGet(() ->
                            new BackupOutcome.Failed(JobException.pointGone(finished.point())));
        } catch (StillpointException e) {
            return new BackupOutcome.Suspended(e);
        }
    }
}
