package io.stillpoint.service.job;

import io.stillpoint.engine.BackupOutcome;
import io.stillpoint.engine.BackupRecord;
import io.stillpoint.engine.JobException;
import io.stillpoint.engine.JobRecord;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.planning.policy.Policy;
import io.stillpoint.planning.schedule.Slot;
import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.text.Text;
import io.stillpoint.service.base.Tools;
import io.stillpoint.service.config.ServiceConfig;
import io.stillpoint.service.database.Cause;
import io.stillpoint.service.database.DatabaseException;
import io.stillpoint.service.database.Job;
import io.stillpoint.service.database.JobState;
import io.stillpoint.service.database.Jobs;
import io.stillpoint.service.database.Jobs.Ending;
import io.stillpoint.service.database.Machine;
import io.stillpoint.service.database.Machines;
import io.stillpoint.service.database.Points;
import io.stillpoint.service.database.VmKey;
import io.stillpoint.service.fleet.Hosts;
import io.stillpoint.service.fleet.KeptPolicies;
import io.stillpoint.service.local.LocalTier;
import io.stillpoint.service.vaults.Catalogue;
import io.stillpoint.service.vaults.Vaults;
import io.stillpoint.vault.point.RecoveryPoint;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/// Does what is due for one VM: begins its job, goes on with one that another process began, or finds that nothing is due.
/// Safe for many threads, one for each VM.
public final class JobRunner {
    /// Before each retry, the last of them again and again.
    private static final Duration[] PAUSES = {
        Duration.ofMinutes(1),
        Duration.ofMinutes(2),
        Duration.ofMinutes(4),
        Duration.ofMinutes(8),
        Duration.ofMinutes(15),
        Duration.ofMinutes(30)
    };

    /// How often a job whose snapshot was lost begins anew at once.
    private static final int ANEW_MAX = 3;

    /// When a job is looked at again of which nothing can be decided now.
    private static final Duration UNDECIDED = Duration.ofMinutes(1);

    private final Tools tools;
    private final KeptPolicies policies;
    private final Machines machines;
    private final Jobs jobs;
    private final Points points;
    private final Teller teller;
    private final Turns turns;
    private final Attempts attempts;

    /// What the database knows.
    public record Records(Machines machines, Jobs jobs, Points points, KeptPolicies policies) {}

    /// Where VMs are, and where their points go.
    public record Places(Hosts hosts, Vaults vaults, LocalTier local) {}

    /// Who is told what jobs do.
    record Told(Teller teller, Turns turns) {}

    public JobRunner(ServiceConfig config, Tools tools, Records records, Places places) {
        this.tools = tools;
        policies = records.policies();
        machines = records.machines();
        jobs = records.jobs();
        points = records.points();
        teller = new Teller(jobs, tools);
        turns = new Turns(config.limits(), tools.clock());
        attempts = new Attempts(config, tools, records, places, new Told(teller, turns));
    }

    /// Does what is due for a VM. Returns when something is due for it next; empty if nothing ever is, as things stand.
    /// Throws a [io.stillpoint.service.database.DatabaseException] if the database can't be used.
    public Optional<Instant> run(VmKey key) {
        Optional<Machine> found = machines.find(key);
        if (found.isEmpty()) {
            return Optional.empty();
        }
        Machine machine = found.get();
        Optional<Job> job =
                jobs.unfinished(key).map(each -> toItsVault(machine, each)).or(() -> due(machine));
        if (job.isPresent() && !attempts.isStopping()) {
            Optional<Instant> again = undefeated(machine, job.get());
            if (again.isPresent()) {
                return again;
            }
        }
        return next(key);
    }

    /// A job that holds nothing goes where the VM's points are to be now: its policy may have changed since.
    private Job toItsVault(Machine machine, Job job) {
        Optional<String> vault = machine.protection().vault();
        if (job.course().record().isPresent()
                || vault.isEmpty()
                || vault.get().equals(job.vault())) {
            return job;
        }
        jobs.vault(job.id(), vault.get());
        return jobs.find(job.id()).orElse(job);
    }

    /// When something is due for a VM next.
    public Optional<Instant> next(VmKey key) {
        Instant now = tools.clock().instant();
        Optional<Job> waiting = jobs.unfinished(key);
        if (waiting.isPresent()) {
            return Optional.of(waiting.get().course().retryAt().orElse(now));
        }
        Optional<Machine> machine = machines.find(key);
        return machine.flatMap(each -> due(each).map(_ -> now).or(() -> nextSlot(each, now)));
    }

    private Optional<Instant> nextSlot(Machine machine, Instant now) {
        return machine.protection()
                .policy()
                .flatMap(policies::findReadable)
                .map(policy ->
                        policy.schedule()
                                .next(now, policy.name(), machine.key().toString())
                                .start());
    }

