package io.stillpoint.platform.natives;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.stillpoint.platform.natives.LibC.Function;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// A connected unix socket that does what Java's can't: it tells the peer's process (SO_PEERCRED, unix(7)) and hands
/// over open descriptors (SCM_RIGHTS). One thread may read while others write; [#close] wakes the reader. A reader
/// occupies its thread, so it wants a platform thread. Linux, 64 bit.
public final class UnixSocket implements AutoCloseable {
    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM = 1;
    private static final int SOCK_CLOEXEC = 0x80000;
    private static final int SOL_SOCKET = 1;
    private static final int SO_PEERCRED = 17;
    private static final int SO_SNDTIMEO = 21;
    private static final int SCM_RIGHTS = 1;
    private static final int SHUT_RDWR = 2;
    private static final int MSG_NOSIGNAL = 0x4000;

    /// `sun_path` without its final zero.
    private static final int PATH_BYTES_MAX = 107;

    private static final int SEND_BYTES_MAX = 64 << 10;

    private final int descriptor;
    private final Path path;
    private int users;
    private boolean closed;

    private UnixSocket(int descriptor, Path path) {
        this.descriptor = descriptor;
        this.path = path;
    }

    /// Who listens at the other end, as it was when it began to.
    ///
    /// @param process its id in our name space; 0 if it has none there
    /// @param user its effective user's id
    public record Peer(int process, int user, int group) {}

    /// The server's queue stayed full: its process does not accept connections.
    public static final class BusyException extends IOException {
        private static final long serialVersionUID = 1L;

        BusyException(String message) {
            super(message);
        }
    }

