package io.stillpoint.guest;

import io.stillpoint.platform.Json;
import java.time.Duration;
import java.util.Base64;
import java.util.Objects;
import tools.jackson.databind.JsonNode;

/// An open file of the guest. Meant for small files: the agent moves a few megabytes in a second.
public final class GuestFile implements AutoCloseable {
    /// The most that one call moves; the agent takes more, but holds all of it in memory several times.
    static final int CALL_BYTES_MAX = 1 << 20;

    private static final Duration CALL_MAX = Duration.ofSeconds(30);

    private final GuestAgent agent;
    private final long handle;

    private GuestFile(GuestAgent agent, long handle) {
        this.agent = agent;
        this.handle = handle;
    }

    static GuestFile open(GuestAgent agent, String path, String mode) {
        JsonNode handle =
                agent.execute(
                        "guest-file-open",
                        Json.object().put("path", path).put("mode", mode),
                        CALL_MAX);
        return new GuestFile(agent, handle.asLong(-1));
    }

    /// Reads up to `length` bytes; returns how many, or -1 at the end.
    public int read(byte[] into, int at, int length) {
        Objects.checkFromIndexSize(at, length, into.length);
        int wanted = Math.min(length, CALL_BYTES_MAX);
        JsonNode answer =
                agent.execute(
                        "guest-file-read",
                        Json.object().put("handle", handle).put("count", wanted),
                        CALL_MAX);
        byte[] bytes;
        try {
            bytes = Base64.getDecoder().decode(answer.path("buf-b64").asString(""));
        } catch (IllegalArgumentException e) {
            throw new GuestException.Protocol(agent.socket(), "base64", "other text");
        }
        if (bytes.length > wanted || bytes.length != agent.count(answer.path("count"))) {
            throw new GuestException.Protocol(
                    agent.socket(),
                    "at most " + wanted + " bytes, counted right",
                    bytes.length + " bytes");
        }
        System.arraycopy(bytes, 0, into, at, bytes.length);
        if (bytes.length == 0 && !answer.path("eof").asBoolean(false)) {
            throw new GuestException.Protocol(agent.socket(), "bytes or the end", "neither");
        }
        return bytes.length == 0 ? -1 : bytes.length;
    }

    /// Writes all of it.
    public void write(byte[] from, int at, int length) {
        Objects.checkFromIndexSize(at, length, from.length);
        int done = 0;
        while (done < length) {
            int step = Math.min(length - done, CALL_BYTES_MAX);
            byte[] part = new byte[step];
            System.arraycopy(from, at + done, part, 0, step);
            JsonNode answer =
                    agent.execute(
                            "guest-file-write",
                            Json.object()
                                    .put("handle", handle)
                                    .put("buf-b64", Base64.getEncoder().encodeToString(part)),
                            CALL_MAX);
            int count = agent.count(answer.path("count"));
            if (count < 1 || count > step) {
                throw new GuestException.Protocol(
                        agent.socket(), "1 to " + step + " bytes written", Integer.toString(count));
            }
            done += count;
        }
    }

    @Override
    public void close() {
        agent.execute("guest-file-close", Json.object().put("handle", handle), CALL_MAX);
    }
}