    /// A new job for the newest slot, if it has had none; not yet in the database.
    private Optional<Job> due(Machine machine) {
        Optional<Policy> policy = machine.protection().policy().flatMap(policies::findReadable);
        Optional<String> vault = machine.protection().vault();
        Optional<Instant> since = machine.protection().since();
        if (policy.isEmpty() || vault.isEmpty() || since.isEmpty()) {
            return Optional.empty();
        }
        Instant now = tools.clock().instant();
        Optional<Slot> slot =
                policy.get()
                        .schedule()
                        .latest(now, policy.get().name(), machine.key().toString())
                        .filter(each -> !each.start().isBefore(since.get()));
        Optional<Instant> newest = jobs.newestSlot(machine.key(), now);
        return slot.filter(each -> newest.isEmpty() || newest.get().isBefore(each.due()))
                .map(each ->
                        new Job(
                                tools.randomness().hex(8),
                                machine.key(),
                                vault.get(),
                                Optional.of(policy.get().name()),
                                Cause.SCHEDULE,
                                each.due(),
                                each.deadline(),
                                Job.Order.NONE,
                                Job.Course.queued(now)));
    }

    /// Adds a job that somebody asks for, unless one like it has not even begun. Returns it.
    ///
    /// @param vault where its point goes
    public Job order(Machine machine, String vault, Job.Order order) {
        Optional<Job> queued =
                order.equals(Job.Order.NONE) ? jobs.queuedDemand(machine.key()) : Optional.empty();
        if (queued.isPresent()) {
            return queued.get();
        }
        Instant now = tools.clock().instant();
        Job job =
                new Job(
                        tools.randomness().hex(8),
                        machine.key(),
                        vault,
                        machine.protection().policy(),
                        Cause.DEMAND,
                        now,
                        now.plus(Duration.ofHours(24)),
                        order,
                        Job.Course.queued(now));
        jobs.add(job);
        return job;
    }

    /// Asks a job to end. Returns whether it had not ended yet.
    public boolean cancel(String id) {
        if (jobs.endQueued(id, cancelled())) {
            return true;
        }
        boolean isAsked = jobs.askCancel(id);
        attempts.lookForCancelled(id);
        return isAsked;
    }

    /// Jobs of this process of which another one was asked that they end.
    public void lookForCancelled() {
        attempts.lookForCancelled();
    }

    /// How far transfers of this process are.
    public Teller progress() {
        return teller;
    }

    /// The transfers of this process.
    public Turns turns() {
        return turns;
    }

    /// Has all jobs of this process pause where they are, so that the next process goes on with them. Nothing begins any
    /// more. Returns at once.
    public void suspend() {
        attempts.suspend();
    }

    /// No job runs any more.
    public void close() {
        teller.close();
    }

    /// As [#work]; a defect is told like a failure, so that nobody wonders why nothing happens.
    private Optional<Instant> undefeated(Machine machine, Job job) {
        try {
            return work(machine, job);
        } catch (StillpointException e) {
            // The database's: whoever runs this tries again.
            throw e;
        } catch (RuntimeException e) {
            Instant again = tools.clock().instant().plus(PAUSES[PAUSES.length - 1]);
            tools.defect(e);
            Text text = Text.of(JobRunner.class, "job.defect", e.toString());
            jobs.end(
                    job.id(),
                    Ending.without(
                                    JobState.RETRYING,
                                    tools.clock().instant(),
                                    text.code(),
                                    text.toString())
                            .retryingAt(again));
            teller.tell(job.id(), machine.shown(), "state", text.code(), text);
            return Optional.of(again);
        }
    }

    /// One attempt. Returns when the next one is due; empty if the job has ended.
    private Optional<Instant> work(Machine machine, Job job) {
        if (jobs.find(job.id()).isEmpty()) {
            jobs.add(job);
        }
        if (job.course().cancelAsked() && job.course().record().isEmpty()) {
            end(machine, job, cancelled());
            return Optional.empty();
        }
        jobs.begin(job.id(), tools.clock().instant());
        int anew = 0;
        while (true) {
            BackupOutcome outcome;
            try {
                outcome = attempts.run(machine, job);
            } catch (DatabaseException e) {
                // Whatever the job has come to is in the journal.
                throw e;
            } catch (StillpointException e) {
                // Nothing has begun: the vault, the host or the agent can't be reached.
                outcome =
                        job.course().record().isPresent()
                                ? new BackupOutcome.Suspended(e)
                                : new BackupOutcome.Failed(e);
            }
            if (outcome instanceof BackupOutcome.StartAnew lost
                    && ++anew <= ANEW_MAX
                    && !attempts.isStopping()) {
                teller.tell(
                        job.id(), machine.shown(), "note", lost.why().code(), lost.why().text());
                jobs.record(job.id(), null, Optional.empty());
                job = jobs.find(job.id()).orElseThrow();
                continue;
            }
            return settle(machine, job, outcome);
        }
    }

