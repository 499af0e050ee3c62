package io.stillpoint.service;

import com.github.kagkarlsson.scheduler.ScheduledExecutionsFilter;
import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.SchedulerName;
import com.github.kagkarlsson.scheduler.exceptions.DbSchedulerException;
import com.github.kagkarlsson.scheduler.task.CompletionHandler;
import com.github.kagkarlsson.scheduler.task.Task;
import com.github.kagkarlsson.scheduler.task.TaskInstanceId;
import com.github.kagkarlsson.scheduler.task.helper.CustomTask;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import io.stillpoint.hypervisor.VmId;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.Undisturbed;
import io.stillpoint.service.base.Tools;
import io.stillpoint.service.care.VaultCare;
import io.stillpoint.service.config.ServiceConfig;
import io.stillpoint.service.control.ControlServer;
import io.stillpoint.service.control.Requests;
import io.stillpoint.service.database.Alerts;
import io.stillpoint.service.database.Cares;
import io.stillpoint.service.database.Database;
import io.stillpoint.service.database.DatabaseException;
import io.stillpoint.service.database.Job;
import io.stillpoint.service.database.JobState;
import io.stillpoint.service.database.Jobs;
import io.stillpoint.service.database.Locals;
import io.stillpoint.service.database.Machine;
import io.stillpoint.service.database.Machines;
import io.stillpoint.service.database.Points;
import io.stillpoint.service.database.Policies;
import io.stillpoint.service.database.VmKey;
import io.stillpoint.service.fleet.Fleet;
import io.stillpoint.service.fleet.Hosts;
import io.stillpoint.service.fleet.KeptPolicies;
import io.stillpoint.service.job.JobRunner;
import io.stillpoint.service.local.LocalTier;
import io.stillpoint.service.vaults.Vaults;
import io.stillpoint.service.watch.Watch;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// The process that a user leaves running (`docs/service.md`). [#start] begins everything, [#close] has all jobs pause where
/// they are, so that the next process goes on with them.
public final class Service implements AutoCloseable {
    private static final Duration HEARTBEAT = Duration.ofSeconds(10);
    private static final int HEARTBEATS_MISSED = 4;
    private static final Duration POLL = Duration.ofSeconds(1);
    private static final Duration TICK = Duration.ofSeconds(2);
    private static final Duration LOOK = Duration.ofMinutes(1);
    private static final Duration STOP_MAX = Duration.ofMinutes(2);
    private static final Duration AFTER_FAILURE = Duration.ofSeconds(10);

    /// Rows of hosts that this server does not reach belong to others.
    private static final Duration NEVER = Duration.ofDays(36_500);

    private static final String CARE = "care";

    private final ServiceConfig config;
    private final Tools tools;
    private final Database database;
    private final ServerLock lock;
    private final Vaults vaults;
    private final Hosts hosts;
    private final Machines machines;
    private final Jobs jobs;
    private final Fleet fleet;
    private final Locals locals;
    private final LocalTier local;
    private final JobRunner runner;
    private final VaultCare care;
    private final Alerts alerts;
    private final Points points;
    private final Set<String> looking = ConcurrentHashMap.newKeySet();
    private final Watch watch;
    private final Map<String, CustomTask<Void>> backups = new LinkedHashMap<>();
    private final CustomTask<Void> cares;
    private final DeadRows dead = new DeadRows(HEARTBEAT.multipliedBy(3));
    private final ExecutorService threads;
    private final Scheduler scheduler;
    private final ControlServer control;
    private final Thread ticking;
    private Instant looked = Instant.MIN;
    private volatile @Nullable String trouble;
    private volatile boolean isClosed;

