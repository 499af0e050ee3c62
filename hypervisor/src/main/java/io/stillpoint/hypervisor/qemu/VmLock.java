package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.platform.disk.FileLocks;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.natives.LockedFile;
import java.io.IOException;
import java.nio.file.Path;

/// Keeps two jobs off one VM, in this process and others of this host, so that what [Sweep] finds belongs to
/// a job that has ended. The system releases it when the process ends, however it ends. The file itself stays:
/// removing it would let two processes lock two files.
final class VmLock implements AutoCloseable {
    private final LockedFile held;

    private VmLock(LockedFile held) {
        this.held = held;
    }

    /// @param socket the monitor's socket; the lock is `SOCKET.stillpoint-lock` beside it
    static VmLock acquire(Path socket) {
        Path file = socket.resolveSibling(socket.getFileName() + ".stillpoint-lock");
        try {
            return new VmLock(
                    FileLocks.tryLockOrCreate(file, FileLocks.Range.ALL)
                            .orElseThrow(() ->
                                    new HypervisorException(
                                            Kind.UNREACHABLE, "vm.locked", null, socket, file)));
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.UNREACHABLE, "vm.lock-failed", e, socket, file, Reason.of(e));
        }
    }

    @Override
    public void close() {
        try {
            held.close();
        } catch (IOException e) {
            // The lock ends with the process at the latest.
        }
    }
}
