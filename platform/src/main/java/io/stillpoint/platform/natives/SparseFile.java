package io.stillpoint.platform.natives;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;

/// What Java's files don't tell: where a file has holes (`lseek` with SEEK_DATA and SEEK_HOLE, lseek(2)) and
/// whether another process has locked a part of it (`fcntl` with F_OFD_GETLK, fcntl(2)). Linux, 64 bit. Opens
/// the file for reading. Safe for several threads, but not concurrently with [#close].
///
/// Loading the native calls takes some tens of milliseconds, once per process and only when a file is opened.
public final class SparseFile implements AutoCloseable {
    private static final int O_RDONLY = 0;
    private static final int O_CLOEXEC = 0x80000;
    private static final int SEEK_DATA = 3;
    private static final int SEEK_HOLE = 4;
    private static final int ENXIO = 6;
    private static final int EINVAL = 22;
    private static final int EOPNOTSUPP = 95;
    private static final int F_OFD_GETLK = 36;
    private static final short F_WRLCK = 1;
    private static final short F_UNLCK = 2;

    private final int descriptor;
    private final Path path;
    private boolean closed;

    private SparseFile(int descriptor, Path path) {
        this.descriptor = descriptor;
        this.path = path;
    }

    /// Opens a file for the questions here.
    public static SparseFile open(Path path) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = arena.allocate(Calls.STATE);
            int descriptor =
                    (int)
                            Calls.OPEN.invokeExact(
                                    errno,
                                    arena.allocateFrom(path.toString()),
                                    O_RDONLY | O_CLOEXEC);
            if (descriptor < 0) {
                throw LibC.failure(Calls.errno(errno), path.toString());
            }
            return new SparseFile(descriptor, path);
        } catch (IOException | RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /// Whether holes can be asked for. A block device and some file systems don't know them; all of such a file has to be
    /// read.
    public boolean knowsHoles() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = arena.allocate(Calls.STATE);
            long found = (long) Calls.LSEEK.invokeExact(errno, descriptor, 0L, SEEK_DATA);
            int error = found >= 0 ? 0 : Calls.errno(errno);
            if (error == EINVAL || error == EOPNOTSUPP) {
                return false;
            }
            if (error != 0 && error != ENXIO) {
                throw failed(error);
            }
            return true;
        } catch (IOException | RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /// The first byte at or behind `offset` that may hold something other than zero; -1 if there is none up
    /// to the end.
    public long nextData(long offset) throws IOException {
        return seek(offset, SEEK_DATA);
    }

    /// The first byte at or behind `offset` that lies in a hole; the file's end counts as one. -1 if `offset`
    /// is at or behind the end.
    public long nextHole(long offset) throws IOException {
        return seek(offset, SEEK_HOLE);
    }

    /// Whether another open file holds a lock on the byte at `offset` that an exclusive lock would meet.
    public boolean isLocked(long offset) throws IOException {
        return isLocked(offset, 1);
    }

    /// As above, for a range of bytes.
    public boolean isLocked(long offset, long length) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = arena.allocate(Calls.STATE);
            MemorySegment lock = arena.allocate(Calls.FLOCK);
            lock.set(JAVA_SHORT, 0, F_WRLCK);
            lock.set(JAVA_LONG, 8, offset);
            lock.set(JAVA_LONG, 16, length);
            int result = (int) Calls.FCNTL.invokeExact(errno, descriptor, F_OFD_GETLK, lock);
            if (result < 0) {
                throw failed(Calls.errno(errno));
            }
            return lock.get(JAVA_SHORT, 0) != F_UNLCK;
        } catch (IOException | RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            // Nothing was written, so a failure has nothing to say.
            int ignored = (int) Calls.CLOSE.invokeExact(descriptor);
            assert ignored <= 0;
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private IOException failed(int error) {
        return LibC.failure(error, path.toString());
    }

    private long seek(long offset, int whence) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = arena.allocate(Calls.STATE);
            long found = (long) Calls.LSEEK.invokeExact(errno, descriptor, offset, whence);
            if (found >= 0) {
                return found;
            }
            int error = Calls.errno(errno);
            if (error == ENXIO) {
                return -1;
            }
            throw failed(error);
        } catch (IOException | RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /// Loaded at the first call only.
    @SuppressWarnings("restricted") // the reason of this package
    private static final class Calls {
        static final StructLayout STATE = Linker.Option.captureStateLayout();

        /// `struct flock`: short type, short whence, off_t start, off_t len, pid_t pid.
        static final MemoryLayout FLOCK = MemoryLayout.sequenceLayout(4, JAVA_LONG);

        private static final VarHandle ERRNO =
                STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
        private static final Linker LINKER = Linker.nativeLinker();
        private static final Linker.Option CAPTURE = Linker.Option.captureCallState("errno");

        static final MethodHandle OPEN =
                handle(
                        "open",
                        FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT),
                        CAPTURE,
                        Linker.Option.firstVariadicArg(2));
        static final MethodHandle LSEEK =
                handle(
                        "lseek",
                        FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT),
                        CAPTURE);
        static final MethodHandle FCNTL =
                handle(
                        "fcntl",
                        FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS),
                        CAPTURE,
                        Linker.Option.firstVariadicArg(2));
        static final MethodHandle CLOSE =
                handle("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));

        private Calls() {}

        static int errno(MemorySegment state) {
            return (int) ERRNO.get(state, 0L);
        }

        private static MethodHandle handle(
                String name, FunctionDescriptor descriptor, Linker.Option... options) {
            return LINKER.downcallHandle(
                    LINKER.defaultLookup().findOrThrow(name), descriptor, options);
        }
    }
}
