package io.stillpoint.engine;

import io.stillpoint.hypervisor.Hypervisor;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.hypervisor.VmId;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The VM that a job works on: opened when it is first needed, since a job that is resumed may not need it. Closing closes
/// it, if it was opened. For one thread at a time.
public final class JobVm implements AutoCloseable {
    private final Optional<VmId> id;
    private final Supplier<VirtualMachine> opener;
    private @Nullable VirtualMachine opened;

    private JobVm(Optional<VmId> id, Supplier<VirtualMachine> opener) {
        this.id = id;
        this.opener = opener;
    }

    /// A VM of a hypervisor.
    public static JobVm of(Hypervisor hypervisor, VmId id) {
        return of(id, () -> hypervisor.open(id));
    }

    /// A VM that a hypervisor knows by an id.
    ///
    /// @param opener opens it for this job
    public static JobVm of(VmId id, Supplier<VirtualMachine> opener) {
        return new JobVm(Optional.of(id), opener);
    }

    /// One that is open already, for this job alone.
    public static JobVm of(VirtualMachine open) {
        JobVm vm = new JobVm(Optional.empty(), () -> open);
        vm.opened = open;
        return vm;
    }

    /// By which a hypervisor finds it, if the VM is known by an id.
    public Optional<VmId> id() {
        return id;
    }

    /// The open VM. Throws a [io.stillpoint.hypervisor.HypervisorException] if it can't be opened; the next call tries
    /// again.
    public VirtualMachine open() {
        VirtualMachine vm = opened;
        if (vm == null) {
            vm = opener.get();
            opened = vm;
        }
        return vm;
    }

    @Override
    public void close() {
        VirtualMachine vm = opened;
        opened = null;
        if (vm != null) {
            vm.close();
        }
    }
}
