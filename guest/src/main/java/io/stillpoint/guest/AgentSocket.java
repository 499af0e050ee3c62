package io.stillpoint.guest;

import io.stillpoint.guest.GuestException.Kind;
import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.disk.Reason;
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
import java.time.Duration;

/// The host's end of an agent's channel as a unix socket. To which guest it leads is not asked here.
///
/// @param path of the socket
public record AgentSocket(Path path) implements AgentTransport {
    /// Never blocks: where nobody accepts and the queue is full, the system refuses at once.
    @Override
    public AgentChannel open() {
        try {
            return connect();
        } catch (ClosedByInterruptException e) {
            throw new CancelledException();
        } catch (IOException e) {
            throw new GuestException(Kind.UNREACHABLE, "guest.unreachable", e, path, Reason.of(e));
        }
    }

    private AgentChannel connect() throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        boolean done = false;
        try {
            channel.configureBlocking(false);
            if (!channel.connect(UnixDomainSocketAddress.of(path))) {
                throw new IOException("not connected at once");
            }
            AgentChannel connected = new Connected(channel, Selector.open());
            done = true;
            return connected;
        } finally {
            if (!done) {
                channel.close();
            }
        }
    }

    @Override
    public String description() {
        return path.toString();
    }

    /// A connection that was made. Non-blocking below.
    private static final class Connected implements AgentChannel {
        private final SocketChannel channel;
        private final Selector selector;
        private final SelectionKey key;

        Connected(SocketChannel channel, Selector selector) throws IOException {
            this.channel = channel;
            this.selector = selector;
            key = channel.register(selector, 0);
        }

        @Override
        public int read(ByteBuffer into, Duration patience) throws IOException {
            int count = channel.read(into);
            if (count == 0 && isReady(SelectionKey.OP_READ, patience)) {
                count = channel.read(into);
            }
            return count;
        }

        @Override
        public int write(ByteBuffer from, Duration patience) throws IOException {
            int count = channel.write(from);
            if (count == 0 && isReady(SelectionKey.OP_WRITE, patience)) {
                count = channel.write(from);
            }
            return count;
        }

        private boolean isReady(int operation, Duration patience) throws IOException {
            if (patience.isZero() || patience.isNegative()) {
                return false;
            }
            boolean isReady;
            try {
                key.interestOps(operation);
                // Rounded up: select(0) would wait for ever.
                isReady = selector.select(patience.toNanos() / 1_000_000 + 1) > 0;
                selector.selectedKeys().clear();
            } catch (ClosedSelectorException | CancelledKeyException e) {
                throw new IOException("closed by us", e);
            }
            if (Thread.currentThread().isInterrupted()) {
                throw new ClosedByInterruptException();
            }
            return isReady;
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
}
