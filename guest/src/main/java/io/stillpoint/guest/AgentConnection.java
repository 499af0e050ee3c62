package io.stillpoint.guest;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import java.io.EOFException;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// One connection to an agent, in step with it. The agent's replies carry no ids, so a reply that comes after
/// its command's timeout would be taken for the next command's: after each timeout, as at the start,
/// `guest-sync-delimited` with a fresh id is sent and everything up to its echo is dropped.
final class AgentConnection implements AutoCloseable {
    /// The longest answer is captured output: 16 MiB, in base64, twice.
    static final int LINE_BYTES_MAX = 48 << 20;

    /// Tells the agent's parser, and ours, to start afresh ("guest-sync-delimited").
    private static final byte SENTINEL = (byte) 0xff;

    private final Path socket;
    private final SocketChannel channel;
    private final Randomness randomness;

    /// Small: a guest that floods us is read no faster than it is asked.
    private final BlockingQueue<Received> received = new ArrayBlockingQueue<>(16);

    private volatile boolean closed;
    private boolean inStep;

    /// A line, or why there are no more.
    private record Received(byte[] line, @Nullable IOException end) {}

    private AgentConnection(Path socket, SocketChannel channel, Randomness randomness) {
        this.socket = socket;
        this.channel = channel;
        this.randomness = randomness;
        Thread.ofVirtual().name("guest-agent-reader").start(this::readAll);
    }

    static AgentConnection open(Path socket, Randomness randomness) {
        try {
            return new AgentConnection(
                    socket, SocketChannel.open(UnixDomainSocketAddress.of(socket)), randomness);
        } catch (IOException e) {
            throw new GuestException.Unreachable(socket, String.valueOf(e.getMessage()), e);
        }
    }

    boolean isClosed() {
        return closed;
    }

    /// Runs a command and returns its `return` value.
    ///
    /// @param syncMax how long getting in step may take, if that is needed
    JsonNode execute(String command, ObjectNode arguments, Duration timeout, Duration syncMax) {
        if (!inStep) {
            sync(syncMax);
        }
        ObjectNode message = Json.object().put("execute", command);
        if (!arguments.isEmpty()) {
            message.set("arguments", arguments);
        }
        // Out of step until the answer is there.
        inStep = false;
        send(message, false);
        byte[] line = next(System.nanoTime() + timeout.toNanos());
        if (line == null) {
            throw new GuestException.TimedOut("guest.timeout", socket, command, seconds(timeout));
        }
        JsonNode reply = parse(line);
        inStep = true;
        JsonNode error = reply.path("error");
        if (error.isObject()) {
            throw new GuestException.Refused(
                    socket,
                    command,
                    error.path("class").asString("?"),
                    printable(error.path("desc").asString("?")));
        }
        if (!reply.has("return")) {
            close();
            throw new GuestException.Protocol(socket, "a reply", excerpt(line));
        }
        return reply.path("return");
    }

    @Override
    public void close() {
        closed = true;
        received.clear();
        try {
            channel.close();
        } catch (IOException e) {
            // Nothing is buffered in the channel.
        }
    }

    private void sync(Duration timeout) {
        long id = ByteBuffer.wrap(randomness.bytes(Integer.BYTES)).getInt() & 0x7fffffff;
        ObjectNode message = Json.object().put("execute", "guest-sync-delimited");
        message.set("arguments", Json.object().put("id", id));
        send(message, true);
        long deadline = System.nanoTime() + timeout.toNanos();
        while (true) {
            byte[] line = next(deadline);
            if (line == null) {
                throw new GuestException.TimedOut("guest.silent", socket, seconds(timeout));
            }
            if (isEcho(line, id)) {
                inStep = true;
                return;
            }
        }
    }

    /// Anything else is the rest of what an earlier client, or we, had asked for.
    private static boolean isEcho(byte[] line, long id) {
        try {
            return Json.parse(afterSentinel(line)).path("return").asLong(-1) == id;
        } catch (JacksonException e) {
            return false;
        }
    }

    private static byte[] afterSentinel(byte[] line) {
        int start = line.length;
        while (start > 0 && line[start - 1] != SENTINEL) {
            start--;
        }
        return Arrays.copyOfRange(line, start, line.length);
    }

    private void send(ObjectNode message, boolean sentinel) {
        byte[] json = Json.bytes(message);
        ByteBuffer line = ByteBuffer.allocate(json.length + 2);
        if (sentinel) {
            line.put(SENTINEL);
        }
        line.put(json).put((byte) '\n').flip();
        try {
            while (line.hasRemaining()) {
                channel.write(line);
            }
        } catch (IOException e) {
            close();
            throw new GuestException.Unreachable(socket, e.toString(), e);
        }
    }

    private byte @Nullable [] next(long deadline) {
        try {
            Received next =
                    received.poll(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
            if (next == null) {
                return null;
            }
            if (next.end != null) {
                close();
                if (next.end instanceof OverlongLineException) {
                    throw new GuestException.Protocol(
                            socket, "lines of at most " + LINE_BYTES_MAX + " bytes", "more");
                }
                throw new GuestException.Unreachable(socket, next.end.toString(), next.end);
            }
            return next.line;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new GuestException.Unreachable(socket, "interrupted", e);
        }
    }

    private JsonNode parse(byte[] line) {
        try {
            JsonNode reply = Json.parse(afterSentinel(line));
            if (reply.isObject()) {
                return reply;
            }
        } catch (JacksonException e) {
            // Told below.
        }
        close();
        throw new GuestException.Protocol(socket, "a JSON object", excerpt(line));
    }

    private static final class OverlongLineException extends IOException {
        private static final long serialVersionUID = 1L;
    }

    private void readAll() {
        ByteBuffer in = ByteBuffer.allocate(64 << 10);
        byte[] line = new byte[4 << 10];
        int length = 0;
        try {
            while (true) {
                if (channel.read(in.clear()) < 0) {
                    throw new EOFException("closed by QEMU");
                }
                in.flip();
                while (in.hasRemaining()) {
                    byte next = in.get();
                    if (next == '\n') {
                        if (length > 0) {
                            received.put(new Received(Arrays.copyOf(line, length), null));
                        }
                        length = 0;
                        continue;
                    }
                    if (length == LINE_BYTES_MAX) {
                        throw new OverlongLineException();
                    }
                    if (length == line.length) {
                        line = Arrays.copyOf(line, Math.min(length * 2, LINE_BYTES_MAX));
                    }
                    line[length++] = next;
                }
            }
        } catch (IOException e) {
            end(e);
        } catch (InterruptedException e) {
            end(new IOException(e));
        }
    }

    private void end(IOException cause) {
        // Nobody reads any more once we have closed it ourselves.
        while (!closed) {
            try {
                if (received.offer(new Received(new byte[0], cause), 100, TimeUnit.MILLISECONDS)) {
                    return;
                }
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private static String seconds(Duration time) {
        return Long.toString(Math.max(1, time.toSeconds()));
    }

    private static String excerpt(byte[] line) {
        return printable(new String(line, 0, Math.min(line.length, 120), StandardCharsets.UTF_8));
    }

    /// A guest's words end up in terminals.
    static String printable(String text) {
        return text.replaceAll("\\p{Cntrl}", "?");
    }
}
