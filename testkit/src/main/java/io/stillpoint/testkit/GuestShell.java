package io.stillpoint.testkit;

import io.stillpoint.platform.Json;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// As much of the guest agent's protocol as running a command takes (QEMU's `docs/interop/qemu-ga-ref`). Only for the
/// tests' own agent: code under test has its own client.
final class GuestShell implements AutoCloseable {
    private static final byte SENTINEL = (byte) 0xFF;

    /// How long a command without an answer may take to be read.
    private static final Duration SEND_MAX = Duration.ofSeconds(30);

    /// What a command left.
    record Result(int exitCode, String output, String errors) {}

    private final SocketChannel channel;
    private final Selector selector;
    private final ByteBuffer received = ByteBuffer.allocate(1 << 16).flip();
    private long lastSync = 1;

    private GuestShell(SocketChannel channel, Selector selector) {
        this.channel = channel;
        this.selector = selector;
    }

    /// Connects; the guest need not listen yet.
    static GuestShell connect(Path socket) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        Selector selector = Selector.open();
        channel.connect(UnixDomainSocketAddress.of(socket));
        channel.configureBlocking(false);
        channel.register(selector, SelectionKey.OP_READ);
        return new GuestShell(channel, selector);
    }

    /// Whether the agent answers within this time. Discards what was on the line.
    boolean answers(Duration atMost) throws IOException {
        ObjectNode arguments = Json.object().put("id", ++lastSync);
        long deadline = System.nanoTime() + atMost.toNanos();
        if (!sent("guest-sync-delimited", arguments, true, deadline)) {
            return false;
        }
        for (byte[] line = line(deadline); line.length > 0; line = line(deadline)) {
            if (line[0] == SENTINEL) {
                byte[] json = Arrays.copyOfRange(line, 1, line.length);
                if (Json.parse(json).path("return").asLong(0) == lastSync) {
                    return true;
                }
            }
        }
        return false;
    }

    /// Runs a script with the guest's `/bin/sh` to its end.
    Result run(String script, Duration atMost) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + atMost.toNanos();
        ObjectNode arguments = Json.object().put("path", "/bin/sh").put("capture-output", true);
        arguments.putArray("arg").add("-c").add(script);
        long pid = call("guest-exec", arguments, deadline).path("pid").asLong();
        long pauseMillis = 5;
        while (true) {
            JsonNode status = call("guest-exec-status", Json.object().put("pid", pid), deadline);
            if (status.path("exited").asBoolean()) {
                return new Result(
                        status.path("exitcode").asInt(-status.path("signal").asInt(0)),
                        text(status.path("out-data")),
                        text(status.path("err-data")));
            }
            if (System.nanoTime() > deadline) {
                throw new AssertionError("the guest did not end in " + atMost + ": " + script);
            }
            Thread.sleep(pauseMillis);
            pauseMillis = Math.min(200, pauseMillis * 2);
        }
    }

    /// Sends a command that has no answer, such as `guest-shutdown`.
    void send(String command) throws IOException {
        send(command, Json.object(), System.nanoTime() + SEND_MAX.toNanos());
    }

    private JsonNode call(String command, ObjectNode arguments, long deadline) throws IOException {
        send(command, arguments, deadline);
        byte[] line = line(deadline);
        if (line.length == 0) {
            throw new AssertionError("the guest's agent did not answer " + command);
        }
        JsonNode answer = Json.parse(line);
        if (!answer.has("return")) {
            throw new AssertionError("the guest's agent refused " + command + ": " + answer);
        }
        return answer.path("return");
    }

    private void send(String command, ObjectNode arguments, long deadline) throws IOException {
        if (!sent(command, arguments, false, deadline)) {
            throw new AssertionError("the guest's agent does not read: " + command);
        }
    }

    /// Whether all of it went out in time: a guest that does not boot reads nothing.
    private boolean sent(String command, ObjectNode arguments, boolean flushFirst, long deadline)
            throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        if (flushFirst) {
            line.write(SENTINEL);
        }
        ObjectNode request = Json.object().put("execute", command);
        request.set("arguments", arguments);
        line.writeBytes(Json.bytes(request));
        line.write('\n');
        ByteBuffer bytes = ByteBuffer.wrap(line.toByteArray());
        SelectionKey key = channel.keyFor(selector);
        while (bytes.hasRemaining()) {
            if (channel.write(bytes) > 0) {
                continue;
            }
            long millis = (deadline - System.nanoTime()) / 1_000_000;
            if (millis <= 0) {
                return false;
            }
            key.interestOps(SelectionKey.OP_WRITE);
            selector.select(millis);
            selector.selectedKeys().clear();
            key.interestOps(SelectionKey.OP_READ);
        }
        return true;
    }

    /// The next line without its end; empty when the time is over.
    private byte[] line(long deadline) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        while (true) {
            while (received.hasRemaining()) {
                byte next = received.get();
                if (next == '\n') {
                    return line.toByteArray();
                }
                line.write(next);
            }
            long millis = (deadline - System.nanoTime()) / 1_000_000;
            if (millis <= 0) {
                return new byte[0];
            }
            selector.select(millis);
            selector.selectedKeys().clear();
            received.clear();
            int count = channel.read(received);
            received.flip();
            if (count < 0) {
                throw new IOException("the VM closed the agent's socket");
            }
        }
    }

    private static String text(JsonNode base64) {
        return new String(Base64.getDecoder().decode(base64.asString("")), StandardCharsets.UTF_8);
    }

    @Override
    public void close() throws IOException {
        selector.close();
        channel.close();
    }
}
