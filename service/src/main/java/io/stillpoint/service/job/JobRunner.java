package io.stillpoint.service.job;

import io.stillpoint.engine.BackupJob;
import io.stillpoint.engine.BackupOutcome;
import io.stillpoint.engine.BackupPolicy;
import io.stillpoint.engine.BackupRecord;
import io.stillpoint.engine.BackupSettings;
import io.stillpoint.engine.GuestAccess;
import io.stillpoint.engine.JobRecord;
import io.stillpoint.engine.JobTools;
import io.stillpoint.engine.JobVm;
import io.stillpoint.engine.RestLimits;
import io.stillpoint.engine.ScratchSettings;
import io.stillpoint.engine.VmSocket;
import io.stillpoint.guest.extension.ExtensionKeeper;
import io.stillpoint.guest.extension.Prerequisites;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.qemu.DiskChoice;
import io.stillpoint.planning.policy.DiskRules;
import io.stillpoint.planning.policy.Policy;
import io.stillpoint.planning.policy.Quality;
import io.stillpoint.planning.queue.Admission;
import io.stillpoint.planning.queue.Estimate;
import io.stillpoint.planning.schedule.Slot;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
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
import io.stillpoint.service.fleet.Hosts.Host;
import io.stillpoint.service.fleet.KeptPolicies;
import io.stillpoint.service.vaults.Catalogue;
import io.stillpoint.service.vaults.Vaults;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.RecoveryPoint;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import tools.jackson.databind.node.ObjectNode;

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

    private final ServiceConfig config;
    private final Tools tools;
    private final Hosts hosts;
    private final Vaults vaults;
    private final KeptPolicies policies;
    private final Machines machines;
    private final Jobs jobs;
    private final Points points;
    private final Teller teller;
    private final Turns turns;
    private final Foresight foresight;
    private final Naming naming;
    private final Map<String, Running> running = new ConcurrentHashMap<>();
    private volatile boolean isStopping;

    private record Running(BackupJob job, Cancellation cancellation, Foresight.Holding holding) {}

    /// What the database knows.
    public record Records(Machines machines, Jobs jobs, Points points, KeptPolicies policies) {}

    public JobRunner(
            ServiceConfig config, Tools tools, Records records, Hosts hosts, Vaults vaults) {
        this.config = config;
        this.tools = tools;
        this.hosts = hosts;
        this.vaults = vaults;
        policies = records.policies();
        machines = records.machines();
        jobs = records.jobs();
        points = records.points();
        teller = new Teller(jobs, tools);
        turns = new Turns(config.limits(), tools.clock());
        foresight = new Foresight(jobs, points, turns, tools.clock());
        naming = new Naming(machines, points, tools);
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
        if (job.isPresent() && !isStopping) {
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
            Job.Course course = waiting.get().course();
            return Optional.of(course.cancelAsked() ? now : course.retryAt().orElse(now));
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

    /// Adds a job that somebody asks for. Returns it.
    ///
    /// @param vault where its point goes
    public Job order(Machine machine, String vault, Job.Order order) {
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
        boolean isAsked = jobs.askCancel(id);
        lookForCancelled(id);
        return isAsked;
    }

    /// Jobs of this process of which another one was asked that they end.
    public void lookForCancelled() {
        running.keySet().forEach(this::lookForCancelled);
    }

    private void lookForCancelled(String id) {
        Running here = running.get(id);
        if (here != null && isCancelAsked(id)) {
            here.cancellation().request();
        }
    }

    private boolean isCancelAsked(String id) {
        return jobs.find(id).filter(job -> job.course().cancelAsked()).isPresent();
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
        isStopping = true;
        running.values().forEach(each -> each.job().suspend());
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
                outcome = attempt(machine, job);
            } catch (DatabaseException e) {
                // Whatever the job has come to is in the journal.
                throw e;
            } catch (StillpointException e) {
                // Nothing has begun: the vault, the host or the agent can't be reached.
                outcome =
                        job.course().record().isPresent()
                                ? new BackupOutcome.Suspended(e)
                                : new BackupOutcome.Failed(e);
            } finally {
                running.remove(job.id());
                teller.forget(job.id());
            }
            if (outcome instanceof BackupOutcome.StartAnew lost
                    && ++anew <= ANEW_MAX
                    && !isStopping) {
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
                if (isStopping) {
                    yield Optional.of(now);
                }
                if (isCancelAsked(job.id()) && isWithoutCommit(job)) {
                    // What it holds in a VM that is gone for now, the next job of that VM removes.
                    end(machine, job, cancelled());
                    yield Optional.empty();
                }
                if (now.isAfter(job.deadline()) && isWithoutCommit(job)) {
                    end(machine, job, ending(JobState.FAILED, now, why));
                    yield Optional.empty();
                }
                jobs.end(
                        job.id(),
                        ending(JobState.RETRYING, now, why).retryingAt(now.plus(UNDECIDED)));
                teller.tell(job.id(), machine.shown(), "state", "undecided", why.text());
                yield Optional.of(now.plus(UNDECIDED));
            }
            case BackupOutcome.StartAnew(HypervisorException why) -> failed(machine, job, why, now);
            case BackupOutcome.Failed(StillpointException why) -> failed(machine, job, why, now);
        };
    }

    /// Whether the job can't have made its point yet.
    private boolean isWithoutCommit(Job job) {
        Optional<String> record = jobs.find(job.id()).flatMap(each -> each.course().record());
        return record.map(text -> JobRecord.of(Json.parse(text)))
                .filter(each ->
                        each instanceof BackupRecord.Sealed
                                || each instanceof BackupRecord.Committed
                                || each instanceof BackupRecord.Finished)
                .isEmpty();
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
        if (isCancelAsked(job.id()) || why instanceof CancelledException) {
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

    private BackupOutcome attempt(Machine known, Job job) {
        Host host =
                hosts.find(job.vm().host())
                        .orElseThrow(
                                () -> new IllegalStateException("no host of ours: " + job.vm()));
        Vaults.Opened vault = opened(job.vault());
        Machine machine = naming.named(known, vault);
        Foresight.Holding holding = foresight.expected(machine, job, host, policy(job));
        boolean isNew = job.course().record().isEmpty();
        if (isNew) {
            admit(machine, holding, host);
        }
        Cancellation cancellation = new Cancellation();
        Course course = new Course(machine, job);
        DiskChoice disks = disks(job);
        try (JobVm vm =
                JobVm.of(job.vm().id(), () -> host.hypervisor().open(job.vm().id(), disks))) {
            BackupJob backup =
                    new BackupJob(
                            vault.vault(),
                            vm,
                            settings(machine, job, host, vm),
                            new JobTools(
                                    new DatabaseJournal(
                                            jobs, job.vm().host(), job.id(), job.course().record()),
                                    teller.of(job.id(), machine.shown()),
                                    cancellation,
                                    tools.clock(),
                                    tools.randomness(),
                                    tools.process().threads(),
                                    turns.of(holding.transfer(), course)));
            running.put(job.id(), new Running(backup, cancellation, holding));
            if (isStopping) {
                backup.suspend();
            }
            lookForCancelled(job.id());
            BackupOutcome outcome = backup.resume();
            outcome.recoveryPoint()
                    .ifPresent(point -> {
                        vault.pin()
                                .made(vault.vault().id(), point)
                                .forEach(finding -> tools.log().accept(finding.text().toString()));
                        // An earlier process may have done a part of one that was resumed.
                        if (isNew) {
                            course.measured(point);
                        }
                    });
            return outcome;
        }
    }

    /// Whatever keeps a vault of the configuration from being opened, somebody may mend it: an unmounted disk, a missing key.
    private Vaults.Opened opened(String name) {
        try {
            return vaults.open(name);
        } catch (StillpointException e) {
            throw JobsException.vaultAway(name, e);
        }
    }

    /// Throws a [JobsException] if the host's scratch space would not last.
    private void admit(Machine machine, Foresight.Holding holding, Host host) {
        Admission admission =
                foresight.admission(
                        machine,
                        holding,
                        host,
                        running.values().stream().map(Running::holding).toList());
        if (admission instanceof Admission.Refused refused) {
            throw JobsException.notAdmitted(refused);
        }
    }

    /// Follows an attempt from the snapshot on.
    private final class Course implements Turns.Listener {
        private final Machine machine;
        private final Job job;
        private volatile OptionalLong begun = OptionalLong.empty();

        Course(Machine machine, Job job) {
            this.machine = machine;
            this.job = job;
        }

        @Override
        public void waits(String why) {
            teller.state(job.id(), JobState.WAITING);
            teller.tell(
                    job.id(),
                    machine.shown(),
                    "state",
                    JobState.WAITING.word(),
                    Text.of(JobRunner.class, "job.waiting", why));
        }

        @Override
        public void begins() {
            begun = OptionalLong.of(System.nanoTime());
            teller.state(job.id(), JobState.RUNNING);
        }

        @Override
        public Estimate left(Estimate first) {
            Teller.Progress now = teller.progress(job.id());
            if (now.total() == 0 || begun.isEmpty()) {
                return first;
            }
            double left = 1.0 - (double) now.done() / now.total();
            return first.running(
                    new ByteSize((long) (first.left().bytes() * left)),
                    new ByteSize(now.read()),
                    Duration.ofNanos(System.nanoTime() - begun.getAsLong()));
        }

        void measured(RecoveryPoint point) {
            Duration held = Duration.between(point.snapshotAt(), tools.clock().instant());
            long scratch = teller.progress(job.id()).scratch();
            long read = point.disks().stream().mapToLong(PointDisk::readBytes).sum();
            long stored = point.disks().stream().mapToLong(PointDisk::newBytes).sum();
            jobs.measured(
                    job.id(),
                    new Jobs.Measured(
                            new ByteSize(read),
                            new ByteSize(stored),
                            begun.isEmpty()
                                    ? Optional.empty()
                                    : Optional.of(
                                            Duration.ofNanos(
                                                    System.nanoTime() - begun.getAsLong())),
                            Optional.of(new ByteSize(scratch)),
                            // Unless a clock was set back meanwhile.
                            Optional.of(held).filter(Duration::isPositive)));
        }
    }

    private Optional<Policy> policy(Job job) {
        return job.policy().flatMap(policies::find);
    }

    private DiskChoice disks(Job job) {
        DiskRules rules = policy(job).map(Policy::disks).orElse(DiskRules.USUAL);
        return new DiskChoice(rules.removable(), rules.readOnly(), rules.without());
    }

    private BackupSettings settings(Machine machine, Job job, Host host, JobVm vm) {
        Quality quality = policy(job).map(Policy::quality).orElse(Quality.USUAL);
        return new BackupSettings(
                machine.protection().pointName().orElseGet(machine::shown),
                new BackupPolicy(
                        consistency(quality.atLeast()),
                        new RestLimits(quality.freezeMax(), quality.scriptsMax()),
                        quality.vss() == Quality.Vss.AGENT
                                ? BackupPolicy.Vss.AGENT
                                : BackupPolicy.Vss.EXTENSION,
                        false,
                        Optional.empty()),
                agent(host, vm, quality),
                new ScratchSettings(host.config().scratch(), host.config().scratchLimit()),
                tools.writer(),
                Optional.of(origin(machine, job)));
    }

    private Optional<GuestAccess> agent(Host host, JobVm vm, Quality quality) {
        if (vm.id().isEmpty()) {
            return Optional.empty();
        }
        Optional<Path> socket = host.agent(vm.id().get());
        Optional<ExtensionKeeper> keeper =
                quality.extension()
                        ? Optional.of(
                                ExtensionKeeper.in(
                                        config.state(),
                                        Prerequisites.Absent.WARN,
                                        tools.randomness(),
                                        tools.clock()))
                        : Optional.empty();
        return socket.map(path -> new GuestAccess(new VmSocket(vm, path), keeper));
    }

    /// From which the catalogue can be made again.
    private static ObjectNode origin(Machine machine, Job job) {
        ObjectNode origin =
                Json.object()
                        .put("cause", job.cause().word())
                        .put("host", machine.key().host())
                        .put("machine", machine.key().id().text())
                        .put("byHand", machine.protection().byHand());
        job.policy().ifPresent(policy -> origin.put("policy", policy));
        origin.put("due", job.due().toString());
        job.order().keepUntil().ifPresent(until -> origin.put("keepUntil", until.toString()));
        if (!job.order().reason().isEmpty()) {
            origin.put("reason", job.order().reason());
        }
        return origin;
    }

    private static Consistency consistency(Quality.Least least) {
        return switch (least) {
            case CRASH -> Consistency.CRASH;
            case FILE_SYSTEM -> Consistency.FILE_SYSTEM;
            case APPLICATION -> Consistency.APPLICATION;
        };
    }
}
