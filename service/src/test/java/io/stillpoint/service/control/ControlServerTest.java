package io.stillpoint.service.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.Threads;
import io.stillpoint.service.config.ServiceConfig.Control;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Who connects here is taken for a member of the group, whoever runs the test.
class ControlServerTest {
    private static final int OPEN_MAX = 3;
    private static final Duration ASK_MAX = Duration.ofSeconds(2);
    private static final Duration SLOW = ASK_MAX.plusSeconds(2);

    @TempDir Path folder;
    private Path socket;
    private ControlServer server;

    @BeforeEach
    void start() throws IOException {
        socket = folder.resolve("s");
        String group = Files.readAttributes(folder, PosixFileAttributes.class).group().getName();
        server =
                ControlServer.start(
                        new Control(socket, Optional.of(group)),
                        (request, user, reply) -> {
                            if (request.path("do").asString("").equals("slow")) {
                                LockSupport.parkNanos(SLOW.toNanos());
                            }
                            reply.line(Json.object().put("user", user));
                        },
                        Threads.ofProcess(),
                        new ControlServer.Rules(OPEN_MAX, ASK_MAX, _ -> false));
    }

    @AfterEach
    void close() {
        server.close();
    }

    private SocketChannel connect() throws IOException {
        return SocketChannel.open(UnixDomainSocketAddress.of(socket));
    }

    private String ask(String what) {
        return new ControlClient(socket).one(Json.object().put("do", what)).path("user").asString();
    }

    /// Waits for the server.
    private static boolean isEnded(SocketChannel channel) throws IOException {
        return channel.read(ByteBuffer.allocate(1)) < 0;
    }

    @Test
    void connectionsBeyondTheLimitAndThoseThatAskNothingAreEnded() throws IOException {
        List<SocketChannel> idle = new ArrayList<>();
        try {
            long begin = System.nanoTime();
            for (int i = 0; i < OPEN_MAX; i++) {
                idle.add(connect());
            }
            try (SocketChannel more = connect()) {
                assertThat(isEnded(more)).isTrue();
            }
            assertThat(Duration.ofNanos(System.nanoTime() - begin))
                    .as("at once, not when its time is over")
                    .isLessThan(ASK_MAX);
            assertThatThrownBy(() -> ask("quick")).isInstanceOf(ControlException.class);
            for (SocketChannel each : idle) {
                assertThat(isEnded(each)).isTrue();
            }
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isGreaterThan(ASK_MAX);
            assertThat(ask("quick")).isEqualTo(System.getProperty("user.name"));
        } finally {
            for (SocketChannel each : idle) {
                each.close();
            }
        }
    }

    @Test
    void requestThatIsUnderWayIsNotIdle() {
        assertThat(ask("slow")).isEqualTo(System.getProperty("user.name"));
    }

    /// The system lets in everybody then.
    @Test
    void nobodyOfTheGroupIsAnsweredAtASocketThatIsOpenToAll() throws IOException {
        Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-rw-rw-"));
        try (SocketChannel channel = connect()) {
            assertThat(isEnded(channel)).isTrue();
        }
    }
}
