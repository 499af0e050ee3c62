package io.stillpoint.testkit.fake;

import io.stillpoint.platform.Json;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// One client of a [FakeGuest]'s agent, in bytes: what it sent and is not obeyed yet, and what it was answered and has not
/// read yet. Guarded by the guest.
final class FakeAgentClient implements AutoCloseable {
    private static final byte SENTINEL = (byte) 0xFF;

    private final FakeGuest guest;
    private final ByteArrayOutputStream pending = new ByteArrayOutputStream();
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private byte[] answers = {};
    private boolean isCut;

    FakeAgentClient(FakeGuest guest) {
        this.guest = guest;
    }

    /// Bytes for the agent.
    void send(byte[] bytes) {
        synchronized (guest) {
            if (!isCut) {
                pending.writeBytes(bytes);
                serve();
            }
        }
    }

    /// What the agent has answered since, at most so many bytes; null if it has ended the connection and all was read.
    byte @Nullable [] receive(int lengthMax) {
        synchronized (guest) {
            if (answers.length == 0 && isCut) {
                return null;
            }
            int length = Math.min(lengthMax, answers.length);
            byte[] read = Arrays.copyOf(answers, length);
            answers = Arrays.copyOfRange(answers, length, answers.length);
            return read;
        }
    }

    boolean isServed() {
        return guest.isServed(this);
    }

    /// The agent that had read half a line is gone.
    void forget() {
        line.reset();
    }

    /// The agent's end is gone.
    void cut() {
        isCut = true;
    }

    /// Obeys what was sent, if it is this client's turn.
    void serve() {
        if (!isServed()) {
            return;
        }
        byte[] bytes = pending.toByteArray();
        pending.reset();
        for (byte next : bytes) {
            if (isCut) {
                return;
            }
            if (next == SENTINEL) {
                // The agent's parser stumbles over it, and begins anew.
                line.reset();
                answer(FakeGuest.refusal("GenericError", "JSON parse error, stray '\uFFFD'"));
            } else if (next == '\n') {
                byte[] command = line.toByteArray();
                line.reset();
                obey(command);
            } else {
                line.write(next);
            }
        }
    }

    private void obey(byte[] command) {
        JsonNode message;
        try {
            message = Json.parse(command);
        } catch (JacksonException e) {
            answer(FakeGuest.refusal("GenericError", "JSON parse error"));
            return;
        }
        String name = message.path("execute").asString("");
        ObjectNode arguments =
                message.path("arguments") instanceof ObjectNode given ? given : Json.object();
        ObjectNode reply = guest.obey(name, arguments);
        if (reply == null || isCut) {
            return;
        }
        if (name.equals("guest-sync-delimited") && reply.has("return")) {
            append(new byte[] {SENTINEL});
        }
        answer(reply);
    }

    private void answer(ObjectNode reply) {
        append(Json.bytes(reply));
        append(new byte[] {'\n'});
    }

    private void append(byte[] bytes) {
        int old = answers.length;
        answers = Arrays.copyOf(answers, old + bytes.length);
        System.arraycopy(bytes, 0, answers, old, bytes.length);
    }

    @Override
    public void close() {
        synchronized (guest) {
            isCut = true;
            answers = new byte[0];
            guest.leave(this);
        }
    }
}
