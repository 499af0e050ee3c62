package io.stillpoint.guest;

import io.stillpoint.guest.GuestException.Kind;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// Lines to and from a program in the guest, over a pipe that it serves: a named pipe of Windows, or a FIFO of Linux,
/// which can be written only. Speaking over an open pipe needs no process, no file and no disk of the guest, so it works
/// while writes are held.
///
/// For one thread at a time. Every method throws [GuestException].
public final class GuestPipe implements AutoCloseable {
    private static final int LINE_BYTES_MAX = 1 << 20;
    private static final Duration PAUSE = Duration.ofMillis(20);

    private final AgentSession session;
    private final GuestFile file;
    private final String path;
    private final ByteArrayOutputStream pending = new ByteArrayOutputStream();

    private GuestPipe(AgentSession session, GuestFile file, String path) {
        this.session = session;
        this.file = file;
        this.path = path;
    }

    /// For reading and writing, also where only one is used: opening a FIFO for one alone waits for who does the other,
    /// and the agent with it.
    static GuestPipe open(AgentSession session, AgentTimeouts timeouts, String path) {
        return new GuestPipe(session, GuestFile.open(session, timeouts, path, "r+"), path);
    }

    /// Writes a line.
    ///
    /// @param line without its end
    public void writeLine(String line) {
        file.writeAll((line + "\n").getBytes(StandardCharsets.UTF_8));
    }

    /// Waits for the next line and returns it without its end. Throws TIMEOUT if there is none within `patience`,
    /// REFUSED if it is longer than 1 MiB.
    public String readLine(Duration patience) {
        Deadline deadline = Deadline.after(patience);
        while (true) {
            String line = takeLine();
            if (line != null) {
                return line;
            }
            if (pending.size() > LINE_BYTES_MAX) {
                throw new GuestException(
                        Kind.REFUSED,
                        "guest.file-too-long",
                        null,
                        session.channel(),
                        path,
                        Integer.toString(LINE_BYTES_MAX));
            }
            byte[] bytes = file.readAvailable();
            pending.writeBytes(bytes);
            if (bytes.length == 0) {
                if (deadline.hasPassed()) {
                    throw new GuestException(
                            Kind.TIMEOUT, "guest.timeout", null, session.channel(), path);
                }
                GuestCommand.pause(PAUSE);
            }
        }
    }

    private @Nullable String takeLine() {
        byte[] bytes = pending.toByteArray();
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] == '\n') {
                pending.reset();
                pending.write(bytes, i + 1, bytes.length - i - 1);
                return new String(bytes, 0, i, StandardCharsets.UTF_8).stripTrailing();
            }
        }
        return null;
    }

    @Override
    public void close() {
        file.close();
    }
}
