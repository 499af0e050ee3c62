package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.PreparedSnapshot;
import io.stillpoint.hypervisor.qemu.HeldQemuSnapshot.Owner;
import io.stillpoint.platform.Undisturbed;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Filters and fleeces that stand ready beside the guest's devices.
final class PreparedQemuSnapshot implements PreparedSnapshot {
    private final SnapshotPlace place;
    private final SnapshotPlan plan;
    private final Owner owner;
    private final Sweep sweep;
    private final Succession succession;
    private boolean ended;
    private Instant.@Nullable Times times;

    PreparedQemuSnapshot(
            SnapshotPlace place, SnapshotPlan plan, Succession succession, Owner owner) {
        this.place = place;
        this.plan = plan;
        this.succession = succession;
        this.owner = owner;
        this.sweep = place.sweep(plan.scope());
    }

    @Override
    public HeldSnapshot take() {
        if (ended) {
            throw new IllegalStateException("taken or closed before");
        }
        boolean done = false;
        try {
            times = new Instant(place.monitor(), plan.names()).pass(plan.disks(), succession);
            done = true;
            ended = true;
            return HeldQemuSnapshot.taken(place, plan, owner);
        } finally {
            if (!done) {
                undoQuietly();
            }
        }
    }

    /// What the instant took; for measurements.
    Instant.@Nullable Times times() {
        return times;
    }

    @Override
    public void close() {
        if (!ended) {
            Undisturbed.run(this::undo);
        }
    }

    /// The failure under way says more than one of undoing; what stays is swept by the next job.
    void undoQuietly() {
        try {
            Undisturbed.run(this::undo);
        } catch (HypervisorException e) {
            // See above.
        }
    }

    private void undo() {
        ended = true;
        succession.undo();
        sweep.run();
        Set<String> begun =
                plan.disks().stream().map(PlannedDisk::generation).collect(Collectors.toSet());
        sweep.removeBitmaps(bitmap ->
                JobNames.generation(plan.name().lineage(), bitmap)
                        .filter(begun::contains)
                        .isPresent());
    }
}
