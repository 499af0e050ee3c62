package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HeldDisk;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.LocalSnapshots;
import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.qemu.JobNames.Role;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Undisturbed;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// A snapshot that filters in a running QEMU hold. Used by the job's thread, and by the watch when the scratch
/// space is used up.
final class HeldQemuSnapshot implements HeldSnapshot {
    private final SnapshotPlace place;
    private final SnapshotPlan plan;
    private final Owner owner;
    private final Monitor monitor;
    private final JobNames names;
    private final Sweep sweep;
    private final Wholeness wholeness;
    private final List<HeldQemuDisk> disks;
    private final SnapshotHealth health = new SnapshotHealth();
    private final MigrationEvents migrationEvents;
    private final ScratchWatch watch;
    private @Nullable SnapshotDescriptor descriptor;
    private boolean exported;
    private boolean keepsChanges;
    private boolean staysLocal;
    private boolean closed;

    /// The VM that the snapshot is of.
    interface Owner {
        /// QEMU's process, if it can be seen.
        Optional<QemuRun> process();

        /// The VM as it was before anything of ours was in it.
        ObjectNode configuration();

        /// The snapshot is left to a later process: this one must not end it.
        void letGo();
    }

    private HeldQemuSnapshot(
            SnapshotPlace place, SnapshotPlan plan, MigrationEvents migrationEvents, Owner owner) {
        this.place = place;
        this.plan = plan;
        this.owner = owner;
        this.monitor = place.monitor();
        this.names = plan.names();
        this.sweep = place.sweep(plan.scope());
        this.wholeness = new Wholeness(place, plan);
        this.disks =
                plan.disks().stream()
                        .map(disk ->
                                new HeldQemuDisk(
                                        disk,
                                        place.server().address(),
                                        names,
                                        health,
                                        monitor.threads()))
                        .toList();
        this.migrationEvents = migrationEvents;
        this.watch = new ScratchWatch(monitor, plan, new Watching());
    }

    /// What has just been taken.
    static HeldQemuSnapshot taken(SnapshotPlace place, SnapshotPlan plan, Owner owner) {
        HeldQemuSnapshot snapshot =
                new HeldQemuSnapshot(place, plan, MigrationEvents.begin(place.monitor()), owner);
        snapshot.watch.start();
        return snapshot;
    }

    /// What another process left. Throws a [HypervisorException] if it is not whole, and leaves it as it is then.
    ///
    /// @param descriptor that `state` comes from
    static HeldQemuSnapshot adopted(
            SnapshotPlace place, SnapshotDescriptor descriptor, SnapshotState state, Owner owner) {
        SnapshotPlan plan = state.plan(descriptor.name(), place.paths().folder());
        new Wholeness(place, plan).requireUntouched(state, owner.process());
        HeldQemuSnapshot snapshot =
                new HeldQemuSnapshot(
                        place,
                        plan,
                        MigrationEvents.resume(place.monitor(), state.switchedEvents()),
                        owner);
        snapshot.descriptor = descriptor;
        boolean done = false;
        try {
            snapshot.resume();
            done = true;
            return snapshot;
        } finally {
            if (!done) {
                snapshot.abandon();
            }
        }
    }

    /// The ended process may have been killed between any two commands, so its exports are made anew.
    private void resume() {
        sweep.settle();
        sweep.removeExports();
        sweep.removeNodes(Role.PROBE);
        sweep.requireDone();
        watch.look();
        health.require();
        proveValid();
        watch.start();
    }

    private final class Watching implements ScratchWatch.Listener {
        @Override
        public void full(ByteSize taken) {
            giveUp("snapshot.scratch-full", taken.toString(), plan.room().limit().toString());
        }

        @Override
        public void crowded(ByteSize free) {
            giveUp("snapshot.no-room", free.toString());
        }

        @Override
        public void migrating() {
            giveUp("snapshot.migration");
        }

        @Override
        public void gone(HypervisorException cause) {
            lose(cause);
        }
    }

    /// Exports the fleeces at the first call: the guest is thawed by then.
    @Override
    public synchronized List<HeldDisk> disks() {
        requireHeld();
        health.require();
        if (!exported) {
            try {
                sweep.settle();
                plan.held().forEach(this::export);
            } catch (HypervisorException e) {
                throw health.explain(e);
            }
            exported = true;
        }
        return List.copyOf(disks);
    }

    @Override
    public ObjectNode recording() {
        return plan.facts().json(plan.disks());
    }

    @Override
    public void proveValid() {
        disks();
        for (HeldQemuDisk disk : disks) {
            disk.proveValid(monitor.socket());
        }
        VmState state = VmState.of(monitor);
        if (state.isMigrating()) {
            giveUp("snapshot.migration");
        }
        health.require();
        state.requireFit(monitor);
        wholeness.require(owner.process());
    }

