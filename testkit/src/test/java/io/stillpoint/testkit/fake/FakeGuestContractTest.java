package io.stillpoint.testkit.fake;

import io.stillpoint.testkit.GuestAgentContract;
import io.stillpoint.testkit.TestedGuest;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.io.TempDir;

/// The fake keeps the promises of a real one.
final class FakeGuestContractTest extends GuestAgentContract {
    @TempDir Path folder;
    private Instant now = Instant.parse("2026-01-01T00:00:00Z");

    @Override
    protected TestedGuest guest() {
        FakeGuest fake = new FakeGuest(() -> now);
        return new Tested(fake, new FakeAgentSocket(fake, folder.resolve("agent.sock")));
    }

    private final class Tested implements TestedGuest {
        private final FakeGuest fake;
        private final FakeAgentSocket socket;

        Tested(FakeGuest fake, FakeAgentSocket socket) {
            this.fake = fake;
            this.socket = socket;
        }

        @Override
        public Path agentSocket() {
            return socket.path();
        }

        @Override
        public boolean canWrite() {
            return !fake.isFrozen();
        }

        @Override
        public void pass(Duration time) {
            now = now.plus(time);
        }

        @Override
        public void restartAgent() {
            fake.restartAgent();
        }

        @Override
        public void close() {
            socket.close();
        }
    }
}
