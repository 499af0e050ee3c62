package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.PreparedSnapshot;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.platform.Undisturbed;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Filters and fleeces that stand ready beside the guest's devices.
final class PreparedQemuSnapshot implements PreparedSnapshot {
    private final Monitor monitor;
    private final SnapshotRequest request;
    private final NbdServer server;
    private final Sweep sweep;
    private final List<PlannedDisk> disks;
    private final RecordingFacts facts;
    private final ScratchRoom room;
    private boolean ended;
    private Instant.@Nullable Times times;

    PreparedQemuSnapshot(
            Monitor monitor,
            SnapshotRequest request,
            NbdServer server,
            Sweep sweep,
            List<PlannedDisk> disks,
            ScratchRoom room,
            RecordingFacts facts) {
        this.facts = facts;
        this.monitor = monitor;
        this.request = request;
        this.server = server;
        this.sweep = sweep;
        this.disks = List.copyOf(disks);
        this.room = room;
    }

    @Override
    public HeldSnapshot take() {
        if (ended) {
            throw new IllegalStateException("taken or closed before");
        }
        boolean done = false;
        try {
            times = new Instant(monitor, request, JobNames.of(request)).pass(disks);
            done = true;
            ended = true;
            return new HeldQemuSnapshot(monitor, request, server, sweep, disks, room, facts);
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
        sweep.run();
        Set<String> begun = disks.stream().map(PlannedDisk::generation).collect(Collectors.toSet());
        sweep.removeBitmaps(bitmap ->
                JobNames.generation(request.lineage(), bitmap).filter(begun::contains).isPresent());
    }
}
