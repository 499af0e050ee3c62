package io.stillpoint.service.local;

import io.stillpoint.engine.BackupJob;
import io.stillpoint.engine.LocalKeeping;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.Hypervisor.Power;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.KeptSnapshots;
import io.stillpoint.hypervisor.LocalSnapshots;
import io.stillpoint.hypervisor.LocalSnapshots.Exported;
import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.SnapshotName;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.Undisturbed;
import io.stillpoint.platform.text.Text;
import io.stillpoint.service.base.Tools;
import io.stillpoint.service.database.Jobs;
import io.stillpoint.service.database.Locals;
import io.stillpoint.service.database.Locals.Local;
import io.stillpoint.service.database.Machine;
import io.stillpoint.service.database.Machines;
import io.stillpoint.service.database.VmKey;
import io.stillpoint.service.fleet.Hosts;
import io.stillpoint.service.fleet.Hosts.Host;
import io.stillpoint.vault.store.ObjectId;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.Supplier;

/// The local snapshots of the VMs of this server's hosts: remembers them, serves them for reading, and ends them when their
/// time is over or when they stand in somebody's way. Safe for many threads.
public final class LocalTier implements AutoCloseable {
    /// A file system with less than this, or less than this part of it, free is short of space.
    private static final long SHORT = 1L << 30;

    private static final int SHORT_SHARE = 20;

    /// Of one VM.
    private static final int MOST = 24;

    private static final Duration LOOK = Duration.ofSeconds(2);

    /// Of the time, looks take so much at most: one part of so many.
    private static final int SHARE = 20;

    private static final Duration FULL_LOOK = Duration.ofMinutes(1);

    /// A job may have the VM, and nothing held yet.
    private static final Duration BUSY_MAX = Duration.ofSeconds(30);

    private static final Duration BUSY_PAUSE = Duration.ofMillis(300);

    /// What is read is kept for at least so long.
    private static final Duration READING = Duration.ofHours(6);

    private final Locals locals;
    private final Machines machines;
    private final Jobs jobs;
    private final Hosts hosts;
    private final Tools tools;
    private final Map<VmKey, Supplier<Optional<BackupJob.Holding>>> holders =
            new ConcurrentHashMap<>();
    private final Map<VmKey, Object> gates = new ConcurrentHashMap<>();
    private final Set<VmKey> inProgress = ConcurrentHashMap.newKeySet();
    private final AtomicBoolean makesRoom = new AtomicBoolean();
    private final Thread looking;
    private Instant looked = Instant.MIN;
    private final Set<VmKey> isLookDue = ConcurrentHashMap.newKeySet();
    private volatile boolean isClosed;

    /// @param jobs whose journals name snapshots
    public LocalTier(Locals locals, Machines machines, Jobs jobs, Hosts hosts, Tools tools) {
        this.locals = locals;
        this.machines = machines;
        this.jobs = jobs;
        this.hosts = hosts;
        this.tools = tools;
        looking = tools.process().threads().working("local", this::run);
    }

    /// Begins to look after them.
    public void start() {
        looking.start();
    }

    /// A job has the VM from now on until what is returned is closed.
    ///
    /// @param held its snapshot, once there is one
    public Holding holds(VmKey vm, Supplier<Optional<BackupJob.Holding>> held) {
        synchronized (gate(vm)) {
            holders.put(vm, held);
        }
        return () -> {
            holders.remove(vm, held);
            // The job may have ended some.
            isLookDue.add(vm);
        };
    }

    /// Held while a VM is open here: a job of that VM waits for it, and nobody else does. One for each VM that ever had a
    /// job.
    private Object gate(VmKey vm) {
        return gates.computeIfAbsent(vm, _ -> new Object());
    }

    /// That a job has a VM.
    @FunctionalInterface
    public interface Holding extends AutoCloseable {
        @Override
        void close();
    }

    /// What a job asks.
    ///
    /// @param vault of its point
    /// @param keep for how long its snapshot stays; zero: not at all
    public LocalKeeping keeping(VmKey vm, String vault, Duration keep) {
        return new LocalKeeping() {
            @Override
            public List<SnapshotDescriptor> known() {
                return descriptors(locals.of(vm));
            }

            @Override
            public boolean keep(SnapshotDescriptor snapshot, ObjectId point, Instant at) {
                if (keep.isZero()) {
                    return false;
                }
                locals.add(
                        new Local(
                                snapshot.name().toString(),
                                vm,
                                vault,
                                point.toString(),
                                at,
                                at.plus(keep),
                                snapshot.json().toString()));
                return true;
            }

            @Override
            public void forget(SnapshotName snapshot) {
                locals.remove(snapshot.toString());
            }
        };
    }

