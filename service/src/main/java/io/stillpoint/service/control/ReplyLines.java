package io.stillpoint.service.control;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Optional;

/// Sends lines to a peer and reads its lines, each of bounded length and, where that is asked for, within a time. By one
/// thread.
final class ReplyLines implements AutoCloseable {
    /// A line of the service may list all VMs of a policy.
    static final int LINE_MAX = 16 << 20;

    private final SocketChannel channel;
    private final Selector selector;
    private final ByteBuffer arrived = ByteBuffer.allocate(64 << 10).flip();

    /// The peer sends a line that is longer than any answer.
    static final class OverlongException extends IOException {
        private static final long serialVersionUID = 1L;
    }

    /// The peer neither takes nor sends anything.
    static final class SilentException extends IOException {
        private static final long serialVersionUID = 1L;
    }

    /// @param channel connected; it stays the caller's
    ReplyLines(SocketChannel channel) throws IOException {
        this.channel = channel;
        channel.configureBlocking(false);
        selector = channel.provider().openSelector();
        channel.register(selector, 0);
    }

    void send(byte[] bytes, Duration patience) throws IOException {
        ByteBuffer left = ByteBuffer.wrap(bytes);
        while (channel.write(left) >= 0 && left.hasRemaining()) {
            await(SelectionKey.OP_WRITE, patience);
        }
    }

    /// The next line without its end; empty if the peer has ended, also within a line.
    ///
    /// @param patience zero: for ever
    Optional<byte[]> next(Duration patience) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        while (true) {
            while (arrived.hasRemaining()) {
                byte next = arrived.get();
                if (next == '\n') {
                    return Optional.of(line.toByteArray());
                }
                if (line.size() == LINE_MAX) {
                    throw new OverlongException();
                }
                line.write(next);
            }
            arrived.clear();
            int count = channel.read(arrived);
            arrived.flip();
            if (count < 0) {
                return Optional.empty();
            }
            if (count == 0) {
                await(SelectionKey.OP_READ, patience);
            }
        }
    }

    private void await(int operation, Duration patience) throws IOException {
        channel.keyFor(selector).interestOps(operation);
        selector.selectedKeys().clear();
        if (selector.select(patience.toMillis()) == 0) {
            throw new SilentException();
        }
    }

    @Override
    public void close() throws IOException {
        selector.close();
    }
}