    private Service(ServiceConfig config, Tools tools, Database database, ServerLock lock) {
        this.config = config;
        this.tools = tools;
        this.database = database;
        this.lock = lock;
        vaults = new Vaults(config, tools);
        hosts = new Hosts(config, tools);
        machines = new Machines(database);
        jobs = new Jobs(database);
        points = new Points(database);
        Cares noted = new Cares(database);
        KeptPolicies policies = new KeptPolicies(new Policies(database), tools.clock());
        fleet = new Fleet(hosts, machines, policies, points, tools);
        locals = new Locals(database);
        local = new LocalTier(locals, machines, jobs, hosts, tools);
        runner =
                new JobRunner(
                        config,
                        tools,
                        new JobRunner.Records(machines, jobs, points, policies),
                        new JobRunner.Places(hosts, vaults, local));
        care =
                new VaultCare(
                        vaults, new VaultCare.Records(machines, policies, points, noted), tools);
        alerts = new Alerts(database, config.name());
        watch =
                new Watch(
                        new Watch.Records(machines, policies, jobs, points, noted, alerts),
                        new Watch.Places(hosts, vaults, runner.turns(), config.secrets()),
                        tools);
        hosts.names().forEach(host -> backups.put(host, backup(host)));
        cares = care();
        List<Task<?>> tasks = new ArrayList<>(backups.values());
        tasks.add(cares);
        threads =
                Executors.newCachedThreadPool(
                        task -> tools.process().threads().working("job", task));
        scheduler =
                Scheduler.create(database.source(), tasks)
                        .schedulerName(new SchedulerName.Fixed(config.name()))
                        .threads(config.limits().jobs() + config.vaults().size())
                        .executorService(threads)
                        .heartbeatInterval(HEARTBEAT)
                        .missedHeartbeatsLimit(HEARTBEATS_MISSED)
                        .pollingInterval(POLL)
                        .deleteUnresolvedAfter(NEVER)
                        .shutdownMaxWait(STOP_MAX)
                        .enableImmediateExecution()
                        .clock(tools.clock()::instant)
                        .build();
        control =
                ControlServer.start(
                        config.control(),
                        new Requests(
                                new Requests.Parts(
                                        hosts,
                                        vaults,
                                        fleet,
                                        policies,
                                        machines,
                                        jobs,
                                        points,
                                        noted,
                                        alerts,
                                        runner,
                                        locals,
                                        local,
                                        care,
                                        watch,
                                        this::due,
                                        () -> Optional.ofNullable(trouble),
                                        tools)),
                        tools.process().threads());
        ticking = tools.process().threads().working("tick", this::tick);
    }

    /// Starts the service. Throws a [ServiceException], or a [io.stillpoint.service.database.DatabaseException], if it
    /// can't.
    public static Service start(ServiceConfig config, Tools tools) {
        ServerLock lock = ServerLock.of(config.name(), config.state());
        boolean done = false;
        try {
            Database database = Database.open(config.database());
            try {
                lock.take(database);
                // Of an earlier process of this name, which has ended: nobody else can have the
                // lock.
                int left = database.releasePicked(config.name());
                if (left > 0) {
                    tools.log()
                            .accept(
                                    "goes on with what the process before had begun: jobs: "
                                            + left);
                }
                Service service = new Service(config, tools, database, lock);
                service.begin();
                done = true;
                return service;
            } finally {
                if (!done) {
                    database.close();
                }
            }
        } finally {
            if (!done) {
                lock.close();
            }
        }
    }

    private void begin() {
        // Before jobs go on, which need to know where their VMs are.
        tickOnce();
        scheduler.start();
        for (String vault : config.vaults().keySet()) {
            scheduler.scheduleIfNotExists(cares.instance(vault), nextCare(vault));
        }
        ticking.start();
        local.start();
    }

    private CustomTask<Void> backup(String host) {
        return Tasks.custom("backup@" + host, Void.class)
                .onFailure((ended, row) ->
                        row.reschedule(ended, tools.clock().instant().plus(AFTER_FAILURE)))
                .onDeadExecution(dead)
                .execute((row, _) ->
                        dead.work(row, () -> backUp(new VmKey(host, new VmId(row.getId())))));
    }

    private CompletionHandler<Void> backUp(VmKey vm) {
        Optional<Instant> next = runner.run(vm);
        return (ended, operations) -> {
            if (next.isPresent()) {
                operations.reschedule(ended, next.get());
            } else {
                operations.stop();
            }
        };
    }

    private CustomTask<Void> care() {
        return Tasks.custom(CARE, Void.class)
                .onFailure((ended, row) ->
                        row.reschedule(ended, tools.clock().instant().plus(AFTER_FAILURE)))
                .onDeadExecution(dead)
                .execute((row, _) -> dead.work(row, () -> care(row.getId())));
    }

    private CompletionHandler<Void> care(String name) {
        ServiceConfig.VaultConfig vault = config.vaults().get(name);
        // One that was missed is not made up for: it would come in working hours.
        if (vault != null && VaultCare.isOpen(vault.care(), tools.clock().instant())) {
            care.run(name);
            Instant before = tools.clock().instant().minus(config.history());
            int gone = jobs.deleteEndedBefore(before);
            int _ = alerts.deleteClosedBefore(before);
            int _ = locals.deleteEndedBefore(before);
            int _ = machines.deleteGoneBefore(before);
            if (gone > 0) {
                tools.log().accept(gone + " old jobs left the history");
            }
        }
        Instant next = nextCare(name);
        return (ended, operations) -> operations.reschedule(ended, next);
    }