    /// The names of all that may stand on a host: what no sweep takes.
    public Set<SnapshotName> names(String host) {
        Set<SnapshotName> names = new HashSet<>();
        for (Local each : locals.all()) {
            if (each.vm().host().equals(host)) {
                names.add(SnapshotName.parse(each.name()));
            }
        }
        return names;
    }

    /// Has a snapshot of a VM served for reading: a local one, or that of the job that has the VM now. Throws a
    /// [LocalException] if it does not stand.
    public Exported serve(VmKey vm, String name) {
        SnapshotName wanted = SnapshotName.parse(name);
        boolean _ = locals.keep(name, tools.clock().instant().plus(READING));
        return retried(() -> {
            Optional<BackupJob.Holding> held = held(vm);
            if (held.filter(each -> each.name().equals(wanted)).isPresent()) {
                return held.get()
                        .snapshot()
                        .exported()
                        .orElseThrow(() -> LocalException.gone(name, text("local.off").toString()));
            }
            requireKnown(vm, name);
            return with(vm, snapshots -> exported(snapshots, wanted));
        });
    }

    /// What was ended a moment ago, by the scratch limit or another program, is told of by the next full look.
    private static Exported exported(LocalSnapshots snapshots, SnapshotName wanted) {
        try {
            return snapshots.export(wanted);
        } catch (HypervisorException e) {
            if (e.kind() == HypervisorException.Kind.REFUSED
                    && !snapshots.standing().contains(wanted)) {
                throw LocalException.gone(wanted.toString(), text("local.not-whole").toString());
            }
            throw e;
        }
    }

    /// Whether all that was read of a snapshot that was served is of its instant. Ends the serving if that is `over`.
    public boolean proves(VmKey vm, String name, boolean over) {
        SnapshotName wanted = SnapshotName.parse(name);
        return retried(() -> {
            Optional<BackupJob.Holding> held = held(vm);
            if (held.filter(each -> each.name().equals(wanted)).isPresent()) {
                return isValid(held.get().snapshot());
            }
            if (locals.of(vm).stream().noneMatch(each -> each.name().equals(name))) {
                return false;
            }
            return with(
                    vm,
                    snapshots -> {
                        boolean stands = snapshots.standing().contains(wanted);
                        if (over) {
                            snapshots.endExport(wanted);
                        }
                        return stands
                                && held(vm).map(each -> isValid(each.snapshot())).orElse(true);
                    });
        });
    }

    private static boolean isValid(HeldSnapshot held) {
        try {
            held.proveValid();
            return true;
        } catch (HypervisorException e) {
            if (e.kind() == HypervisorException.Kind.SNAPSHOT_BROKEN) {
                return false;
            }
            throw e;
        }
    }

    private void requireKnown(VmKey vm, String name) {
        if (locals.of(vm).stream().noneMatch(each -> each.name().equals(name))) {
            throw LocalException.gone(
                    name,
                    locals.ended(vm).stream()
                            .filter(each -> each.local().name().equals(name))
                            .map(Locals.Ended::why)
                            .findFirst()
                            .orElse(""));
        }
    }

    /// Ends some because somebody wants it.
    public void end(VmKey vm, Set<String> names, String user) {
        names.forEach(each -> requireKnown(vm, each));
        boolean _ =
                retried(() -> {
                    end(vm, names, text("local.by-hand", user));
                    return true;
                });
    }

    /// Ends the oldest one of a host, so that a snapshot for a backup has room. Returns whether there was one.
    public boolean makeRoom(String host) {
        return makeRoom(host, text("local.for-backup"));
    }

    private boolean makeRoom(String host, Text why) {
        List<Local> oldestFirst =
                locals.all().stream()
                        .filter(each -> each.vm().host().equals(host))
                        .sorted(Comparator.comparing(Local::takenAt))
                        .toList();
        for (Local each : oldestFirst) {
            try {
                end(each.vm(), Set.of(each.name()), why);
                return true;
            } catch (HypervisorException | LocalException | IllegalStateException e) {
                // Its VM does not answer now, or a job has it; another one may go.
            }
        }
        return false;
    }

    /// The snapshot of the job that has a VM now; empty if there is none.
    public Optional<BackupJob.Holding> held(VmKey vm) {
        Supplier<Optional<BackupJob.Holding>> holder = holders.get(vm);
        return holder == null ? Optional.empty() : holder.get();
    }

