package io.stillpoint.demo;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;

/// The line that QEMU sends to who connects to its control socket (`{"QMP": ...}`, QMP specification section 2.2).
final class QmpGreeting {
    private QmpGreeting() {}

    /// Connects, waits for the first byte, disconnects. False when nobody listens yet or nothing came in time.
    static boolean heard(Path socket, Duration atMost) {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
                Selector selector = Selector.open()) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            channel.configureBlocking(false);
            channel.register(selector, SelectionKey.OP_READ);
            return selector.select(atMost.toMillis()) > 0
                    && channel.read(ByteBuffer.allocate(512)) > 0;
        } catch (IOException e) {
            return false;
        }
    }
}
