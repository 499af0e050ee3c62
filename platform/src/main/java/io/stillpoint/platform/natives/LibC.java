package io.stillpoint.platform.natives;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Map;

/// The calls of [FolderHandle], [UnixSocket] and [OwnedDescriptor]. Linux, 64 bit.
///
/// All have one shape, five numbers in and one out: Java builds the code of a shape once, which is most of what the first call
/// costs. On x86-64 and AArch64 each integer and pointer has a register of its own, of which a function looks at what is its.
final class LibC {
    static final int AT_FDCWD = -100;
    static final int AT_REMOVEDIR = 0x200;
    static final int AT_EMPTY_PATH = 0x1000;
    static final int AT_SYMLINK_NOFOLLOW = 0x100;
    static final int RENAME_NOREPLACE = 1;

    static final int O_WRONLY = 1;
    static final int O_RDWR = 2;
    static final int O_CREAT = 0x40;
    static final int O_EXCL = 0x80;
    static final int O_NONBLOCK = 0x800;
    static final int O_CLOEXEC = 0x80000;
    static final int O_PATH = 0x200000;
    private static final boolean IS_ARM = System.getProperty("os.arch", "").equals("aarch64");
    static final int O_DIRECTORY = IS_ARM ? 0x4000 : 0x10000;
    static final int O_NOFOLLOW = IS_ARM ? 0x8000 : 0x20000;

    static final int ENOENT = 2;
    static final int EINTR = 4;
    static final int EAGAIN = 11;
    static final int EACCES = 13;
    static final int EEXIST = 17;
    static final int EISDIR = 21;
    static final int EINVAL = 22;
    static final int ENOSYS = 38;

    static final int F_OFD_SETLK = 37;
    static final short F_WRLCK = 1;

    /// As strerror(3) says it in English, whatever the host's language: what an exception of Java's would say too.
    private static final Map<Integer, String> TEXTS =
            Map.ofEntries(
                    Map.entry(1, "Operation not permitted"),
                    Map.entry(4, "Interrupted system call"),
                    Map.entry(5, "Input/output error"),
                    Map.entry(6, "No such device or address"),
                    Map.entry(11, "Resource temporarily unavailable"),
                    Map.entry(12, "Cannot allocate memory"),
                    Map.entry(16, "Device or resource busy"),
                    Map.entry(18, "Invalid cross-device link"),
                    Map.entry(19, "No such device"),
                    Map.entry(21, "Is a directory"),
                    Map.entry(22, "Invalid argument"),
                    Map.entry(23, "Too many open files in system"),
                    Map.entry(24, "Too many open files"),
                    Map.entry(26, "Text file busy"),
                    Map.entry(27, "File too large"),
                    Map.entry(28, "No space left on device"),
                    Map.entry(30, "Read-only file system"),
                    Map.entry(31, "Too many links"),
                    Map.entry(36, "File name too long"),
                    Map.entry(37, "No locks available"),
                    Map.entry(38, "Function not implemented"),
                    Map.entry(40, "Too many levels of symbolic links"),
                    Map.entry(95, "Operation not supported"),
                    Map.entry(32, "Broken pipe"),
                    Map.entry(98, "Address already in use"),
                    Map.entry(104, "Connection reset by peer"),
                    Map.entry(107, "Transport endpoint is not connected"),
                    Map.entry(111, "Connection refused"),
                    Map.entry(110, "Connection timed out"),
                    Map.entry(116, "Stale file handle"),
                    Map.entry(122, "Disk quota exceeded"));

    private LibC() {}

    static IOException failure(int error, String path) {
        return switch (error) {
            case ENOENT -> new NoSuchFileException(path);
            case EACCES -> new AccessDeniedException(path);
            case EEXIST -> new FileAlreadyExistsException(path);
            case 20 -> new NotDirectoryException(path);
            case 39 -> new DirectoryNotEmptyException(path);
            default ->
                    new FileSystemException(
                            path, null, TEXTS.getOrDefault(error, "System error " + error));
        };
    }

