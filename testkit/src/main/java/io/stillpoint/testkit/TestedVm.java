package io.stillpoint.testkit;

import io.stillpoint.hypervisor.VirtualMachine;
import java.util.List;

/// A VM as [VirtualMachineContract] needs it: what a job sees of it, and what a guest and the host do to it.
public interface TestedVm extends AutoCloseable {
    /// The size of each disk in bytes; a multiple of 1 MiB.
    int DISK_BYTES = 4 << 20;

    /// The names of its disks, two or more, as a job sees them.
    List<String> disks();

    /// The job's end, as another process would open it.
    VirtualMachine open();

    /// Writes as the guest would.
    ///
    /// @param offset in bytes; as the length a multiple of 512
    /// @param pattern what each byte becomes
    void write(String disk, long offset, int length, int pattern);

    /// The names of all that jobs have left in the hypervisor and in the scratch folder, but for records of changes.
    List<String> traces();

    /// The hypervisor's process ends without notice, and the VM with it.
    void kill();

    /// The VM runs in a new process of the hypervisor, on the same disks.
    void start();

    @Override
    void close();
}
