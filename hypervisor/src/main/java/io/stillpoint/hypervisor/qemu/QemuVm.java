package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.KeptSnapshots;
import io.stillpoint.hypervisor.LocalSnapshots;
import io.stillpoint.hypervisor.MachineNotice;
import io.stillpoint.hypervisor.PreparedSnapshot;
import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.SnapshotName;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.hypervisor.VmId;
import io.stillpoint.hypervisor.VmIdentity;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.Undisturbed;
import io.stillpoint.platform.Waiting;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.setting.NamePattern;
import io.stillpoint.platform.text.Text;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A VM of a running QEMU, reached over its QMP socket. Needs QEMU 7.1 or newer and a monitor of its own.
public final class QemuVm implements VirtualMachine {

    /// A sweep after a killed job has the VM for a moment.
    private static final Duration LOCK_MAX = Duration.ofSeconds(5);

    private static final Duration LOCK_RETRY = Duration.ofMillis(100);

    private final VmLock lock;
    private final Monitor monitor;
    private final QemuVersion version;
    private final Optional<QemuRun> process;
    private final OwnerMark owner;
    private final QemuSettings settings;
    private final List<MachineNotice> notices = new ArrayList<>();
    private @Nullable ScratchFolder scratch;
    private @Nullable AbandonedSnapshot guardian;
    private KeptSnapshots guardianKeeps = KeptSnapshots.NONE;
    private SweepScope scope = SweepScope.everybody();
    private boolean isLeft;
    private @Nullable ObjectNode configuration;

    private QemuVm(VmLock lock, Monitor monitor, QemuSettings settings) {
        this.lock = lock;
        this.monitor = monitor;
        this.settings = settings;
        this.version = QemuVersion.of(monitor.execute("query-version"));
        this.process = QemuRun.listeningOn(monitor.socket());
        this.owner = OwnerMark.put(monitor);
    }

    /// As [#open(Path, QemuSettings)], with the usual settings.
    public static QemuVm open(Path qmpSocket, Threads threads) {
        return open(qmpSocket, QemuSettings.usual(threads));
    }

    /// Connects to the monitor and takes the VM's lock, which no other job gets until [#close].
    ///
    /// Throws a [HypervisorException] of kind UNREACHABLE when nothing answers there, another program holds the
    /// monitor or another job the lock.
    ///
    /// @param qmpSocket the path of a `-qmp unix:PATH,server=on,wait=off` option
    public static QemuVm open(Path qmpSocket, QemuSettings settings) {
        return open(qmpSocket, settings, LOCK_MAX);
    }

    static QemuVm open(Path qmpSocket, QemuSettings settings, Duration lockMax) {
        Path socket = real(qmpSocket);
        VmLock lock = lock(socket, lockMax);
        Monitor monitor = null;
        boolean done = false;
        try {
            monitor = new Monitor(socket, settings.threads());
            QemuVm vm = new QemuVm(lock, monitor, settings);
            done = true;
            return vm;
        } finally {
            if (!done) {
                if (monitor != null) {
                    monitor.close();
                }
                lock.close();
            }
        }
    }

    private static VmLock lock(Path socket, Duration lockMax) {
        long deadline = System.nanoTime() + lockMax.toNanos();
        try (Waiting _ = Waiting.until(() -> text("vm.awaiting-lock", socket))) {
            while (true) {
                try {
                    return VmLock.acquire(socket);
                } catch (HypervisorException e) {
                    boolean mayPass = e.code().equals("vm.locked") && System.nanoTime() < deadline;
                    if (!mayPass || Thread.currentThread().isInterrupted()) {
                        throw e;
                    }
                }
                LockSupport.parkNanos(LOCK_RETRY.toNanos());
            }
        }
    }

    @Override
    public boolean running() {
        return monitor.isVmRunning();
    }

    @Override
    public void requireFit() {
        VmState.of(monitor).requireFit(monitor);
    }

    @Override
    public VmIdentity identity() {
        return look().identity();
    }

    /// Which VM of this host it is.
    public VmId id() {
        return look().id();
    }

    private MachineLook look() {
        return new MachineLook(monitor, process, settings.disks());
    }

    @Override
    public Optional<Channel> channel(Path socket) {
        return QemuChannel.find(monitor, process, socket);
    }

    /// What [MachineDescription] tells, as it was before the latest snapshot put anything of ours into the VM.
    @Override
    public ObjectNode configuration() {
        ObjectNode known = configuration;
        return known == null ? look().configuration(version) : known.deepCopy();
    }

    @Override
    public List<MachineNotice> notices() {
        return List.copyOf(notices);
    }

