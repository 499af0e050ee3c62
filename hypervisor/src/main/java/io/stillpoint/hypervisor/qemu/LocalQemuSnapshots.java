package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.LocalSnapshots;
import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.SnapshotName;
import io.stillpoint.hypervisor.qemu.JobNames.Role;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.disk.Reason;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// The local snapshots of a running QEMU, through a monitor that somebody holds.
///
/// That of one is shown in two steps. What its own filter missed until the next snapshot took its place is settled at that
/// instant ([Succession]). From then on it is as whole as the newest one, through which it reads what was not overwritten
/// before.
final class LocalQemuSnapshots implements LocalSnapshots {
    private final SnapshotPlace place;
    private final Optional<QemuRun> process;
    private final List<Local> newestFirst;
    private final Set<JobNames> others;
    private final boolean isHeld;

    /// What is known of one.
    ///
    /// @param scratch the folder of its images
    /// @param switchedEvents as [SnapshotState]
    private record Local(
            SnapshotDescriptor descriptor,
            SnapshotPlan plan,
            Path scratch,
            boolean switchedEvents) {
        JobNames names() {
            return plan.names();
        }
    }

    /// While a job of this process holds a snapshot, from another thread perhaps: that one is the job's to look at.
    static LocalQemuSnapshots under(
            SnapshotPlace place,
            Optional<QemuRun> process,
            List<SnapshotDescriptor> newestFirst,
            JobNames held) {
        return new LocalQemuSnapshots(place, process, newestFirst, Set.of(held), true);
    }

    /// @param newestFirst those that may stand; of other VMs none
    /// @param others snapshots that jobs will take up again: they stay
    static LocalQemuSnapshots of(
            SnapshotPlace place,
            Optional<QemuRun> process,
            List<SnapshotDescriptor> newestFirst,
            Set<JobNames> others) {
        return new LocalQemuSnapshots(place, process, newestFirst, others, false);
    }

    private LocalQemuSnapshots(
            SnapshotPlace place,
            Optional<QemuRun> process,
            List<SnapshotDescriptor> newestFirst,
            Set<JobNames> others,
            boolean isHeld) {
        this.place = place;
        this.process = process;
        this.newestFirst =
                newestFirst.stream()
                        .map(each -> {
                            SnapshotState state = SnapshotState.in(each);
                            return new Local(
                                    each,
                                    state.plan(each.name(), place.paths().folder()),
                                    state.scratch(),
                                    state.switchedEvents());
                        })
                        .toList();
        this.others = Set.copyOf(others);
        this.isHeld = isHeld;
    }

    @Override
    public Set<SnapshotName> standing() {
        if (newestFirst.isEmpty()) {
            return Set.of();
        }
        if (!isHeld) {
            Sweep sweep = place.sweep(new SweepScope.Among(Set.of()));
            sweep.continueVm();
            sweep.settle();
        }
        if (VmState.of(place.monitor()).isMigrating()) {
            return Set.of();
        }
        BlockGraph graph = BlockGraph.of(place.monitor());
        Set<SnapshotName> standing = new LinkedHashSet<>();
        for (Local local : newestFirst) {
            if (!isWhole(() -> requireImages(local, graph))) {
                break;
            }
            standing.add(local.descriptor().name());
        }
        boolean isLooked = isHeld || standing.isEmpty();
        return isLooked || isWhole(() -> requireWholeFilters(graph)) ? standing : Set.of();
    }

    /// Throws what says nothing of the snapshot.
    private static boolean isWhole(Runnable look) {
        try {
            look.run();
            return true;
        } catch (HypervisorException e) {
            if (e.kind() == Kind.SNAPSHOT_BROKEN) {
                return false;
            }
            throw e;
        }
    }

    private void requireImages(Local local, BlockGraph graph) {
        Wholeness wholeness = new Wholeness(place, local.plan());
        if (!local.scratch().equals(place.paths().folder().path())) {
            throw wholeness.broken("snapshot.scratch-lost", local.scratch());
        }
        wholeness.requireSameRun(process);
        FleeceChain chain = new FleeceChain(graph);
        local.plan().held().forEach(disk -> wholeness.requireStands(chain, disk));
    }

    /// A filter that had no room, or took too long, refuses to show what it copied.
    private void requireWholeFilters(BlockGraph graph) {
        Local newest = newestFirst.getFirst();
        List<Succession.Old> filters = Succession.filters(place.monitor(), graph, plans());
        if (filters.isEmpty()) {
            return;
        }
        Wholeness wholeness = new Wholeness(place, newest.plan());
        filters.forEach(each -> wholeness.requireFilter(graph, each));
        boolean isServed = place.server().isOurs();
        if (!isServed) {
            place.server().start(newest.names());
        }
        try (Probes probes = new Probes(place, filters)) {
            if (!probes.hold().containsAll(filters)) {
                throw wholeness.broken("snapshot.not-whole", "snapshot-access");
            }
        } finally {
            if (!isServed) {
                endServer(newest.names());
            }
        }
    }

