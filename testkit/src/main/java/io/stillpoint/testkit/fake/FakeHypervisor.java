package io.stillpoint.testkit.fake;

import io.stillpoint.hypervisor.Hypervisor;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.hypervisor.VmId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// A fake host with fake VMs. What one process asks of it passes that process's gate.
public final class FakeHypervisor {
    private final Map<VmId, FakeVm> vms = new TreeMap<>();

    /// A VM more; its name must be new here.
    public synchronized FakeVm add(FakeVm vm) {
        if (vms.putIfAbsent(vm.id(), vm) != null) {
            throw new IllegalArgumentException("two VMs " + vm.name());
        }
        return vm;
    }

    /// The VM is not known here any more. Who has it open goes on.
    public synchronized void remove(VmId id) {
        vms.remove(id);
    }

    /// As a process sees it.
    public Hypervisor as(CallGate gate) {
        return new Seen(gate);
    }

    private synchronized List<FakeVm> all() {
        return new ArrayList<>(vms.values());
    }

    private synchronized FakeVm vm(VmId id) {
        FakeVm vm = vms.get(id);
        if (vm == null) {
            throw new HypervisorException(Kind.UNREACHABLE, "vm.unknown", null, id);
        }
        return vm;
    }

    private static Hypervisor.Vm seen(FakeVm vm) {
        return new Hypervisor.Vm(
                vm.id(), vm.name(), vm.isTaken() ? Hypervisor.Power.UNKNOWN : vm.power());
    }

    private final class Seen implements Hypervisor {
        private final CallGate gate;

        Seen(CallGate gate) {
            this.gate = gate;
        }

        @Override
        public Found find() {
            gate.pass("find");
            return new Found(all().stream().map(FakeHypervisor::seen).toList(), List.of());
        }

        @Override
        public Description describe(VmId id) {
            gate.pass("describe");
            FakeVm vm = vm(id);
            return new Description(seen(vm), vm.identity(), vm.configuration());
        }

        @Override
        public VirtualMachine open(VmId id) {
            return vm(id).open(gate);
        }
    }
}
