package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.platform.Json;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/// What state a VM is in, and whether its disks may be read in it. States are allowed by name; one that a later QEMU
/// adds is refused until it is known.
///
/// @param name as `query-status` has it
/// @param running whether guest code runs
/// @param migration as `query-migrate` has it, or empty if there was none
record VmState(String name, boolean running, String migration) {
    /// The guest runs, or stands still on images that this process owns.
    private static final Set<String> FIT =
            Set.of(
                    "running",
                    "paused",
                    "prelaunch",
                    "suspended",
                    "shutdown",
                    "guest-panicked",
                    "io-error",
                    "internal-error",
                    "watchdog",
                    "debug");

    /// What is wrong with the others, as codes of messages.
    private static final Map<String, String> UNFIT =
            Map.of(
                    "inmigrate", "vm.state-inmigrate",
                    "postmigrate", "vm.state-postmigrate",
                    "finish-migrate", "vm.state-migrating",
                    "colo", "vm.state-colo",
                    "save-vm", "vm.state-saving",
                    "restore-vm", "vm.state-restoring",
                    "preconfig", "vm.state-preconfig");

    /// A migration in one of these is over; in any other, also one that a later QEMU adds, it is under way.
    private static final Set<String> OVER = Set.of("", "none", "completed", "failed", "cancelled");

    static VmState of(Monitor monitor) {
        JsonNode status = monitor.execute("query-status");
        return new VmState(
                status.path("status").asString(""),
                status.path("running").asBoolean(false),
                monitor.ask("query-migrate", Json.object())
                        .map(each -> each.path("status").asString(""))
                        .orElse(""));
    }

    boolean isMigrating() {
        return !OVER.contains(migration);
    }

    /// Throws a [HypervisorException] with the reason and the way out unless the disks may be read.
    void requireFit(Monitor monitor) {
        String unfit = UNFIT.get(name);
        if (unfit != null) {
            throw refused(monitor, unfit, name);
        }
        if (!FIT.contains(name)) {
            throw refused(monitor, "vm.state-unknown", name);
        }
        if (isMigrating()) {
            throw refused(monitor, "vm.state-migrating", migration);
        }
    }

    private static HypervisorException refused(Monitor monitor, String code, String state) {
        return new HypervisorException(Kind.UNFIT_STATE, code, null, monitor.socket(), state);
    }
}