    /// Calls, and returns what the function returned, or the negative error number.
    @SuppressWarnings("restricted") // the reason of this package
    static int call(Function function, long a, long b, long c, long d, long e) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(Calls.STATE);
            int result = (int) (long) function.handle.invokeExact(state, a, b, c, d, e);
            return result >= 0 ? result : -(int) Calls.ERRNO.get(state, 0L);
        } catch (RuntimeException | Error thrown) {
            throw thrown;
        } catch (Throwable thrown) {
            throw new AssertionError(thrown);
        }
    }

    /// Calls, again while a signal interrupts it; throws the system's reason if it fails.
    static int require(String path, Function function, long a, long b, long c, long d, long e)
            throws IOException {
        while (true) {
            int result = call(function, a, b, c, d, e);
            if (result >= 0) {
                return result;
            }
            if (result != -EINTR) {
                throw failure(-result, path);
            }
        }
    }

    static int call(Function function, long a) {
        return call(function, a, 0, 0, 0, 0);
    }

    enum Function {
        /// `int openat(int folder, const char *path, int flags, mode_t mode)`
        OPENAT("openat"),
        /// `int close(int descriptor)`
        CLOSE("close"),
        /// `int statx(int folder, const char *path, int flags, unsigned mask, struct statx *found)`
        STATX("statx"),
        /// `int mkdirat(int folder, const char *path, mode_t mode)`
        MKDIRAT("mkdirat"),
        /// `int unlinkat(int folder, const char *path, int flags)`
        UNLINKAT("unlinkat"),
        /// `int linkat(int folder, const char *from, int folder, const char *to, int flags)`
        LINKAT("linkat"),
        /// `int renameat2(int folder, const char *from, int folder, const char *to, unsigned flags)`
        RENAMEAT2("renameat2"),
        /// `int fchmodat(int folder, const char *path, mode_t mode, int flags)`
        FCHMODAT("fchmodat"),
        /// `int posix_fallocate(int descriptor, off_t from, off_t length)`; returns the error number itself
        POSIX_FALLOCATE("posix_fallocate"),
        /// `uid_t geteuid(void)`
        GETEUID("geteuid"),
        /// `int fcntl(int descriptor, int command, struct flock *lock)`
        FCNTL("fcntl"),
        /// `int fchmod(int descriptor, mode_t mode)`
        FCHMOD("fchmod"),
        /// `int socket(int domain, int type, int protocol)`
        SOCKET("socket"),
        /// `int connect(int socket, const struct sockaddr *address, socklen_t length)`
        CONNECT("connect"),
        /// `int bind(int socket, const struct sockaddr *address, socklen_t length)`
        BIND("bind"),
        /// `int shutdown(int socket, int how)`
        SHUTDOWN("shutdown"),
        /// `ssize_t recv(int socket, void *into, size_t length, int flags)`
        RECV("recv"),
        /// `ssize_t sendmsg(int socket, const struct msghdr *message, int flags)`
        SENDMSG("sendmsg"),
        /// `int getsockopt(int socket, int level, int name, void *value, socklen_t *length)`
        GETSOCKOPT("getsockopt"),
        /// `int setsockopt(int socket, int level, int name, const void *value, socklen_t length)`
        SETSOCKOPT("setsockopt");

        private final MethodHandle handle;

        Function(String name) {
            handle = Calls.handle(name);
        }
    }

    @SuppressWarnings("restricted") // the reason of this package
    private static final class Calls {
        static final StructLayout STATE = Linker.Option.captureStateLayout();
        static final VarHandle ERRNO =
                STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
        private static final Linker LINKER = Linker.nativeLinker();
        private static final Linker.Option CAPTURE = Linker.Option.captureCallState("errno");
        private static final FunctionDescriptor SHAPE =
                FunctionDescriptor.of(
                        JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);

        private Calls() {}

        static MethodHandle handle(String name) {
            return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), SHAPE, CAPTURE);
        }
    }
}