    @Override
    public PreparedSnapshot prepare(SnapshotRequest request) {
        notices.clear();
        SnapshotName name = request.name();
        ScratchFolder folder = scratch(request.scratchFolder());
        SnapshotPlace place = SnapshotPlace.of(monitor, VmPaths.of(monitor.socket(), folder));
        scope = new SweepScope.AllBut(request.kept().without(name));
        isLeft = false;
        Sweep sweep = place.sweep(scope);
        sweep.run();
        DiskList.Found found = new DiskList(monitor, settings.disks()).look();
        List<SnapshotPlan> local = carried(request, place, found.disks());
        requireNoneHeld(local);
        List<GuestDisk> disks = found.disks();
        if (disks.isEmpty()
                && found.leftOut().stream()
                        .anyMatch(each -> each.reason() == LeftOut.Reason.NOT_WANTED)) {
            throw new HypervisorException(
                    Kind.UNSUPPORTED, "vm.all-left-out", null, monitor.socket());
        }
        requireFit();
        new SafetyCheck(monitor, version).requireSafe(disks);
        ScratchRoom room = ScratchRoom.of(request.scratchMax(), folder);
        describe(found, room, request);
        RecordingFacts facts = RecordingFacts.of(monitor, process, disks);
        List<PlannedDisk> planned = new ArrayList<>();
        for (GuestDisk disk : disks) {
            planned.add(PlannedDisk.of(planned.size(), disk, request, facts));
        }
        if (local.isEmpty()) {
            planned.forEach(disk -> removeStaleBitmaps(sweep, disk, request));
        }
        noteForSweep(folder, request.kept());
        SnapshotPlan plan = new SnapshotPlan(name, planned, facts, room);
        boolean done = false;
        Succession succession = new Succession(place, plan, local);
        PreparedQemuSnapshot prepared =
                new PreparedQemuSnapshot(place, plan, succession, new Owner());
        try {
            place.server().start(plan.names());
            ScratchImages images = new ScratchImages(place, plan.names(), room.limit());
            plan.held().forEach(disk -> images.add(disk.disk(), disk.index()));
            succession.prepare();
            done = true;
            return prepared;
        } finally {
            if (!done) {
                prepared.undoQuietly();
            }
        }
    }

    /// The local snapshots that the new one carries on, newest first. Where it can't carry on all that there may be, they
    /// end.
    private List<SnapshotPlan> carried(
            SnapshotRequest request, SnapshotPlace place, List<GuestDisk> disks) {
        if (request.local().isEmpty()) {
            return List.of();
        }
        LocalQemuSnapshots known = LocalQemuSnapshots.of(place, process, request.local(), Set.of());
        Set<SnapshotName> standing = known.standing();
        List<SnapshotDescriptor> whole =
                request.local().stream().filter(each -> standing.contains(each.name())).toList();
        LocalQemuSnapshots local = LocalQemuSnapshots.of(place, process, whole, Set.of());
        boolean areCarried = local.areOf(disks);
        KeptSnapshots kept = request.kept().without(request.name());
        for (SnapshotDescriptor each : request.local()) {
            if (!areCarried || !standing.contains(each.name())) {
                kept = kept.without(each.name());
                notices.add(
                        MachineNotice.hint(
                                "snapshot.local-ended",
                                text("snapshot.local-ended", each.name().toString())));
            }
        }
        scope = new SweepScope.AllBut(kept);
        place.sweep(scope).run();
        return areCarried ? local.plans() : List.of();
    }

    /// What is left after the sweep is kept. Two filters above one disk would each miss what the other copies.
    ///
    /// @param local those that a new snapshot carries on
    private void requireNoneHeld(List<SnapshotPlan> local) {
        Set<JobNames> carried = new HashSet<>();
        local.forEach(each -> carried.add(each.names()));
        carried.addAll(new FleeceChain(BlockGraph.of(monitor)).below(carried::contains));
        List<String> held =
                Traces.of(
                        monitor,
                        Traces.Reach.LEFTOVERS,
                        new SweepScope.Others(Set.copyOf(carried)));
        if (!held.isEmpty()) {
            throw new HypervisorException(
                    Kind.BUSY, "vm.snapshot-kept", null, monitor.socket(), held.getFirst());
        }
    }

