package io.stillpoint.integration;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// Asks QEMU over a socket of the test's own, independently of the code under test.
final class QmpProbe implements AutoCloseable {
    private final SocketChannel channel;
    private final BufferedReader in;

    QmpProbe(Path socket) {
        try {
            channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            channel.connect(UnixDomainSocketAddress.of(socket));
            in = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
            in.readLine();
            execute("qmp_capabilities");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// The reply, as it comes.
    String execute(String command) {
        try {
            String line = "{\"execute\":\"" + command + "\"}\n";
            channel.write(ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8)));
            String reply = in.readLine();
            while (reply != null && reply.contains("\"event\"")) {
                reply = in.readLine();
            }
            return String.valueOf(reply);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
