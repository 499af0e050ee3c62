package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.qemu.JobNames.Role;
import io.stillpoint.platform.Json;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// The instant: with the VM stopped for milliseconds, the bitmaps of all disks change over in one transaction
/// and each device is put on its filter. Putting a device on a filter is no action of a transaction, therefore
/// the stop.
///
/// A VM that was not running is not stopped and not continued. Before stopping, an empty node is added as a
/// mark; if this process ends before it continues the VM, [Sweep] finds the mark and continues it.
final class Instant {
    static final int GRANULARITY_BYTES = 65536;
    private static final Duration CONTINUE_MAX = Duration.ofSeconds(30);

    /// How long nobody may answer at the socket before the VM counts as gone.
    private static final Duration GONE_AFTER = Duration.ofSeconds(2);

    private static final Duration RETRY = Duration.ofMillis(100);

    private final Monitor monitor;
    private final JobNames names;

    Instant(Monitor monitor, JobNames names) {
        this.monitor = monitor;
        this.names = names;
    }

    /// What the instant took, in nanoseconds.
    record Times(long stop, long change, long cont) {}

    /// On failure the VM runs again if it did before; bitmaps and filters may be half changed.
    ///
    /// @param succession of the local snapshots before, if there are any
    Times pass(List<PlannedDisk> disks, Succession succession) {
        ArrayNode actions = actions(disks);
        VmState before = VmState.of(monitor);
        before.requireFit(monitor);
        boolean running = before.running();
        long begin = System.nanoTime();
        if (running) {
            stop();
        }
        long stopped = System.nanoTime();
        long changed;
        try {
            succession.atInstant();
            succession.addTo(actions);
            if (!actions.isEmpty()) {
                ObjectNode transaction = Json.object();
                transaction.set("actions", actions);
                monitor.execute("transaction", transaction);
            }
            for (PlannedDisk disk : disks) {
                if (disk.isHeld() && disk.disk().writable()) {
                    monitor.execute(
                            "qom-set",
                            Sweep.drive(
                                    disk.disk().device(), names.name(Role.FILTER, disk.index())));
                }
            }
            VmState after = running ? before : VmState.of(monitor);
            if (!after.equals(before)) {
                throw new HypervisorException(
                        Kind.SNAPSHOT_BROKEN,
                        "snapshot.state",
                        null,
                        monitor.socket(),
                        before.name(),
                        after.name());
            }
            changed = System.nanoTime();
        } finally {
            if (running) {
                cont();
            }
        }
        return new Times(stopped - begin, changed - stopped, System.nanoTime() - changed);
    }

    private ArrayNode actions(List<PlannedDisk> disks) {
        ArrayNode actions = Json.array();
        for (PlannedDisk disk : disks) {
            if (!disk.records()) {
                continue;
            }
            String node = disk.disk().node();
            String recording = JobNames.recording(names.lineage(), disk.generation());
            String witness = JobNames.witness(names.lineage(), disk.generation());
            ObjectNode mark =
                    Json.object()
                            .put("node", names.name(Role.MARK, disk.index()))
                            .put("name", names.merged());
            // Never stored in an image: after QEMU has ended anybody may write there.
            action(actions, "block-dirty-bitmap-add", bitmap(node, recording));
            action(actions, "block-dirty-bitmap-merge", merge(node, recording, mark));
            action(actions, "block-dirty-bitmap-add", bitmap(node, witness).put("disabled", true));
            action(actions, "block-dirty-bitmap-merge", merge(node, witness, mark));
            disk.previous()
                    .ifPresent(previous -> {
                        // The old bitmap goes on recording, in case this backup fails. What is
                        // exported stands on
                        // the scratch image: QEMU aborts if a disk is resized that has a bitmap in
                        // use.
                        String fleece = names.name(Role.FLEECE, disk.index());
                        action(
                                actions,
                                "block-dirty-bitmap-add",
                                bitmap(fleece, names.merged()).put("disabled", true));
                        action(
                                actions,
                                "block-dirty-bitmap-merge",
                                merge(
                                        fleece,
                                        names.merged(),
                                        Json.object().put("node", node).put("name", previous)));
                    });
        }
        return actions;
    }

    static ObjectNode bitmap(String node, String name) {
        return Json.object()
                .put("node", node)
                .put("name", name)
                .put("granularity", GRANULARITY_BYTES);
    }

    static ObjectNode merge(String node, String target, JsonNode from) {
        ObjectNode merge = Json.object().put("node", node).put("target", target);
        merge.set("bitmaps", Json.array().add(from));
        return merge;
    }

    static void action(ArrayNode actions, String type, ObjectNode data) {
        ObjectNode action = Json.object().put("type", type);
        action.set("data", data);
        actions.add(action);
    }

    private void stop() {
        monitor.execute(
                "blockdev-add",
                Json.object()
                        .put("driver", "null-co")
                        .put("node-name", names.name(Role.STOPPED, 0))
                        .put("read-zeroes", true));
        boolean done = false;
        try {
            monitor.execute("stop");
            done = true;
        } finally {
            if (!done) {
                // It may have been stopped although the answer did not come.
                cont();
            }
        }
    }

    /// A guest that stays stopped is the worst that a backup can do: tried again, also through new
    /// connections, and whoever wants this thread to end has to wait for it.
    private void cont() {
        long begin = System.nanoTime();
        boolean interrupted = false;
        try {
            while (true) {
                interrupted |= Thread.interrupted();
                try {
                    monitor.execute("cont");
                    monitor.ask(
                            "blockdev-del",
                            Json.object().put("node-name", names.name(Role.STOPPED, 0)));
                    return;
                } catch (HypervisorException e) {
                    boolean gone = e.code().equals("qmp.no-monitor");
                    if (System.nanoTime() - begin > (gone ? GONE_AFTER : CONTINUE_MAX).toNanos()) {
                        throw new HypervisorException(
                                Kind.UNREACHABLE, "vm.not-continued", e, monitor.socket(), e);
                    }
                }
                LockSupport.parkNanos(RETRY.toNanos());
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