    private Instant nextCare(String vault) {
        ServiceConfig.VaultConfig known = config.vaults().get(vault);
        Instant now = tools.clock().instant();
        return known == null ? now.plus(Duration.ofHours(1)) : VaultCare.next(known.care(), now);
    }

    /// Something may be due for a VM at once, or at another time than before.
    private void due(VmKey key) {
        CustomTask<Void> task = backups.get(key.host());
        if (task == null) {
            return;
        }
        Optional<Instant> next = runner.next(key);
        TaskInstanceId row = task.instance(key.id().text());
        try {
            if (next.isEmpty()) {
                scheduler.getScheduledExecution(row).ifPresent(_ -> scheduler.cancel(row));
            } else if (!scheduler.scheduleIfNotExists(task.instance(key.id().text()), next.get())) {
                boolean _ = scheduler.reschedule(row, next.get());
            }
        } catch (DbSchedulerException e) {
            // It runs, or has begun or ended just now: once it has ended it looks by itself for
            // what is next, and so
            // does the next tick.
        }
    }

    private void tick() {
        while (!isClosed) {
            pause();
            tickOnce();
        }
    }

    /// By one thread at a time.
    private void tickOnce() {
        try {
            Instant now = tools.clock().instant();
            boolean isLook =
                    looked.equals(Instant.MIN)
                            || Duration.between(looked, now).abs().compareTo(LOOK) > 0;
            if (isLook) {
                looked = now;
                fleet.look();
                ensureAll();
                config.vaults().keySet().forEach(this::lookAtVault);
                watch.look();
            }
            runner.turns().look();
            runner.lookForCancelled();
            jobs.unfinished().stream()
                    .filter(each -> each.state() == JobState.QUEUED)
                    .map(Job::vm)
                    .forEach(this::due);
            if (isLook) {
                trouble = null;
            }
        } catch (RuntimeException e) {
            // What failed in a look is looked at again at the next tick, and is trouble until then.
            looked = Instant.MIN;
            if (e instanceof DatabaseException) {
                dead.databaseIsAway();
            }
            // Whatever it is, the next tick may fare better.
            String why =
                    e instanceof StillpointException known ? known.text().toString() : e.toString();
            if (!why.equals(trouble)) {
                tools.log().accept(why);
            }
            trouble = why;
        }
    }

    /// Opens a vault that is not open, on a thread of its own: a store that does not answer takes its time. Why it can't be
    /// opened, the vaults tell. What a new database does not know of its points is read.
    private void lookAtVault(String name) {
        if (vaults.isOpen(name) || !looking.add(name)) {
            return;
        }
        tools.process()
                .threads()
                .waiting(
                        "vault-look",
                        () -> {
                            try {
                                Vaults.Opened opened = vaults.open(name);
                                if (points.isEmpty(name)) {
                                    int _ = care.catalogue().read(opened);
                                }
                            } catch (StillpointException e) {
                                // Shown as the vault's trouble.
                            } catch (RuntimeException e) {
                                tools.defect(e);
                            } finally {
                                looking.remove(name);
                            }
                        })
                .start();
    }

    /// There is a row for each protected VM of the hosts that this server reaches.
    private void ensureAll() {
        Set<String> rows = new HashSet<>();
        backups.forEach((host, task) ->
                scheduler.fetchScheduledExecutionsForTask(
                        task.getName(),
                        Void.class,
                        ScheduledExecutionsFilter.all(),
                        row -> rows.add(host + "/" + row.getTaskInstance().getId())));
        for (Machine each : machines.all()) {
            if (each.protection().policy().isPresent() && !rows.contains(each.key().toString())) {
                due(each.key());
            }
        }
    }

    private synchronized void pause() {
        boolean _ =
                Undisturbed.await(() -> {
                    if (!isClosed) {
                        TimeUnit.NANOSECONDS.timedWait(this, TICK.toNanos());
                    }
                    return true;
                });
    }

    /// Has all jobs pause where they are: what they hold stays for the next process. Returns when nothing runs any more, or
    /// after two minutes.
    @Override
    public void close() {
        synchronized (this) {
            isClosed = true;
            notifyAll();
        }
        control.close();
        Undisturbed.join(ticking);
        runner.suspend();
        local.close();
        care.stop();
        scheduler.stop();
        threads.shutdown();
        runner.close();
        vaults.close();
        lock.close();
        database.close();
    }
}
