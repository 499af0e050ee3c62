package io.stillpoint.platform.natives;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// A block device that nobody else in the kernel may claim while this is open: opened with O_EXCL, which fails while it,
/// or a partition of it, is mounted, used for swapping, or a part of an LVM volume or RAID (open(2)), and which keeps
/// others from that. Linux, 64 bit. For one thread at a time.
public final class ClaimedDevice implements AutoCloseable {
    private static final int O_RDWR = 2;
    private static final int O_EXCL = 0x80;
    private static final int O_CLOEXEC = 0x80000;

    /// `_IO(0x12, 104)` and `_IO(0x12, 127)` of linux/fs.h.
    private static final long BLKSSZGET = 0x1268;

    private static final long BLKZEROOUT = 0x127f;

    private final int descriptor;
    private final Path path;
    private boolean closed;

    private ClaimedDevice(int descriptor, Path path) {
        this.descriptor = descriptor;
        this.path = path;
    }

    /// Throws an [IOException] whose reason is BUSY if somebody in the kernel has claimed it.
    public static ClaimedDevice open(Path path) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = arena.allocate(Calls.STATE);
            int descriptor =
                    (int)
                            Calls.OPEN.invokeExact(
                                    errno,
                                    arena.allocateFrom(path.toString()),
                                    O_RDWR | O_EXCL | O_CLOEXEC);
            if (descriptor >= 0) {
                return new ClaimedDevice(descriptor, path);
            }
            throw LibC.failure(Calls.errno(errno), path.toString());
        } catch (IOException | RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /// The same device, whatever the path leads to by now. The caller closes it.
    public FileChannel channel() throws IOException {
        return FileChannel.open(path(), StandardOpenOption.READ, StandardOpenOption.WRITE);
    }

    /// Leads to the same device for this process, as long as this is open.
    public Path path() {
        return Path.of("/proc/self/fd/" + descriptor);
    }

    /// The size of its logical sectors in bytes.
    public int sectorBytes() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment size = arena.allocate(JAVA_INT);
            control(arena, BLKSSZGET, size);
            return size.get(JAVA_INT, 0);
        }
    }

    /// Makes a range read as zeros, by whatever the device has for it.
    ///
    /// @param offset and `length`: multiples of [#sectorBytes]
    public void zero(long offset, long length) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment range = arena.allocate(JAVA_LONG, 2);
            range.setAtIndex(JAVA_LONG, 0, offset);
            range.setAtIndex(JAVA_LONG, 1, length);
            control(arena, BLKZEROOUT, range);
        }
    }

    private void control(Arena arena, long request, MemorySegment argument) throws IOException {
        try {
            MemorySegment errno = arena.allocate(Calls.STATE);
            int result = (int) Calls.IOCTL.invokeExact(errno, descriptor, request, argument);
            if (result < 0) {
                throw LibC.failure(Calls.errno(errno), path.toString());
            }
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
            // What was written has been forced through the channel, or counts for nothing.
            int ignored = (int) Calls.CLOSE.invokeExact(descriptor);
            assert ignored <= 0;
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /// Loaded at the first call only.
    @SuppressWarnings("restricted") // the reason of this package
    private static final class Calls {
        static final StructLayout STATE = Linker.Option.captureStateLayout();

        private static final VarHandle ERRNO =
                STATE.varHandle(java.lang.foreign.MemoryLayout.PathElement.groupElement("errno"));
        private static final Linker LINKER = Linker.nativeLinker();
        private static final Linker.Option CAPTURE = Linker.Option.captureCallState("errno");

        static final MethodHandle OPEN =
                handle(
                        "open",
                        FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT),
                        CAPTURE,
                        Linker.Option.firstVariadicArg(2));
        static final MethodHandle IOCTL =
                handle(
                        "ioctl",
                        FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS),
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