    private Optional<Instant> settle(Machine machine, Job job, BackupOutcome outcome) {
        Instant now = tools.clock().instant();
        return switch (outcome) {
            case BackupOutcome.Made(var point) -> made(machine, job, point);
            case BackupOutcome.FailedAfterCommit(var point, var _) -> made(machine, job, point);
            case BackupOutcome.Suspended(StillpointException why) -> {
                if (attempts.isStopping()) {
                    yield Optional.of(now);
                }
                boolean isUnreadable = why.kind() == JobException.Kind.JOURNAL;
                if (jobs.isCancelAsked(job.id()) && (isUnreadable || isWithoutCommit(job))) {
                    // What it holds in a VM that is gone for now, the next job of that VM removes.
                    end(machine, job, cancelled());
                    yield Optional.empty();
                }
                if (now.isAfter(job.deadline()) && !isUnreadable && isWithoutCommit(job)) {
                    end(machine, job, ending(JobState.FAILED, now, why));
                    yield Optional.empty();
                }
                jobs.end(
                        job.id(),
                        ending(JobState.RETRYING, now, why).retryingAt(now.plus(UNDECIDED)));
                if (!job.course().code().equals(Optional.of(why.code()))) {
                    teller.tell(job.id(), machine.shown(), "state", "undecided", why.text());
                }
                yield Optional.of(now.plus(UNDECIDED));
            }
            case BackupOutcome.StartAnew(HypervisorException why) -> failed(machine, job, why, now);
            case BackupOutcome.Failed(StillpointException why) -> failed(machine, job, why, now);
        };
    }

    /// Whether the job can't have made its point yet. Nobody knows what a record of another version says.
    private boolean isWithoutCommit(Job job) {
        Optional<String> record = jobs.find(job.id()).flatMap(each -> each.course().record());
        try {
            return record.map(text -> JobRecord.of(Json.parse(text)))
                    .filter(each ->
                            each instanceof BackupRecord.Sealed
                                    || each instanceof BackupRecord.Committed
                                    || each instanceof BackupRecord.Finished)
                    .isEmpty();
        } catch (JobException e) {
            return false;
        }
    }

    private Optional<Instant> made(Machine machine, Job job, RecoveryPoint point) {
        Instant now = tools.clock().instant();
        points.add(Catalogue.row(job.vault(), point));
        Explanation.of(point)
                .forEach(text -> teller.tell(job.id(), machine.shown(), "why", text.code(), text));
        end(machine, job, Ending.made(now, point.id().toString()));
        return Optional.empty();
    }

    private Optional<Instant> failed(
            Machine machine, Job job, StillpointException why, Instant now) {
        if (attempts.isStopping() && !jobs.isCancelAsked(job.id()) && why.retryable()) {
            // Perhaps it failed because this process stops. The next one begins it anew, at once.
            jobs.record(job.id(), null, Optional.empty());
            return Optional.of(now);
        }
        if (jobs.isCancelAsked(job.id()) || why instanceof CancelledException) {
            end(machine, job, cancelled());
            return Optional.empty();
        }
        // Attempts that ended with their process are no failures.
        long failures =
                jobs.events(job.id(), 0).stream()
                        .filter(each -> each.code().equals(JobState.RETRYING.word()))
                        .count();
        Instant pause = now.plus(PAUSES[(int) Math.min(failures, PAUSES.length - 1)]);
        Instant again =
                why instanceof JobsException refused ? refused.tryAgain().orElse(pause) : pause;
        if (why.retryable() && again.isBefore(job.deadline())) {
            // What the engine's journal says has ended with this attempt.
            jobs.record(job.id(), null, Optional.empty());
            jobs.end(job.id(), ending(JobState.RETRYING, now, why).retryingAt(again));
            teller.tell(
                    job.id(),
                    machine.shown(),
                    "state",
                    JobState.RETRYING.word(),
                    Text.of(JobRunner.class, "job.retrying", again, why));
            return Optional.of(again);
        }
        end(machine, job, ending(JobState.FAILED, now, why));
        return Optional.empty();
    }

    private static Ending ending(JobState state, Instant now, StillpointException why) {
        return Ending.without(state, now, why.code(), why.getMessage());
    }

    private Ending cancelled() {
        return Ending.without(
                JobState.CANCELLED,
                tools.clock().instant(),
                "job.cancelled",
                Text.of(JobRunner.class, "job.cancelled").toString());
    }

    private void end(Machine machine, Job job, Ending ending) {
        Text text =
                switch (ending.state()) {
                    case MADE -> Text.of(JobRunner.class, "job.made", ending.point().orElse(""));
                    case CANCELLED -> Text.of(JobRunner.class, "job.ended-cancelled");
                    default ->
                            Text.of(
                                    JobRunner.class,
                                    "job.ended-failed",
                                    ending.message().orElse(""));
                };
        teller.tell(job.id(), machine.shown(), "state", ending.state().word(), text);
        teller.settle();
        jobs.end(job.id(), ending);
    }
}