    /// Through the job that has the VM, or else by opening it.
    private <T> T with(VmKey vm, Function<LocalSnapshots, T> use) {
        List<SnapshotDescriptor> known = descriptors(locals.of(vm));
        Optional<BackupJob.Holding> held = held(vm);
        if (held.isPresent()) {
            return use.apply(held.get().snapshot().older(known));
        }
        synchronized (gate(vm)) {
            if (holders.containsKey(vm)) {
                // Of a job that holds nothing yet, or nothing any more.
                throw LocalException.busy();
            }
            try (VirtualMachine opened = host(vm).hypervisor().open(vm.id())) {
                return use.apply(opened.local(known, journalled(vm.host())));
            }
        }
    }

    /// A job that waits for a process to go on with it holds a snapshot that no local one may take with it.
    private KeptSnapshots journalled(String host) {
        Set<SnapshotName> names = new HashSet<>();
        jobs.snapshots(host).forEach(each -> names.add(SnapshotName.parse(each)));
        return new KeptSnapshots(names);
    }

    private Host host(VmKey vm) {
        return hosts.find(vm.host())
                .orElseThrow(() -> new IllegalStateException("no host of ours: " + vm));
    }

    /// A job may begin or end at any moment, and takes the VM with it.
    private static <T> T retried(Supplier<T> action) {
        long deadline = System.nanoTime() + BUSY_MAX.toNanos();
        while (true) {
            try {
                return action.get();
            } catch (HypervisorException | LocalException e) {
                boolean mayPass = e.retryable() && System.nanoTime() < deadline;
                if (!mayPass) {
                    throw e;
                }
            } catch (IllegalStateException e) {
                // The job has let go of its snapshot just now.
                if (System.nanoTime() > deadline) {
                    throw e;
                }
            }
            boolean _ =
                    Undisturbed.await(() -> {
                        TimeUnit.NANOSECONDS.sleep(BUSY_PAUSE.toNanos());
                        return true;
                    });
        }
    }

    private static List<SnapshotDescriptor> descriptors(List<Local> known) {
        return known.stream()
                .map(each -> SnapshotDescriptor.of(Json.parse(each.descriptor())))
                .toList();
    }

    private void run() {
        while (!isClosed) {
            long began = System.nanoTime();
            long took = 0;
            try {
                // One that hangs takes no processor.
                took = look() ? System.nanoTime() - began : 0;
            } catch (StillpointException e) {
                // The database is away; the service says so.
            } catch (RuntimeException e) {
                tools.defect(e);
            }
            pause(Math.max(LOOK.toNanos(), took * SHARE));
        }
    }

    private synchronized void pause(long nanos) {
        boolean _ =
                Undisturbed.await(() -> {
                    if (!isClosed) {
                        TimeUnit.NANOSECONDS.timedWait(this, nanos);
                    }
                    return true;
                });
    }

    /// Ends those whose time is over, that are not whole any more, or that stand in the way. Returns whether all VMs have
    /// answered.
    boolean look() {
        Instant now = tools.clock().instant();
        boolean isFull =
                looked.equals(Instant.MIN)
                        || Duration.between(looked, now).abs().compareTo(FULL_LOOK) > 0;
        if (isFull) {
            looked = now;
        }
        Map<VmKey, List<Local>> byVm = new LinkedHashMap<>();
        for (Local each : locals.all()) {
            if (hosts.names().contains(each.vm().host())) {
                byVm.computeIfAbsent(each.vm(), _ -> new ArrayList<>()).add(each);
            }
        }
        if (!byVm.isEmpty() && makesRoom.compareAndSet(false, true)) {
            tools.process().threads().waiting("local-room", this::makeRoomWhereItIsShort).start();
        }
        List<Thread> looks = new ArrayList<>();
        byVm.forEach((vm, newestFirst) -> {
            if (!isClosed && inProgress.add(vm)) {
                Thread thread =
                        tools.process()
                                .threads()
                                .waiting(
                                        "local-look",
                                        () -> {
                                            try {
                                                look(
                                                        vm,
                                                        newestFirst,
                                                        isLookDue.remove(vm) || isFull);
                                            } finally {
                                                inProgress.remove(vm);
                                            }
                                        });
                thread.start();
                looks.add(thread);
            }
        });
        // One that hangs holds up its own VM alone.
        long deadline = System.nanoTime() + LOOK.toNanos();
        for (Thread each : looks) {
            boolean _ =
                    Undisturbed.await(() ->
                            each.join(Duration.ofNanos(Math.max(1, deadline - System.nanoTime()))));
        }
        return looks.stream().noneMatch(Thread::isAlive);
    }

