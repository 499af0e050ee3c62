package io.stillpoint.testkit.fake;

import io.stillpoint.guest.AgentTransport;
import io.stillpoint.testkit.GuestAgentContract;
import io.stillpoint.testkit.TestedGuest;
import java.time.Duration;
import java.time.Instant;

/// The fake keeps the promises of a real one.
final class FakeGuestContractTest extends GuestAgentContract {
    private Instant now = Instant.parse("2026-01-01T00:00:00Z");

    @Override
    protected TestedGuest guest() {
        return new Tested(new FakeGuest(() -> now));
    }

    private final class Tested implements TestedGuest {
        private final FakeGuest fake;

        Tested(FakeGuest fake) {
            this.fake = fake;
        }

        @Override
        public AgentTransport agent() {
            return fake.agent(CallGate.OPEN);
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
        public void close() {}
    }
}