    @Override
    public HeldSnapshot adopt(SnapshotDescriptor descriptor) {
        SnapshotState state = SnapshotState.in(descriptor);
        notices.clear();
        ScratchFolder folder = scratch(state.scratch());
        SnapshotPlace place = SnapshotPlace.of(monitor, VmPaths.of(state.socket(), folder));
        Sweep sweep = place.sweep(new SweepScope.Only(JobNames.of(descriptor.name())));
        scope = new SweepScope.Only(JobNames.of(descriptor.name()));
        isLeft = false;
        try {
            sweep.continueVm();
            configuration = state.configuration();
            HeldSnapshot adopted = HeldQemuSnapshot.adopted(place, descriptor, state, new Owner());
            noteForSweep(folder, keptWith(descriptor.name()));
            return adopted;
        } catch (HypervisorException e) {
            // Nothing of it is read here any more, whether it is left or swept.
            configuration = null;
            isLeft = true;
            requireAnswer(e);
            HypervisorException broken =
                    e.kind() == Kind.SNAPSHOT_BROKEN
                            ? e
                            : new HypervisorException(
                                    Kind.SNAPSHOT_BROKEN,
                                    "snapshot.not-whole",
                                    e,
                                    monitor.socket(),
                                    e);
            try {
                Undisturbed.run(sweep::run);
                MigrationEvents.end(monitor, state.switchedEvents());
            } catch (HypervisorException left) {
                broken.addSuppressed(left);
            }
            throw broken;
        }
    }

    /// This one, and the local ones that stand upon it.
    private KeptSnapshots keptWith(SnapshotName name) {
        KeptSnapshots kept = KeptSnapshots.of(name);
        for (JobNames each : new FleeceChain(BlockGraph.of(monitor)).above(JobNames.of(name))) {
            kept = kept.with(each.anyName());
        }
        return kept;
    }

    /// Throws the failure if it says nothing of the snapshot: the VM does not answer, or this thread is to end.
    private void requireAnswer(HypervisorException failure) {
        if (Thread.currentThread().isInterrupted()) {
            throw failure;
        }
        try {
            monitor.isVmRunning();
        } catch (HypervisorException e) {
            failure.addSuppressed(e);
            throw failure;
        }
    }

    @Override
    public LocalSnapshots local(List<SnapshotDescriptor> newestFirst, KeptSnapshots others) {
        if (newestFirst.isEmpty()) {
            return LocalSnapshots.NONE;
        }
        ScratchFolder folder = scratch(SnapshotState.in(newestFirst.getFirst()).scratch());
        SnapshotPlace place = SnapshotPlace.of(monitor, VmPaths.of(monitor.socket(), folder));
        isLeft = true;
        return LocalQemuSnapshots.of(
                place,
                process,
                newestFirst,
                others.names().stream().map(JobNames::of).collect(Collectors.toSet()));
    }

    private final class Owner implements HeldQemuSnapshot.Owner {
        @Override
        public Optional<QemuRun> process() {
            return process;
        }

        @Override
        public ObjectNode configuration() {
            return QemuVm.this.configuration();
        }

        @Override
        public void letGo() {
            isLeft = true;
            if (guardian != null) {
                guardian.close();
                guardian = null;
            }
        }
    }

    /// Removes what ended jobs left in the VM and in the scratch folder, but for what is kept. Bitmaps that record for the
    /// next backup stay. Returns the names of what was there.
    public List<String> sweep(Path scratchFolder, KeptSnapshots kept) {
        scope = new SweepScope.AllBut(kept);
        List<String> found = Traces.of(monitor, Traces.Reach.LEFTOVERS, scope);
        sweepIn(scratchFolder).run();
        return found;
    }

    /// Removes everything of ours, of whatever vault, but for what is kept: after it QEMU is as if we had never been there,
    /// and the next backup compares the disks whole. Of a kept snapshot's lineage all recording bitmaps stay. Returns the
    /// names of what was there.
    public List<String> release(Path scratchFolder, KeptSnapshots kept) {
        scope = new SweepScope.AllBut(kept);
        List<String> found = Traces.of(monitor, Traces.Reach.EVERYTHING, scope);
        Sweep sweep = sweepIn(scratchFolder);
        sweep.run();
        sweep.removeBitmaps(bitmap -> Traces.isCoveredRecord(scope, bitmap));
        sweep.requireDone();
        return found;
    }

    private Sweep sweepIn(Path scratchFolder) {
        VmPaths paths = VmPaths.of(monitor.socket(), scratch(scratchFolder));
        return SnapshotPlace.of(monitor, paths).sweep(scope);
    }

    @Override
    public void close() {
        boolean isSwept = scratch == null || isLeft || isSwept();
        if (guardian != null && isSwept) {
            guardian.close();
        }
        owner.remove();
        monitor.close();
        // A snapshot that could not be released may still be read through its folder.
        if (scratch != null && isSwept) {
            scratch.close();
        }
        lock.close();
    }

    /// Whether nothing is left that somebody would have to remove after us.
    private boolean isSwept() {
        try {
            return Traces.of(monitor, Traces.Reach.LEFTOVERS, scope).isEmpty();
        } catch (HypervisorException e) {
            // A VM that is gone has taken everything with it.
            return e.code().equals("qmp.no-monitor");
        }
    }