    /// The oldest of a host go first, as long as its file system is short of space.
    private void makeRoomWhereItIsShort() {
        try {
            for (String name : hosts.names()) {
                Optional<Host> host = hosts.find(name);
                boolean goesOn = true;
                while (goesOn && host.filter(LocalTier::isShort).isPresent()) {
                    goesOn = makeRoom(name, text("local.short"));
                }
            }
        } catch (StillpointException e) {
            // The database is away; the service says so.
        } catch (RuntimeException e) {
            tools.defect(e);
        } finally {
            makesRoom.set(false);
        }
    }

    private static boolean isShort(Host host) {
        Path folder = host.config().scratch();
        try {
            if (!Files.isDirectory(folder)) {
                return false;
            }
            FileStore store = Files.getFileStore(folder);
            long least = Math.min(SHORT, store.getTotalSpace() / SHORT_SHARE);
            return store.getUsableSpace() < least;
        } catch (IOException e) {
            // Whoever writes there next will tell.
            return false;
        }
    }

    private void look(VmKey vm, List<Local> newestFirst, boolean isFull) {
        try {
            Optional<HypervisorException> why = with(vm, LocalSnapshots::whyEnd);
            if (why.isPresent()) {
                end(vm, names(newestFirst), why.get().text());
                return;
            }
            Set<String> over = over(newestFirst);
            if (!over.isEmpty()) {
                boolean isTime =
                        newestFirst.stream()
                                .filter(each -> over.contains(each.name()))
                                .noneMatch(
                                        each -> each.keepUntil().isAfter(tools.clock().instant()));
                end(vm, over, isTime ? text("local.over") : text("local.too-many", MOST));
            }
            if (isFull) {
                Set<SnapshotName> standing = with(vm, LocalSnapshots::standing);
                Set<String> broken = names(newestFirst);
                standing.forEach(each -> broken.remove(each.toString()));
                broken.removeAll(over);
                if (!broken.isEmpty()) {
                    end(vm, broken, text("local.not-whole"));
                }
            }
        } catch (HypervisorException e) {
            // A job has the VM, or it does not answer; the next look may tell. What was seen a
            // minute ago does not count for a
            // VM that answers.
            boolean isGone = e.code().equals("vm.unknown") || e.code().equals("qmp.no-monitor");
            if (isGone && isOff(vm)) {
                newestFirst.forEach(this::endGone);
            }
        } catch (StillpointException | IllegalStateException e) {
            // As above; or the database is away.
        } catch (RuntimeException e) {
            tools.defect(e);
        }
    }

    private static Set<String> names(List<Local> locals) {
        Set<String> names = new HashSet<>();
        locals.forEach(each -> names.add(each.name()));
        return names;
    }

    /// Each stands on the next newer one, so none goes before one that is older. QEMU reads the oldest through all others.
    private Set<String> over(List<Local> newestFirst) {
        Instant now = tools.clock().instant();
        Set<String> over = new HashSet<>();
        for (Local each : newestFirst.reversed()) {
            boolean isOneTooMany = newestFirst.size() - over.size() > MOST;
            if (each.keepUntil().isAfter(now) && !isOneTooMany) {
                break;
            }
            over.add(each.name());
        }
        return over;
    }

    private boolean isOff(VmKey vm) {
        return machines.find(vm)
                .map(Machine::power)
                .filter(Power.OFF.name().toLowerCase(Locale.ROOT)::equals)
                .isPresent();
    }

    private void end(VmKey vm, Set<String> names, Text why) {
        Set<SnapshotName> ended = new HashSet<>();
        names.forEach(each -> ended.add(SnapshotName.parse(each)));
        boolean _ =
                with(
                        vm,
                        snapshots -> {
                            snapshots.end(ended);
                            return true;
                        });
        locals.of(vm).stream()
                .filter(each -> names.contains(each.name()))
                .forEach(each -> noted(each, why));
    }

    private void endGone(Local local) {
        try {
            host(local.vm())
                    .hypervisor()
                    .removeLocal(SnapshotDescriptor.of(Json.parse(local.descriptor())));
        } catch (HypervisorException e) {
            tools.log().accept(local.vm() + ": " + e.getMessage());
        }
        noted(local, text("local.off"));
    }

    private void noted(Local local, Text why) {
        if (locals.end(local.name(), tools.clock().instant(), why.toString())) {
            String vm =
                    machines.find(local.vm())
                            .map(Machine::place)
                            .orElseGet(() -> local.vm().toString());
            tools.log().accept(text("local.ended", vm, local.takenAt(), why).toString());
        }
    }

    private static Text text(String code, Object... arguments) {
        return Text.of(LocalTier.class, code, arguments);
    }

    /// Looks after them no longer. They stay.
    @Override
    public void close() {
        synchronized (this) {
            isClosed = true;
            notifyAll();
        }
        Undisturbed.join(looking);
    }
}
