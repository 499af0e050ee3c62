package io.stillpoint.testkit.fake;

import io.stillpoint.guest.AgentChannel;
import io.stillpoint.guest.AgentTransport;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/// The way of one process to the agent of a [FakeGuest]. Every byte passes the process's gate: what was written has had
/// its effect in the guest when the write returns, so that a process can end before it and after it.
final class FakeAgentTransport implements AgentTransport {
    private static final Duration LOOK_AGAIN = Duration.ofMillis(2);

    private final FakeGuest guest;
    private final CallGate gate;

    FakeAgentTransport(FakeGuest guest, CallGate gate) {
        this.guest = guest;
        this.gate = gate;
    }

    @Override
    public AgentChannel open() {
        gate.pass("agent-open");
        return new Channel(guest.connect());
    }

    @Override
    public String description() {
        return "a fake guest's agent";
    }

    private final class Channel implements AgentChannel {
        private final FakeAgentClient client;

        Channel(FakeAgentClient client) {
            this.client = client;
        }

        @Override
        public int read(ByteBuffer into, Duration patience) throws ClosedByInterruptException {
            gate.pass("agent-read");
            requireUninterrupted();
            byte[] bytes = client.receive(into.remaining());
            if (bytes == null) {
                return -1;
            }
            if (bytes.length == 0 && patience.isPositive()) {
                // Another client is served, or the agent keeps silent.
                LockSupport.parkNanos(Math.min(patience.toNanos(), LOOK_AGAIN.toNanos()));
                requireUninterrupted();
            }
            into.put(bytes);
            return bytes.length;
        }

        @Override
        public int write(ByteBuffer from, Duration patience) throws ClosedByInterruptException {
            gate.pass("agent-write");
            requireUninterrupted();
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            while (from.hasRemaining()) {
                bytes.write(from.get());
            }
            client.send(bytes.toByteArray());
            return bytes.size();
        }

        private static void requireUninterrupted() throws ClosedByInterruptException {
            if (Thread.currentThread().isInterrupted()) {
                throw new ClosedByInterruptException();
            }
        }

        @Override
        public void close() {
            gate.pass("agent-close");
            client.close();
        }
    }
}
