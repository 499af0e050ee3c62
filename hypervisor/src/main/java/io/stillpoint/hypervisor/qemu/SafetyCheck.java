package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import java.util.List;
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
            String iothread = iothreadOf(disk.device());
            if (!iothread.isEmpty()) {
                throw unsupported("vm.iothread", disk.name(), iothread, version.toString());
            }
        }
    }

    /// The device's own property, or that of the controller on whose bus it sits; empty if there is none.
    private String iothreadOf(String device) {
        ObjectModel objects = new ObjectModel(monitor);
        String found = objects.text(device, "iothread");
        String path = objects.text(device, "parent_bus");
        while (found.isEmpty() && path.lastIndexOf('/') > 0) {
            found = objects.text(path, "iothread");
            path = path.substring(0, path.lastIndexOf('/'));
        }
        return found;
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
