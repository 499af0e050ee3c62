package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.platform.disk.FileLocks;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.natives.LockedFile;
import io.stillpoint.platform.natives.SparseFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
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
        Path file = file(socket);
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

    /// Whether a job has it. Looks only.
    static boolean isHeld(Path socket) {
        Path file = file(socket);
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            return false;
        }
        try (SparseFile open = SparseFile.open(file)) {
            return open.isLocked(0);
        } catch (IOException e) {
            // Another user's: connecting will tell.
            return false;
        }
    }

    private static Path file(Path socket) {
        return socket.resolveSibling(socket.getFileName() + ".stillpoint-lock");
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
