package io.stillpoint.platform.natives;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.stillpoint.platform.natives.LibC.Function;
import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.Set;

/// A file of which a range is locked exclusively until this is closed or the process ends, however it ends.
///
/// The lock belongs to this very opening of the file (`F_OFD_SETLK`, fcntl(2)). Java's own locks are of the older kind that belongs
/// to the process: it holds off nobody in the process, and whoever opens and closes the same file there drops it. Both kinds
/// hold off each other.
public final class LockedFile implements Closeable {
    private final int descriptor;
    private final FileStatus status;
    private final FileChannel channel;
    private boolean closed;

    private LockedFile(int descriptor, FileStatus status, FileChannel channel) {
        this.descriptor = descriptor;
        this.status = status;
        this.channel = channel;
    }

    static Optional<LockedFile> tryLock(FolderHandle file, long from, long length)
            throws IOException {
        int descriptor = file.openAgain(LibC.O_RDWR);
        FileChannel channel = null;
        boolean done = false;
        try {
            int result = lock(descriptor, from, length);
            if (-result == LibC.EAGAIN || -result == LibC.EACCES) {
                return Optional.empty();
            }
            if (result < 0) {
                throw LibC.failure(-result, file.path().toString());
            }
            channel = file.channel(Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE));
            done = true;
            return Optional.of(new LockedFile(descriptor, file.status(), channel));
        } finally {
            if (!done) {
                closeNow(descriptor);
            }
        }
    }

    private static int lock(int descriptor, long from, long length) {
        try (Arena arena = Arena.ofConfined()) {
            // struct flock: short type, short whence, off_t start, off_t len, pid_t pid.
            MemorySegment lock = arena.allocate(4L * Long.BYTES, Long.BYTES);
            lock.set(JAVA_SHORT, 0, LibC.F_WRLCK);
            lock.set(JAVA_LONG, 8, from);
            lock.set(JAVA_LONG, 16, length);
            return LibC.call(Function.FCNTL, descriptor, LibC.F_OFD_SETLK, lock.address(), 0, 0);
        }
    }

    /// What the file was like when it was locked.
    public FileStatus status() {
        return status;
    }

    /// To read and write the file. Closed with this.
    public FileChannel channel() {
        return channel;
    }

    /// Unlocks the file. Does nothing the second time.
    @Override
    public synchronized void close() throws IOException {
        if (!closed) {
            closed = true;
            try {
                channel.close();
            } finally {
                closeNow(descriptor);
            }
        }
    }

    private static void closeNow(int descriptor) {
        int ignored = LibC.call(Function.CLOSE, descriptor);
        assert ignored <= 0;
    }
}
