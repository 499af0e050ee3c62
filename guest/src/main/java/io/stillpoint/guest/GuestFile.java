package io.stillpoint.guest;

import io.stillpoint.guest.GuestException.Kind;
import io.stillpoint.platform.Json;
import java.io.ByteArrayOutputStream;
import java.util.Base64;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// An open file of the guest, read or written in chunks. For small files: the agent moves a few MB/s.
final class GuestFile implements AutoCloseable {
    static final int CHUNK_BYTES = 1 << 20;

    /// 64 KiB of base64: a slow guest takes each in time, and old agents' parsers are no match for long strings.
    static final int WRITTEN_BYTES = 48 << 10;

    private final AgentSession session;
    private final AgentTimeouts timeouts;
    private final String path;
    private final long handle;

    private GuestFile(AgentSession session, AgentTimeouts timeouts, String path, long handle) {
        this.session = session;
        this.timeouts = timeouts;
        this.path = path;
        this.handle = handle;
    }

    /// @param mode as for fopen(3)
    static GuestFile open(AgentSession session, AgentTimeouts timeouts, String path, String mode) {
        ObjectNode arguments = Json.object().put("path", path).put("mode", mode);
        JsonNode handle =
                session.call(
                        AgentCommand.of("guest-file-open", arguments),
                        Deadline.after(timeouts.command()));
        return new GuestFile(session, timeouts, path, Replies.number(session, handle));
    }

    /// From here to the end of the file.
    byte[] readAll(int lengthMax) {
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        while (true) {
            // One byte more than allowed tells a file that fits from one that is too long.
            int wanted = (int) Math.min(CHUNK_BYTES, lengthMax + 1L - content.size());
            JsonNode read = call("guest-file-read", about().put("count", wanted));
            byte[] chunk = Replies.bytes(session, read.path("buf-b64"));
            if (chunk.length > wanted) {
                throw session.protocol("at most " + wanted + " bytes", chunk.length + " bytes");
            }
            content.writeBytes(chunk);
            if (content.size() > lengthMax) {
                throw new GuestException(
                        Kind.REFUSED,
                        "guest.file-too-long",
                        null,
                        session.channel(),
                        path,
                        Integer.toString(lengthMax));
            }
            if (chunk.length == 0 || read.path("eof").asBoolean(false)) {
                return content.toByteArray();
            }
        }
    }

    /// What a pipe has at the moment, at most 64 KiB; nothing if it is empty, which agents report as a failure to read.
    byte[] readAvailable() {
        AgentReply reply =
                session.ask(
                        AgentCommand.of("guest-file-read", about().put("count", 64 << 10)),
                        Deadline.after(timeouts.command()));
        return switch (reply) {
            case AgentReply.Returned(JsonNode read) -> Replies.bytes(session, read.path("buf-b64"));
            case AgentReply.Refused refused when refused.description().contains("read file") ->
                    new byte[0];
            case AgentReply.Refused refused -> throw session.refused("guest-file-read", refused);
        };
    }

    void writeAll(byte[] content) {
        int done = 0;
        while (done < content.length) {
            int length = Math.min(WRITTEN_BYTES, content.length - done);
            byte[] chunk = new byte[length];
            System.arraycopy(content, done, chunk, 0, length);
            ObjectNode arguments =
                    about().put("buf-b64", Base64.getEncoder().encodeToString(chunk));
            int written = Replies.count(session, call("guest-file-write", arguments).path("count"));
            if (written == 0 || written > length) {
                throw session.protocol("1 to " + length + " bytes written", written + " bytes");
            }
            done += written;
        }
        call("guest-file-flush", about());
    }

    @Override
    public void close() {
        call("guest-file-close", about());
    }

    private JsonNode call(String command, ObjectNode arguments) {
        return session.call(
                AgentCommand.of(command, arguments), Deadline.after(timeouts.command()));
    }

    private ObjectNode about() {
        return Json.object().put("handle", handle);
    }
}