    private void endServer(JobNames names) {
        place.server().stopIfOurs(new SweepScope.Only(names));
        place.sweep(new SweepScope.Only(names)).removeNodes(Role.SERVER);
    }

    @Override
    public Exported export(SnapshotName name) {
        Local local = local(name);
        JobNames names = local.names();
        Set<String> exported = new HashSet<>();
        place.monitor()
                .execute("query-block-exports")
                .forEach(each -> exported.add(each.path("id").asString("")));
        place.server().start(names);
        boolean done = false;
        try {
            export(local, exported);
            done = true;
        } finally {
            if (!done) {
                endServer(names);
            }
        }
        return new Exported(
                place.paths().folder().shown(place.paths().nbdSocket()),
                local.descriptor().disks());
    }

    private void export(Local local, Set<String> exported) {
        JobNames names = local.names();
        local.plan()
                .held()
                .forEach(disk -> {
                    String export = names.name(Role.EXPORT, disk.index());
                    if (!exported.contains(export)) {
                        place.monitor()
                                .execute(
                                        "block-export-add",
                                        NbdServer.export(
                                                export, names.name(Role.FLEECE, disk.index())));
                    }
                });
    }

    @Override
    public void endExport(SnapshotName name) {
        JobNames names = local(name).names();
        Sweep sweep = place.sweep(new SweepScope.Only(names));
        sweep.removeExports();
        endServer(names);
        sweep.requireDone();
    }

    @Override
    public void settle(SnapshotName name) {
        Local local = local(name);
        Sweep sweep = place.sweep(new SweepScope.Only(local.names()));
        sweep.run(Set.of(local.names()));
        MigrationEvents.end(place.monitor(), local.switchedEvents());
        sweep.removeRecords(
                local.plan(), (disk, generation) -> disk.generation().equals(generation));
        sweep.requireDone();
    }

    @Override
    public void end(Set<SnapshotName> names) {
        Set<JobNames> ended = new HashSet<>();
        Set<JobNames> stay = new HashSet<>();
        newestFirst.forEach(each ->
                (names.contains(each.descriptor().name()) ? ended : stay).add(each.names()));
        stay.addAll(others);
        // Those that made no point have no name here. They stood under these alone, or stay.
        new FleeceChain(BlockGraph.of(place.monitor()))
                .below(ended::contains).stream()
                        .filter(each -> !stay.contains(each))
                        .forEach(ended::add);
        place.sweep(new SweepScope.Among(ended)).run();
    }

    @Override
    public Optional<HypervisorException> whyEnd() {
        if (newestFirst.isEmpty()) {
            return Optional.empty();
        }
        SnapshotPlan newest = newestFirst.getFirst().plan();
        Wholeness wholeness = new Wholeness(place, newest);
        // Its figures stay as they are once it has ended, so those of another differ.
        String migration = place.monitor().execute("query-migrate").toString();
        if (!newest.facts().migration().toString().equals(migration)) {
            return Optional.of(wholeness.broken("snapshot.migration"));
        }
        return newest.room().isSufficient()
                ? Optional.empty()
                : Optional.of(
                        wholeness.broken(
                                "snapshot.no-room",
                                new ByteSize(newest.room().usable().getAsLong()).toString()));
    }

    /// Removes what a QEMU that is gone has left in the folder of a snapshot: all that lay there for this VM.
    static void removeFiles(SnapshotDescriptor descriptor) {
        SnapshotState state = SnapshotState.in(descriptor);
        ScratchFolder.find(state.scratch())
                .ifPresent(folder -> {
                    try (folder) {
                        VmPaths paths = VmPaths.of(state.socket(), folder);
                        for (String name : folder.names(paths.scratchImages())) {
                            folder.remove(name);
                        }
                        folder.remove(paths.nbdSocket());
                    } catch (IOException e) {
                        throw new HypervisorException(
                                Kind.UNSUPPORTED,
                                "scratch.folder",
                                e,
                                state.scratch(),
                                Reason.of(e));
                    }
                });
    }

    private Local local(SnapshotName name) {
        return newestFirst.stream()
                .filter(each -> each.descriptor().name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no local snapshot " + name));
    }

    /// As they were planned, newest first.
    List<SnapshotPlan> plans() {
        return newestFirst.stream().map(Local::plan).toList();
    }

    /// Whether each is of those disks and no others: another snapshot can carry these on.
    boolean areOf(List<GuestDisk> disks) {
        List<String> now =
                disks.stream().filter(each -> !each.isEmpty()).map(GuestDisk::node).toList();
        return newestFirst.stream()
                .allMatch(local ->
                        local.plan().held().map(disk -> disk.disk().node()).toList().equals(now));
    }
}
