package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/// Keeps two jobs off one VM, in this process and others of this host, so that what [Sweep] finds belongs to
/// a job that has ended. The system releases it when the process ends, however it ends. The file itself stays:
/// removing it would let two processes lock two files.
final class VmLock implements AutoCloseable {
    private final FileChannel channel;

    private VmLock(FileChannel channel) {
        this.channel = channel;
    }

    /// @param socket the monitor's socket; the lock is `SOCKET.stillpoint-lock` beside it
    static VmLock acquire(Path socket) {
        Path file = socket.resolveSibling(socket.getFileName() + ".stillpoint-lock");
        try {
            FileChannel channel =
                    FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            if (tryLock(channel) == null) {
                channel.close();
                throw new HypervisorException(Kind.UNREACHABLE, "vm.locked", null, socket, file);
            }
            return new VmLock(channel);
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.UNREACHABLE,
                    "vm.lock-failed",
                    e,
                    socket,
                    file,
                    String.valueOf(e.getMessage()));
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            // The lock ends with the process at the latest.
        }
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            // This process holds it already.
            return null;
        }
    }
}
