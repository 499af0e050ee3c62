package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.platform.Json;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/// Refuses VMs that a snapshot could harm or whose snapshot could be wrong. Looks only.
final class SafetyCheck {
    /// Filters that other backup or migration tools put on top of a disk. Under one of them our snapshot
    /// would not see all writes, or theirs would not.
    private static final Set<String> FOREIGN_FILTERS =
            Set.of(
                    "copy-before-write",
                    "backup-top",
                    "mirror_top",
                    "commit_top",
                    "snapshot-access",
                    "replication",
                    "blklogwrites",
                    "blkverify");

    private final Monitor monitor;
    private final QemuVersion version;

    SafetyCheck(Monitor monitor, QemuVersion version) {
        this.monitor = monitor;
        this.version = version;
    }

    /// Throws a [HypervisorException] of kind UNSUPPORTED, or BUSY where waiting helps, with the reason and the way out.
    void requireSafe(List<GuestDisk> disks) {
        if (!version.canBreakSnapshotInsteadOfGuest()) {
            throw unsupported("vm.qemu-too-old", version.toString());
        }
        if (disks.isEmpty()) {
            throw unsupported("vm.no-disks");
        }
        for (GuestDisk disk : disks) {
            if (FOREIGN_FILTERS.contains(disk.driver())) {
                throw busy("vm.foreign-filter", disk.name(), disk.driver(), disk.node());
            }
        }
        requireNoBlockJobs();
        if (version.abortsOnNbdDisconnectWithIothread()
                && !monitor.execute("query-iothreads").isEmpty()) {
            requireNoIothread(disks);
        }
    }

    /// QEMU names a block job's job, not its disk: any of them stands in the way.
    private void requireNoBlockJobs() {
        for (JsonNode job : monitor.execute("query-block-jobs")) {
            throw busy(
                    "vm.block-job",
                    job.path("type").asString("?"),
                    job.path("device").asString("?"));
        }
    }

    private void requireNoIothread(List<GuestDisk> disks) {
        for (GuestDisk disk : disks) {
            Optional<String> iothread = iothreadOf(disk.device());
            if (iothread.isPresent()) {
                throw unsupported("vm.iothread", disk.name(), iothread.get(), version.toString());
            }
        }
    }

    /// The device's own property, or that of the controller on whose bus it sits.
    private Optional<String> iothreadOf(String device) {
        Optional<String> own = textProperty(device, "iothread");
        if (own.isPresent()) {
            return own;
        }
        String path = textProperty(device, "parent_bus").orElse("");
        while (path.lastIndexOf('/') > 0) {
            Optional<String> found = textProperty(path, "iothread");
            if (found.isPresent()) {
                return found;
            }
            path = path.substring(0, path.lastIndexOf('/'));
        }
        return Optional.empty();
    }

    private Optional<String> textProperty(String path, String name) {
        return monitor.ask("qom-get", Json.object().put("path", path).put("property", name))
                .map(value -> value.asString(""))
                .filter(value -> !value.isEmpty());
    }

    private HypervisorException unsupported(String code, Object... details) {
        return refusal(Kind.UNSUPPORTED, code, details);
    }

    private HypervisorException busy(String code, Object... details) {
        return refusal(Kind.BUSY, code, details);
    }

    private HypervisorException refusal(Kind kind, String code, Object... details) {
        Object[] arguments = new Object[details.length + 1];
        arguments[0] = monitor.socket();
        System.arraycopy(details, 0, arguments, 1, details.length);
        return new HypervisorException(kind, code, null, arguments);
    }
}
