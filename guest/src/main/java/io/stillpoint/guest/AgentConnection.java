package io.stillpoint.guest;

import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Arrays;

/// The bytes to and from an agent: sends and receives with deadlines, splits into lines of bounded length.
/// Non-blocking below, so that a deadline needs neither a second thread nor the end of the connection:
/// who gives up the channel may not get it back, since it serves whoever connects next.
///
/// One thread at a time; only [#close()] may come from another, and ends what that one waits for.
final class AgentConnection implements AutoCloseable {
    /// The agent resets its parser at this byte, and puts it before the reply to guest-sync-delimited. It
    /// occurs in no UTF-8 text (docs/interop/qemu-ga-ref of QEMU).
    static final byte SENTINEL = (byte) 0xFF;

    /// The deadline passed.
    static final class LateException extends Exception {
        private static final long serialVersionUID = 1L;
    }

    /// A line was longer than allowed.
    static final class OverlongLineException extends Exception {
        private static final long serialVersionUID = 1L;
    }

    private final SocketChannel channel;
    private final Selector selector;
    private final SelectionKey key;
    private final ByteBuffer in = ByteBuffer.allocate(64 << 10).flip();

    private AgentConnection(SocketChannel channel, Selector selector) throws IOException {
        this.channel = channel;
        this.selector = selector;
        this.key = channel.register(selector, 0);
    }

    /// Connects. Never blocks: where nobody accepts and the queue is full, the system refuses at once.
    static AgentConnection open(Path socket) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        boolean done = false;
        try {
            channel.configureBlocking(false);
            if (!channel.connect(UnixDomainSocketAddress.of(socket))) {
                throw new IOException("not connected at once");
            }
            AgentConnection connection = new AgentConnection(channel, Selector.open());
            done = true;
            return connection;
        } finally {
            if (!done) {
                channel.close();
            }
        }
    }

    void send(byte[] bytes, Deadline deadline) throws IOException, LateException {
        ByteBuffer out = ByteBuffer.wrap(bytes);
        while (true) {
            channel.write(out);
            if (!out.hasRemaining()) {
                return;
            }
            awaitReady(SelectionKey.OP_WRITE, deadline);
        }
    }

    /// Drops everything up to and with the next sentinel.
    void skipToSentinel(Deadline deadline) throws IOException, LateException {
        do {
            fill(deadline);
        } while (in.get() != SENTINEL);
    }

    /// The next line without its end.
    byte[] nextLine(int lengthMax, Deadline deadline)
            throws IOException, LateException, OverlongLineException {
        byte[] line = new byte[4 << 10];
        int length = 0;
        while (true) {
            fill(deadline);
            byte next = in.get();
            if (next == '\n') {
                return Arrays.copyOf(line, length);
            }
            if (length == lengthMax) {
                throw new OverlongLineException();
            }
            if (length == line.length) {
                line = Arrays.copyOf(line, Math.min(lengthMax, length * 2));
            }
            line[length++] = next;
        }
    }

    private void fill(Deadline deadline) throws IOException, LateException {
        while (!in.hasRemaining()) {
            in.clear();
            int count;
            try {
                count = channel.read(in);
            } finally {
                in.flip();
            }
            if (count < 0) {
                throw new EOFException("closed by the peer");
            }
            if (count == 0) {
                awaitReady(SelectionKey.OP_READ, deadline);
            } else if (deadline.hasPassed()) {
                // Who floods us without end is late, too.
                throw new LateException();
            }
        }
    }

    private void awaitReady(int operation, Deadline deadline) throws IOException, LateException {
        long nanos = deadline.nanosLeft();
        if (nanos == 0) {
            throw new LateException();
        }
        try {
            key.interestOps(operation);
            // Rounded up: select(0) would wait for ever.
            selector.select(nanos / 1_000_000 + 1);
            selector.selectedKeys().clear();
        } catch (ClosedSelectorException | CancelledKeyException e) {
            throw new IOException("closed by us", e);
        }
        if (Thread.currentThread().isInterrupted()) {
            throw new ClosedByInterruptException();
        }
    }

    @Override
    public void close() {
        try (channel;
                selector) {
            // Both are closed.
        } catch (IOException e) {
            // Nothing is buffered in the channel.
        }
    }
}
