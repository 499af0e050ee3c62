package io.stillpoint.guest;

import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What the tests against the scripted agent share: an agent, and a client that is quick to give up.
@Timeout(60)
abstract class AgentTest {
    static final byte[] NO_INPUT = {};
    static final Duration PATIENCE = Duration.ofSeconds(5);
    static final AgentTimeouts QUICK =
            new AgentTimeouts(
                    Duration.ofMillis(500),
                    Duration.ofMillis(500),
                    Duration.ofMillis(500),
                    Duration.ofSeconds(5));

    @TempDir Path folder;
    FakeAgent fake;

    @BeforeEach
    void start() throws IOException {
        fake = new FakeAgent(folder);
    }

    @AfterEach
    void stop() throws IOException {
        fake.close();
    }

    GuestAgent connect() {
        return connect(QUICK);
    }

    GuestAgent connect(AgentTimeouts timeouts) {
        return GuestAgent.connect(
                new AgentSocket(fake.socket()),
                PATIENCE,
                Randomness.secure(),
                Threads.ofProcess(),
                timeouts);
    }
}
