package io.stillpoint.hypervisor;

import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/// The VMs of a host, as one provider sees them. Safe for several threads; holds nothing open between calls.
public interface Hypervisor {
    /// All VMs that are known here. Looks only: no VM is disturbed or locked, and one on which a job works is listed as
    /// it was seen last.
    Found find();

    /// What the VM is. Looks only.
    ///
    /// Throws a [HypervisorException] of kind UNREACHABLE, code `vm.unknown`, if there is no VM of this id here; code
    /// `vm.same-id` and kind BUSY if there are two; of kind UNREACHABLE if the VM does not answer.
    Description describe(VmId id);

    /// Opens it for one job. The caller closes it. Throws as [#describe], and with code `vm.locked` or `vm.owned` and kind
    /// UNREACHABLE if another job works on it.
    VirtualMachine open(VmId id);

    /// What a look found.
    ///
    /// @param vms by id, each once
    /// @param unanswered places where a VM should be and nobody answers now; of one that was seen before the VM is listed, too
    record Found(List<Vm> vms, List<Unanswered> unanswered) {
        public Found {
            vms = List.copyOf(vms);
            unanswered = List.copyOf(unanswered);
        }
    }

    /// A VM that was found.
    ///
    /// @param name what the hypervisor calls it, for people; may be empty
    /// @param power whether it runs
    record Vm(VmId id, String name, Power power) {}

    /// Whether a VM runs.
    enum Power {
        /// Guest code runs.
        RUNNING,
        /// A process has it, and guest code stands still.
        PAUSED,
        /// Nothing has it.
        OFF,
        /// A job has the VM, or it does not answer: nobody can tell now.
        UNKNOWN
    }

    /// A place that does not answer.
    ///
    /// @param place such as the path of a monitor's socket
    /// @param reason why
    record Unanswered(String place, HypervisorException reason) {}

    /// What is known of a VM.
    ///
    /// @param configuration as [VirtualMachine#configuration]
    record Description(Vm vm, VmIdentity identity, ObjectNode configuration) {}
}