    /// Connects.
    ///
    /// @param timeout for the connection, and for each write
    public static UnixSocket connect(Path path, Duration timeout) throws IOException {
        byte[] address = address(path);
        UnixSocket socket = new UnixSocket(create(), path);
        boolean done = false;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment time = arena.allocate(JAVA_LONG, 2);
            time.setAtIndex(JAVA_LONG, 0, timeout.toSeconds());
            time.setAtIndex(JAVA_LONG, 1, timeout.toNanosPart() / 1000);
            LibC.require(
                    path.toString(),
                    Function.SETSOCKOPT,
                    socket.descriptor,
                    SOL_SOCKET,
                    SO_SNDTIMEO,
                    time.address(),
                    time.byteSize());
            int result;
            do {
                result =
                        LibC.call(
                                Function.CONNECT,
                                socket.descriptor,
                                arena.allocateFrom(JAVA_BYTE, address).address(),
                                address.length,
                                0,
                                0);
            } while (result == -LibC.EINTR);
            if (result == -LibC.EAGAIN) {
                throw new BusyException(path + ": the server accepts no connection");
            }
            if (result < 0) {
                throw LibC.failure(-result, path.toString());
            }
            done = true;
            return socket;
        } finally {
            if (!done) {
                socket.close();
            }
        }
    }

    /// An unconnected socket that is bound to a new name but does not listen; its file's mode is 0600.
    static int bound(Path path) throws IOException {
        byte[] address = address(path);
        int descriptor = create();
        boolean done = false;
        try (Arena arena = Arena.ofConfined()) {
            // The file gets the mode of the socket itself (unix(7)).
            LibC.require(path.toString(), Function.FCHMOD, descriptor, 0600, 0, 0, 0);
            LibC.require(
                    path.toString(),
                    Function.BIND,
                    descriptor,
                    arena.allocateFrom(JAVA_BYTE, address).address(),
                    address.length,
                    0,
                    0);
            done = true;
            return descriptor;
        } finally {
            if (!done) {
                LibC.call(Function.CLOSE, descriptor);
            }
        }
    }

    /// Who listens at the other end.
    public Peer peer() throws IOException {
        enter();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment credentials = arena.allocate(JAVA_INT, 3);
            MemorySegment length = arena.allocateFrom(JAVA_INT, 12);
            LibC.require(
                    path.toString(),
                    Function.GETSOCKOPT,
                    descriptor,
                    SOL_SOCKET,
                    SO_PEERCRED,
                    credentials.address(),
                    length.address());
            return new Peer(
                    credentials.getAtIndex(JAVA_INT, 0),
                    credentials.getAtIndex(JAVA_INT, 1),
                    credentials.getAtIndex(JAVA_INT, 2));
        } finally {
            leave();
        }
    }

    /// Reads at least one byte; -1 at the stream's end, or when this socket is closed meanwhile.
    public int read(byte[] into) throws IOException {
        if (!tryEnter()) {
            return -1;
        }
        try (Arena buffers = Arena.ofConfined()) {
            MemorySegment buffer = buffers.allocate(into.length);
            int count =
                    LibC.require(
                            path.toString(),
                            Function.RECV,
                            descriptor,
                            buffer.address(),
                            into.length,
                            0,
                            0);
            MemorySegment.copy(buffer, JAVA_BYTE, 0, into, 0, count);
            return count == 0 ? -1 : count;
        } finally {
            leave();
        }
    }

    /// Writes all of it.
    public void write(byte[] bytes) throws IOException {
        write(bytes, null);
    }

    /// Writes all of it, and hands a copy of the descriptor over with its first byte.
    public void write(byte[] bytes, @Nullable OwnedDescriptor handed) throws IOException {
        enter();
        try {
            int done = 0;
            while (done < bytes.length) {
                done += send(bytes, done, done == 0 ? handed : null);
            }
        } finally {
            leave();
        }
    }

    /// Ends the connection and wakes the reader.
    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            users++;
        }
        // It may not be connected any more.
        LibC.call(Function.SHUTDOWN, descriptor, SHUT_RDWR, 0, 0, 0);
        leave();
    }

    /// `struct msghdr`, `struct iovec` and, for a descriptor, `struct cmsghdr` (recvmsg(2), cmsg(3)).
    private int send(byte[] bytes, int at, @Nullable OwnedDescriptor handed) throws IOException {
        int length = Math.min(bytes.length - at, SEND_BYTES_MAX);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = arena.allocate(length);
            MemorySegment.copy(bytes, at, data, JAVA_BYTE, 0, length);
            MemorySegment vector = arena.allocate(16, 8);
            vector.set(ADDRESS, 0, data);
            vector.set(JAVA_LONG, 8, length);
            MemorySegment message = arena.allocate(56, 8);
            message.set(ADDRESS, 16, vector);
            message.set(JAVA_LONG, 24, 1);
            if (handed != null) {
                MemorySegment control = arena.allocate(24, 8);
                control.set(JAVA_LONG, 0, 20);
                control.set(JAVA_INT, 8, SOL_SOCKET);
                control.set(JAVA_INT, 12, SCM_RIGHTS);
                control.set(JAVA_INT, 16, handed.number());
                message.set(ADDRESS, 32, control);
                message.set(JAVA_LONG, 40, 24);
            }
            return LibC.require(
                    path.toString(),
                    Function.SENDMSG,
                    descriptor,
                    message.address(),
                    MSG_NOSIGNAL,
                    0,
                    0);
        }
    }

    private static int create() throws IOException {
        return LibC.require(
                "socket", Function.SOCKET, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, 0, 0);
    }

    private static byte[] address(Path path) throws IOException {
        byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
        if (name.length > PATH_BYTES_MAX) {
            throw new IOException(path + ": a socket's path has at most 107 bytes");
        }
        byte[] address = new byte[2 + name.length + 1];
        MemorySegment.ofArray(address).set(JAVA_SHORT.withByteAlignment(1), 0, (short) AF_UNIX);
        System.arraycopy(name, 0, address, 2, name.length);
        return address;
    }

    private void enter() throws IOException {
        if (!tryEnter()) {
            throw new IOException(path + ": closed");
        }
    }

    private synchronized boolean tryEnter() {
        if (closed) {
            return false;
        }
        users++;
        return true;
    }

    /// The last to leave a closed socket gives its number back: another file may have it then.
    private void leave() {
        synchronized (this) {
            users--;
            if (!closed || users > 0) {
                return;
            }
        }
        LibC.call(Function.CLOSE, descriptor);
    }
}