    @Override
    public synchronized void keepChanges() {
        requireHeld();
        keepsChanges = true;
    }

    @Override
    public Optional<LocalSnapshots.Exported> exported() {
        disks();
        return Optional.of(
                new LocalSnapshots.Exported(
                        place.paths().folder().shown(place.paths().nbdSocket()),
                        descriptor().disks()));
    }

    @Override
    public synchronized boolean keepLocal() {
        requireHeld();
        staysLocal = true;
        return true;
    }

    @Override
    public LocalSnapshots older(List<SnapshotDescriptor> newestFirst) {
        return LocalQemuSnapshots.under(place, owner.process(), newestFirst, names);
    }

    @Override
    public synchronized SnapshotDescriptor descriptor() {
        requireHeld();
        health.require();
        SnapshotDescriptor known = descriptor;
        if (known == null) {
            try {
                known =
                        SnapshotState.of(
                                        place,
                                        plan,
                                        migrationEvents.isOurs(),
                                        owner.configuration())
                                .descriptor(plan.name());
            } catch (HypervisorException e) {
                throw health.explain(e);
            }
            descriptor = known;
        }
        return known;
    }

    private void requireHeld() {
        if (closed) {
            throw new IllegalStateException("closed or detached before");
        }
    }

    @Override
    public OptionalLong scratchTaken() {
        try {
            return OptionalLong.of(watch.taken().bytes());
        } catch (HypervisorException e) {
            return OptionalLong.empty();
        }
    }

    @Override
    public void detach() {
        if (abandon()) {
            owner.letGo();
        }
    }

    /// Ends what this process does with it. Returns whether it was held until now.
    private boolean abandon() {
        watch.close();
        synchronized (this) {
            boolean held = !closed;
            closed = true;
            disks.forEach(HeldQemuDisk::close);
            return held;
        }
    }

    @Override
    public void close() {
        if (abandon()) {
            synchronized (this) {
                release();
            }
        }
    }

    private void export(PlannedDisk disk) {
        String probe = names.name(Role.PROBE, disk.index());
        if (disk.disk().writable()) {
            Probes.add(monitor, probe, names.name(Role.FILTER, disk.index()));
        } else {
            // Nothing can break: the guest can't write it.
            monitor.execute(
                    "block-export-add",
                    NbdServer.export(probe, names.name(Role.FLEECE, disk.index())));
        }
        ObjectNode export =
                NbdServer.export(
                        names.name(Role.EXPORT, disk.index()),
                        names.name(Role.FLEECE, disk.index()));
        if (disk.previous().isPresent()) {
            ArrayNode bitmaps = Json.array();
            bitmaps.add(
                    Json.object()
                            .put("node", names.name(Role.FLEECE, disk.index()))
                            .put("name", names.merged()));
            export.set("bitmaps", bitmaps);
        }
        monitor.execute("block-export-add", export);
    }

    /// The filters go at once, so that the guest's writes copy no more and the host has its room, and the exports, which
    /// would keep a migration from ending. Local snapshots that stand on this one end with it.
    private synchronized void giveUp(String code, Object... details) {
        if (closed) {
            return;
        }
        health.fail(wholeness.broken(code, details));
        Set<JobNames> all = new HashSet<>(new FleeceChain(BlockGraph.of(monitor)).above(names));
        all.add(names);
        place.sweep(new SweepScope.Among(all)).run();
    }

    private void lose(HypervisorException cause) {
        health.fail(
                new HypervisorException(
                        Kind.UNREACHABLE, "snapshot.lost", cause, monitor.socket(), cause));
    }

    /// Tried once more after a drop of the connection. A VM that is gone has taken everything with it but the
    /// files.
    private void release() {
        try {
            try {
                Undisturbed.run(this::removeAll);
            } catch (HypervisorException e) {
                if (e.kind() == Kind.REFUSED) {
                    throw e;
                }
                Undisturbed.run(this::removeAll);
            }
        } catch (HypervisorException e) {
            if (!e.code().equals("qmp.no-monitor")) {
                throw e;
            }
            sweep.removeFiles();
            place.server().removeSocket();
        }
    }

    private void removeAll() {
        boolean stays = staysLocal && keepsChanges;
        sweep.run(stays ? Set.of(names) : Set.of());
        migrationEvents.end();
        // What stays under others is judged by its own record, and has no name any more.
        boolean isUnderOthers = !stays && sweep.hasLeft(names);
        if (stays || isUnderOthers) {
            owner.letGo();
        }
        sweep.removeRecords(
                plan,
                (disk, generation) -> {
                    boolean isNow = disk.generation().equals(generation);
                    return keepsChanges ? isNow : !isNow || isUnderOthers;
                });
    }
}
