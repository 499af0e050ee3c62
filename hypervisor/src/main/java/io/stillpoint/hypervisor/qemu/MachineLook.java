package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.Hypervisor.Power;
import io.stillpoint.hypervisor.Hypervisor.Vm;
import io.stillpoint.hypervisor.VmId;
import io.stillpoint.hypervisor.VmIdentity;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.databind.node.ObjectNode;

/// What a VM is, as its monitor tells. Disturbs nothing, and needs no lock.
record MachineLook(Monitor monitor, Optional<QemuRun> process, DiskChoice choice) {
    /// By the uuid that QEMU tells, else by the monitor's socket, which is where this VM is found at every start.
    VmId id() {
        String uuid = monitor.execute("query-uuid").path("UUID").asString("");
        return VmId.of(
                VmIdentity.here(uuid, "", "", List.of(), List.of()),
                "qemu",
                monitor.socket().toString());
    }

    String name() {
        return monitor.execute("query-name").path("name").asString("");
    }

    Vm vm() {
        return new Vm(id(), name(), monitor.isVmRunning() ? Power.RUNNING : Power.PAUSED);
    }

    VmIdentity identity() {
        BlockGraph graph = BlockGraph.of(monitor);
        Set<String> images = new TreeSet<>();
        Set<String> backing = new TreeSet<>();
        for (GuestDisk disk : disks().disks()) {
            for (BlockGraph.Leaf leaf : graph.leaves(disk.node())) {
                if (!disk.writable()) {
                    continue;
                }
                String file = process.map(each -> each.absolute(leaf.file())).orElse(leaf.file());
                (leaf.isBacking() ? backing : images).add(file);
            }
        }
        return VmIdentity.here(
                monitor.execute("query-uuid").path("UUID").asString(""),
                process.map(QemuRun::identity).orElse(""),
                name(),
                List.copyOf(images),
                List.copyOf(backing));
    }

    /// As [MachineDescription] tells it now, with what of ours may be in it.
    ObjectNode configuration(QemuVersion version) {
        return new MachineDescription(monitor, version).of(disks());
    }

    private DiskList.Found disks() {
        return new DiskList(monitor, choice).look();
    }
}
