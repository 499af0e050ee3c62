package io.stillpoint.service.job;

import io.stillpoint.engine.BackupJob;
import io.stillpoint.engine.BackupOutcome;
import io.stillpoint.engine.BackupPolicy;
import io.stillpoint.engine.BackupSettings;
import io.stillpoint.engine.GuestAccess;
import io.stillpoint.engine.JobTools;
import io.stillpoint.engine.JobVm;
import io.stillpoint.engine.RestLimits;
import io.stillpoint.engine.ScratchSettings;
import io.stillpoint.engine.VmSocket;
import io.stillpoint.guest.extension.ExtensionKeeper;
import io.stillpoint.guest.extension.Prerequisites;
import io.stillpoint.hypervisor.qemu.DiskChoice;
import io.stillpoint.planning.policy.DiskRules;
import io.stillpoint.planning.policy.Policy;
import io.stillpoint.planning.policy.Quality;
import io.stillpoint.planning.queue.Admission;
import io.stillpoint.planning.queue.Estimate;
import io.stillpoint.planning.queue.TransferRules;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.text.Text;
import io.stillpoint.service.base.Tools;
import io.stillpoint.service.config.ServiceConfig;
import io.stillpoint.service.database.Job;
import io.stillpoint.service.database.JobState;
import io.stillpoint.service.database.Jobs;
import io.stillpoint.service.database.Machine;
import io.stillpoint.service.fleet.Hosts;
import io.stillpoint.service.fleet.Hosts.Host;
import io.stillpoint.service.fleet.KeptPolicies;
import io.stillpoint.service.local.LocalTier;
import io.stillpoint.service.vaults.Vaults;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.RecoveryPoint;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import tools.jackson.databind.node.ObjectNode;

/// Attempts of jobs, each on the thread of its VM: from the policy to the engine's job and its outcome. Safe for many threads.
final class Attempts {
    private final ServiceConfig config;
    private final Tools tools;
    private final Hosts hosts;
    private final Vaults vaults;
    private final KeptPolicies policies;
    private final Jobs jobs;
    private final Teller teller;
    private final Turns turns;
    private final Foresight foresight;
    private final Naming naming;
    private final LocalTier local;
    private final Map<String, Running> running = new ConcurrentHashMap<>();

    /// What jobs hold in scratch space, or are about to. Its lock is held while one is admitted.
    private final Map<String, Foresight.Holding> holdings = new LinkedHashMap<>();

    private volatile boolean isStopping;

    private record Running(BackupJob job, Cancellation cancellation) {}

    Attempts(
            ServiceConfig config,
            Tools tools,
            JobRunner.Records records,
            JobRunner.Places places,
            JobRunner.Told told) {
        this.config = config;
        this.tools = tools;
        hosts = places.hosts();
        vaults = places.vaults();
        policies = records.policies();
        jobs = records.jobs();
        teller = told.teller();
        turns = told.turns();
        foresight = new Foresight(jobs, records.points(), turns, tools.clock());
        naming = new Naming(records.machines(), records.points(), tools);
        local = places.local();
    }

    /// Asks those jobs of this process to end of which somebody wants that they do.
    void lookForCancelled() {
        running.keySet().forEach(this::lookForCancelled);
    }

    void lookForCancelled(String id) {
        Running here = running.get(id);
        if (here != null && jobs.isCancelAsked(id)) {
            here.cancellation().request();
        }
    }

    /// Has all of them pause where they are. Nothing begins any more.
    void suspend() {
        isStopping = true;
        running.values().forEach(each -> each.job().suspend());
    }

    boolean isStopping() {
        return isStopping;
    }

    /// One attempt of a job: begins it, or goes on with it. Throws a [DatabaseException] if the database can't be used, and what
    /// kept it from beginning.
    BackupOutcome run(Machine known, Job job) {
        try {
            return attempt(known, job);
        } finally {
            running.remove(job.id());
            release(job.id());
            teller.forget(job.id());
        }
    }

    private BackupOutcome attempt(Machine known, Job job) {
        Host host =
                hosts.find(job.vm().host())
                        .orElseThrow(
                                () -> new IllegalStateException("no host of ours: " + job.vm()));
        Vaults.Opened vault = opened(job.vault());
        Machine machine = naming.named(known, vault);
        boolean isNew = job.course().record().isEmpty();
        Foresight.Holding holding = foresight.expected(machine, job, host, policy(job));
        hold(machine, holding, host, isNew);
        Cancellation cancellation = new Cancellation();
        Course course = new Course(machine, job);
        DiskChoice disks = disks(job);
        AtomicReference<Optional<BackupJob>> started = new AtomicReference<>(Optional.empty());
        try (JobVm vm =
                        JobVm.of(
                                job.vm().id(), () -> host.hypervisor().open(job.vm().id(), disks));
                LocalTier.Holding _ =
                        local.holds(job.vm(), () -> started.get().flatMap(BackupJob::holding))) {
            BackupJob backup =
                    new BackupJob(
                            vault.vault(),
                            vm,
                            settings(machine, job, host, vm),
                            new JobTools(
                                    new DatabaseJournal(jobs, job, () -> local.names(host.name())),
                                    teller.of(job.id(), machine.shown()),
                                    cancellation,
                                    tools.clock(),
                                    tools.randomness(),
                                    tools.process().threads(),
                                    turns.of(holding.transfer(), course),
                                    local.keeping(
                                            job.vm(),
                                            job.vault(),
                                            policy(job)
                                                    .map(Policy::localFor)
                                                    .orElse(Duration.ZERO))));
            started.set(Optional.of(backup));
            running.put(job.id(), new Running(backup, cancellation));
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

    /// One job after the other, so that no two get the same space. Throws a [JobsException] if the host's scratch space would
    /// not last; a snapshot that is there already counts in any case.
    private void hold(Machine machine, Foresight.Holding holding, Host host, boolean isNew) {
        while (true) {
            Optional<Admission.Refused> refused = admitted(machine, holding, host, isNew);
            if (refused.isEmpty()) {
                return;
            }
            // A backup counts more than a snapshot of one that is in the vault.
            if (!local.makeRoom(host.name())) {
                throw JobsException.notAdmitted(refused.get());
            }
        }
    }

    private Optional<Admission.Refused> admitted(
            Machine machine, Foresight.Holding holding, Host host, boolean isNew) {
        synchronized (holdings) {
            if (isNew
                    && foresight.admission(machine, holding, host, holdings.values())
                            instanceof Admission.Refused refused) {
                return Optional.of(refused);
            }
            holdings.put(holding.transfer().id(), holding);
            return Optional.empty();
        }
    }

    private void release(String job) {
        synchronized (holdings) {
            holdings.remove(job);
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

        @Override
        public Optional<TransferRules> rules() {
            return job.policy().flatMap(policies::findReadable).map(Policy::transfer);
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