    private ScratchFolder scratch(Path wanted) {
        ScratchFolder opened = ScratchFolder.open(wanted);
        if (scratch != null) {
            scratch.close();
        }
        scratch = opened;
        return opened;
    }

    /// While nothing of ours is in the VM.
    private void describe(DiskList.Found found, ScratchRoom room, SnapshotRequest request) {
        ObjectNode described = new MachineDescription(monitor, version).of(found);
        configuration = described;
        found.leftOut()
                .forEach(each ->
                        notices.add(
                                new MachineNotice(
                                        "vm.left-out",
                                        text(
                                                "vm.left-out",
                                                each.name(),
                                                text(each.reason().text()),
                                                each.detail()),
                                        each.reason() == LeftOut.Reason.PASS_THROUGH)));
        for (JsonNode each : described.path("notStored")) {
            for (NotStored what : NotStored.values()) {
                if (what.word().equals(each.path("what").asString(""))) {
                    notices.add(
                            MachineNotice.warning(
                                    "vm.not-stored",
                                    text(
                                            "vm.not-stored",
                                            each.path("device").asString(""),
                                            text(what.text()))));
                }
            }
        }
        for (NamePattern pattern : settings.disks().without()) {
            boolean isUsed =
                    found.leftOut().stream()
                            .anyMatch(each ->
                                    each.reason() == LeftOut.Reason.NOT_WANTED
                                            && pattern.matches(each.name()));
            if (!isUsed) {
                notices.add(
                        MachineNotice.hint(
                                "vm.none-left-out",
                                text(
                                        "vm.none-left-out",
                                        pattern,
                                        found.disks().stream()
                                                .map(GuestDisk::name)
                                                .collect(Collectors.joining(", ")))));
            }
        }
        for (GuestDisk disk : found.disks()) {
            if (disk.encrypted()) {
                notices.add(
                        MachineNotice.hint(
                                "vm.encrypted-disk", text("vm.encrypted-disk", disk.name())));
            }
        }
        if (room.isLessThan(request.scratchMax())) {
            notices.add(
                    MachineNotice.hint(
                            "scratch.less-room",
                            text(
                                    "scratch.less-room",
                                    scratchPath(),
                                    room.limit(),
                                    request.scratchMax())));
        }
    }

    private Object scratchPath() {
        return scratch == null ? "" : scratch.path();
    }

    /// From here on something of ours may be in the VM.
    ///
    /// @param kept what the guardian has to leave alone
    private void noteForSweep(ScratchFolder folder, KeptSnapshots kept) {
        try {
            settings.known()
                    .ifPresent(known ->
                            known.note(
                                    new KnownMonitors.Known(
                                            settings.vm(),
                                            monitor.socket(),
                                            folder.path(),
                                            Optional.of(id()))));
            if (guardian != null && !guardianKeeps.equals(kept)) {
                guardian.close();
                guardian = null;
            }
            if (settings.guardian().isPresent() && guardian == null) {
                guardianKeeps = kept;
                guardian =
                        AbandonedSnapshot.watch(
                                folder.path(),
                                settings.guardian()
                                        .get()
                                        .command(monitor.socket(), folder.path(), kept));
            }
        } catch (HypervisorException e) {
            notices.add(MachineNotice.warning(e.code(), e.text()));
        } catch (IOException e) {
            notices.add(
                    MachineNotice.warning("vm.no-guardian", text("vm.no-guardian", Reason.of(e))));
        }
    }

    private static Text text(String code, Object... arguments) {
        return Text.of(HypervisorException.class, code, arguments);
    }

    /// Recording bitmaps of this lineage that no recovery point can use: only the newest point's count.
    private static void removeStaleBitmaps(
            Sweep sweep, PlannedDisk planned, SnapshotRequest request) {
        for (GuestDisk.Bitmap bitmap : planned.disk().bitmaps()) {
            Optional<String> generation = JobNames.generation(request.lineage(), bitmap.name());
            boolean isKept =
                    planned.previous()
                            .flatMap(kept -> JobNames.generation(request.lineage(), kept))
                            .equals(generation);
            if (generation.isPresent() && !isKept) {
                sweep.removeBitmap(planned.disk().node(), bitmap.name());
            }
        }
    }

    /// Ends the connection as a failing monitor would; the next command makes a new one.
    void dropConnection() {
        monitor.drop();
    }

    /// Links resolved, so that one VM has one lock and one key.
    private static Path real(Path path) {
        try {
            return path.toRealPath();
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.UNREACHABLE, "qmp.no-monitor", e, path, Reason.of(e));
        }
    }
}
