package io.stillpoint.guest;

import io.stillpoint.guest.AgentConnection.LateException;
import io.stillpoint.guest.AgentConnection.OverlongLineException;
import io.stillpoint.guest.AgentReply.Refused;
import io.stillpoint.guest.AgentReply.Returned;
import io.stillpoint.guest.GuestException.Kind;
import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.text.Printable;
import io.stillpoint.platform.text.Text;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/// Commands and replies, one after the other, over connections that may break. An agent's replies carry
/// no number, so they are told apart by their order alone: whenever a reply is outstanding or was not
/// understood the connection is out of step, and the next command synchronises first.
///
/// Safe for several threads. Interrupting one that waits ends the connection and throws
/// [CancelledException]; the next command connects again.
final class AgentSession implements AutoCloseable {
    private final AgentTransport transport;
    private final Randomness randomness;
    private final ReentrantLock lock = new ReentrantLock();
    private volatile @Nullable AgentConnection connection;
    private volatile boolean closed;
    private boolean inStep;

    AgentSession(AgentTransport transport, Randomness randomness) {
        this.transport = transport;
        this.randomness = randomness;
    }

    /// Names the channel in messages.
    String channel() {
        return transport.description();
    }

    boolean isClosed() {
        return closed;
    }

    /// Sends a command and returns the value of its reply; throws REFUSED if the agent says no.
    JsonNode call(AgentCommand command, Deadline deadline) {
        return switch (ask(command, deadline)) {
            case Returned returned -> returned.value();
            case Refused refused -> throw refused(command.name(), refused);
        };
    }

    /// Sends a command and returns its reply. Connects and synchronises first where that is needed.
    AgentReply ask(AgentCommand command, Deadline deadline) {
        acquire(deadline, command.name());
        try {
            AgentConnection agent = synchronised(deadline);
            inStep = false;
            agent.send(command.line(), deadline);
            AgentReply reply = replyOf(agent.nextLine(command.replyBytesMax(), deadline));
            inStep = true;
            return reply;
        } catch (LateException e) {
            throw new GuestException(Kind.TIMEOUT, "guest.timeout", e, channel(), command.name());
        } catch (OverlongLineException e) {
            throw protocol("at most " + command.replyBytesMax() + " bytes in a line", "more");
        } catch (IOException e) {
            throw lost(e);
        } finally {
            lock.unlock();
        }
    }

    /// Brings the connection into step, so that the next command is answered at once.
    void synchronise(Deadline deadline) {
        acquire(deadline, "guest-sync-delimited");
        try {
            synchronised(deadline);
        } catch (IOException e) {
            throw lost(e);
        } finally {
            lock.unlock();
        }
    }

    /// Ends the connection; the next command makes a new one.
    void disconnect() {
        AgentConnection agent = connection;
        connection = null;
        if (agent != null) {
            agent.close();
        }
    }

    @Override
    public void close() {
        closed = true;
        disconnect();
    }

    GuestException protocol(String expected, String found) {
        return protocol(expected, Text.verbatim(Printable.line(found)));
    }

    GuestException protocol(String expected, Text found) {
        return new GuestException(
                Kind.PROTOCOL, "guest.protocol", null, channel(), expected, found);
    }

    GuestException refused(String command, Refused refused) {
        return new GuestException(
                Kind.REFUSED,
                "guest.refused",
                null,
                channel(),
                command,
                refused.errorClass(),
                refused.description());
    }

    private void acquire(Deadline deadline, String command) {
        try {
            if (!lock.tryLock(deadline.nanosLeft(), TimeUnit.NANOSECONDS)) {
                throw new GuestException(Kind.TIMEOUT, "guest.timeout", null, channel(), command);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancelledException();
        }
    }

    private AgentConnection synchronised(Deadline deadline) throws IOException {
        AgentConnection agent = connection;
        if (agent == null) {
            agent = connect();
            inStep = false;
        }
        if (!inStep) {
            try {
                sync(agent, deadline);
            } catch (LateException e) {
                throw new GuestException(Kind.TIMEOUT, "guest.no-answer", e, channel());
            }
            inStep = true;
        }
        return agent;
    }

    private AgentConnection connect() {
        AgentConnection agent = new AgentConnection(transport.open());
        connection = agent;
        if (closed) {
            // Closed meanwhile by another thread, which did not see this connection.
            disconnect();
            throw lost(new IOException("closed by us"));
        }
        return agent;
    }

    /// Sends a sentinel, which ends whatever half a command the agent still has, and drops everything up
    /// to the reply that repeats our number: garbage, replies to other clients, late replies to us.
    private void sync(AgentConnection agent, Deadline deadline) throws IOException, LateException {
        // 48 bits: unlike any earlier number, and exact in every JSON parser.
        long id = ByteBuffer.allocate(8).position(2).put(randomness.bytes(6)).rewind().getLong();
        byte[] command =
                AgentCommand.of("guest-sync-delimited", Json.object().put("id", id)).line();
        byte[] line =
                ByteBuffer.allocate(1 + command.length)
                        .put(AgentConnection.SENTINEL)
                        .put(command)
                        .array();
        agent.send(line, deadline);
        while (true) {
            agent.skipToSentinel(deadline);
            try {
                if (replyOf(agent.nextLine(AgentCommand.REPLY_BYTES_MAX, deadline))
                                instanceof Returned(JsonNode value)
                        && value.isIntegralNumber()
                        && value.asLong(-1) == id) {
                    return;
                }
            } catch (OverlongLineException | GuestException e) {
                // Garbage with a sentinel in it: go on looking.
            }
        }
    }

    private AgentReply replyOf(byte[] line) {
        JsonNode message;
        try {
            message = Json.parse(line);
        } catch (JacksonException e) {
            throw protocol("a JSON object per line", excerpt(line));
        }
        JsonNode error = message.path("error");
        if (error.isObject()) {
            return new Refused(
                    Printable.line(error.path("class").asString("?")),
                    Printable.line(error.path("desc").asString("?")));
        }
        if (!message.has("return")) {
            throw protocol("a reply", excerpt(line));
        }
        return new Returned(message.path("return"));
    }

    private RuntimeException lost(IOException cause) {
        disconnect();
        if (cause instanceof ClosedByInterruptException) {
            return new CancelledException();
        }
        return new GuestException(
                Kind.UNREACHABLE, "guest.lost", cause, channel(), Reason.of(cause));
    }

    private static String excerpt(byte[] line) {
        int length = Math.min(line.length, 120);
        return Printable.line(new String(line, 0, length, StandardCharsets.UTF_8));
    }
}
