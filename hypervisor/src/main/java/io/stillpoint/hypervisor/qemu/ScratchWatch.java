package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.qemu.JobNames.Role;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/// Watches how much the scratch images of a snapshot take together, whether a migration begins, and whether the VM is
/// still there. QEMU
/// sends an event when an image grows beyond a threshold; each event sets the next threshold so that the
/// limit can't be passed between two events.
final class ScratchWatch implements AutoCloseable {
    private static final Duration POLL = Duration.ofMillis(500);

    /// Attempts to reach a VM whose connection dropped, one per [#POLL].
    private static final int ATTEMPTS_MAX = 10;

    /// The smallest distance between two thresholds, which is also how inexact the limit is per disk.
    private static final long STEP_MIN = 512 << 10;

    private final Monitor monitor;
    private final List<String> files;
    private final ByteSize limit;
    private final ScratchRoom room;
    private final Listener listener;
    private volatile boolean closed;

    /// Is told once, of the first of these.
    interface Listener {
        /// The limit is passed.
        void full(ByteSize taken);

        /// The file system is nearly full, whoever fills it.
        void crowded(ByteSize free);

        /// A migration of the VM has begun.
        void migrating();

        /// The VM does not answer any more.
        void gone(HypervisorException cause);
    }

    ScratchWatch(Monitor monitor, SnapshotPlan plan, Listener listener) {
        this.monitor = monitor;
        this.files = plan.held().map(disk -> plan.names().name(Role.FILE, disk.index())).toList();
        this.limit = plan.room().limit();
        this.room = plan.room();
        this.listener = listener;
    }

    void start() {
        monitor.threads().waiting("scratch-watch", this::run).start();
    }

    @Override
    public void close() {
        closed = true;
    }

    /// Looks once, before [#start], for what may have happened while nobody watched. Returns whether the listener was told.
    boolean look() {
        return isCrowded() || isFull();
    }

    private boolean isCrowded() {
        boolean crowded = !room.isSufficient();
        if (crowded) {
            listener.crowded(new ByteSize(room.usable().getAsLong()));
        }
        return crowded;
    }

    private boolean isFull() {
        ByteSize taken = taken();
        boolean full = taken.bytes() >= limit.bytes();
        if (full) {
            listener.full(taken);
        } else {
            setThresholds(taken);
        }
        return full;
    }

    private void run() {
        int failures = 0;
        boolean check = true;
        while (!closed) {
            try {
                if (isCrowded() || (check && isFull())) {
                    return;
                }
                if (VmState.of(monitor).isMigrating()) {
                    listener.migrating();
                    return;
                }
                Optional<QmpEvent> event = monitor.awaitEvent(this::isOurs, POLL);
                // After a drop of the connection an event may have been missed.
                check = event.isPresent() || failures > 0;
                failures = 0;
            } catch (HypervisorException e) {
                failures++;
                check = true;
                if (failures > ATTEMPTS_MAX || e.code().equals("qmp.no-monitor")) {
                    if (!closed) {
                        listener.gone(e);
                    }
                    return;
                }
                pause();
            }
        }
    }

    private boolean isOurs(QmpEvent event) {
        return switch (event.name()) {
            case "BLOCK_WRITE_THRESHOLD" ->
                    files.contains(event.data().path("node-name").asString(""));
            case MigrationEvents.NAME -> true;
            default -> false;
        };
    }

    /// What all scratch images take now.
    ByteSize taken() {
        long bytes = 0;
        for (JsonNode node : monitor.nodes()) {
            if (files.contains(node.path("node-name").asString(""))) {
                bytes += node.path("image").path("actual-size").asLong(0);
            }
        }
        return new ByteSize(bytes);
    }

    /// Half of what is left, shared among the disks. A threshold is a place in the file; the image grows
    /// upwards only, so its place is its size.
    private void setThresholds(ByteSize taken) {
        long step =
                Math.max((limit.bytes() - taken.bytes()) / 2 / Math.max(1, files.size()), STEP_MIN);
        for (JsonNode node : monitor.nodes()) {
            String name = node.path("node-name").asString("");
            if (files.contains(name)) {
                long size = node.path("image").path("actual-size").asLong(0);
                monitor.execute(
                        "block-set-write-threshold",
                        Json.object().put("node-name", name).put("write-threshold", size + step));
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(POLL);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
