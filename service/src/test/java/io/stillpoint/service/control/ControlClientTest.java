package io.stillpoint.service.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.Json;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ControlClientTest {
    private static final Duration PATIENCE = Duration.ofMillis(300);

    @TempDir Path folder;
    private ServerSocketChannel server;
    private ControlClient client;

    @BeforeEach
    void listen() throws IOException {
        Path socket = folder.resolve("s");
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket));
        client = new ControlClient(socket, PATIENCE);
    }

    @AfterEach
    void close() throws IOException {
        server.close();
    }

    @Test
    void serviceThatTakesNoRequestIsGivenUp() {
        assertThatThrownBy(() -> client.ask(Json.object().put("do", "status")))
                .isInstanceOfSatisfying(
                        ControlException.class,
                        e -> assertThat(e.code()).isEqualTo("control.silent"));
    }

    /// It does not fit into the system's buffers.
    @Test
    void serviceThatDoesNotReadALongRequestIsGivenUp() {
        assertThatThrownBy(() -> client.ask(Json.object().put("do", "x".repeat(1 << 20))))
                .isInstanceOfSatisfying(
                        ControlException.class,
                        e -> assertThat(e.code()).isEqualTo("control.silent"));
    }

    @Test
    void serviceThatHasTakenARequestHasAllTheTime() throws IOException {
        Thread slow =
                Thread.ofPlatform()
                        .start(() -> {
                            try (SocketChannel channel = server.accept()) {
                                say(channel, "{\"taken\":true}\n{\"a\"");
                                LockSupport.parkNanos(PATIENCE.multipliedBy(3).toNanos());
                                say(channel, ":7}\n{\"end\":true}\n");
                            } catch (IOException e) {
                                throw new AssertionError(e);
                            }
                        });
        assertThat(client.one(Json.object()).path("a").asInt()).isEqualTo(7);
        assertThat(slow).isNotNull();
    }

    private static void say(SocketChannel channel, String text) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            int _ = channel.write(bytes);
        }
    }
}
