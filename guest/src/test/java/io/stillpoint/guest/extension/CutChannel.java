package io.stillpoint.guest.extension;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.function.UnaryOperator;

/// A channel to an agent that lets so many requests pass and then is gone, as with a guest that reboots; it may change what
/// passes, too.
final class CutChannel implements AutoCloseable {
    private final Path agent;
    private final UnaryOperator<String> change;
    private final ServerSocketChannel server;
    private int requestsLeft;

    /// @param requestsMax how many requests reach the agent, those for synchronisation included
    CutChannel(Path socket, Path agent, int requestsMax, UnaryOperator<String> change)
            throws IOException {
        this.agent = agent;
        this.change = change;
        this.requestsLeft = requestsMax;
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket));
        Thread.ofVirtual().name("cut-channel").start(this::serve);
    }

    private void serve() {
        try (SocketChannel client = server.accept();
                SocketChannel target = SocketChannel.open(UnixDomainSocketAddress.of(agent))) {
            // Who comes again finds nobody.
            server.close();
            Thread.ofVirtual().start(() -> copy(target, client));
            pass(client, target);
        } catch (IOException e) {
            // Closed by the test or by one of the ends: then both are.
        }
    }

    private void pass(SocketChannel client, SocketChannel target) throws IOException {
        InputStream in = new BufferedInputStream(Channels.newInputStream(client));
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int next = in.read(); next >= 0; next = in.read()) {
            line.write(next);
            if (next == '\n') {
                if (requestsLeft-- <= 0) {
                    return;
                }
                String request = change.apply(line.toString(StandardCharsets.ISO_8859_1));
                write(target, request.getBytes(StandardCharsets.ISO_8859_1));
                line.reset();
            }
        }
    }

    private static void copy(SocketChannel from, SocketChannel to) {
        ByteBuffer bytes = ByteBuffer.allocate(1 << 16);
        try {
            while (from.read(bytes) >= 0) {
                bytes.flip();
                while (bytes.hasRemaining()) {
                    to.write(bytes);
                }
                bytes.clear();
            }
        } catch (IOException e) {
            // Cut.
        }
    }

    private static void write(SocketChannel to, byte[] content) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(content);
        while (bytes.hasRemaining()) {
            to.write(bytes);
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
