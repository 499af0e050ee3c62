package io.stillpoint.testkit.fake;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Arrays;

/// Serves the agent of a [FakeGuest] at a unix socket, to one client after the other, for those who reach agents only by
/// sockets. What is in the queue is as good as connected, and gets no answer until its turn.
public final class FakeAgentSocket implements AutoCloseable {
    private static final int READ_MAX = 64 << 10;

    private final FakeGuest guest;
    private final Path path;
    private final ServerSocketChannel server;
    private final Thread thread;
    private volatile boolean hasClient;

    /// @param path where no file is yet
    public FakeAgentSocket(FakeGuest guest, Path path) {
        this.guest = guest;
        this.path = path;
        try {
            server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            server.bind(UnixDomainSocketAddress.of(path));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        thread = Thread.ofVirtual().name("fake-agent").start(this::serveAll);
    }

    public Path path() {
        return path;
    }

    /// Whether a client is connected.
    public boolean hasClient() {
        return hasClient;
    }

    private void serveAll() {
        while (server.isOpen()) {
            try (SocketChannel channel = server.accept();
                    FakeAgentClient client = guest.connect()) {
                hasClient = true;
                serve(channel, client);
            } catch (IOException e) {
                // The client has gone, or we close.
            } finally {
                hasClient = false;
            }
        }
    }

    private static void serve(SocketChannel channel, FakeAgentClient client) throws IOException {
        ByteBuffer read = ByteBuffer.allocate(READ_MAX);
        while (channel.read(read) >= 0) {
            client.send(Arrays.copyOf(read.array(), read.position()));
            read.clear();
            byte[] answer = client.receive(Integer.MAX_VALUE);
            if (answer == null) {
                return;
            }
            ByteBuffer written = ByteBuffer.wrap(answer);
            while (written.hasRemaining()) {
                channel.write(written);
            }
        }
    }

    /// Ends its connection, too. Waits, since until its thread has left a closed socket still accepts.
    @Override
    public void close() {
        try {
            server.close();
            thread.interrupt();
            thread.join();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
