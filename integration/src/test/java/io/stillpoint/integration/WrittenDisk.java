package io.stillpoint.integration;

import io.stillpoint.platform.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A disk of a running VM that is written all the time, as a guest would: one write after the other, each of them whole or
/// not there at any instant. Knows what the disk held after each.
final class WrittenDisk implements AutoCloseable {
    private static final int SECTOR = 4096;
    private static final int SECTORS_MAX = 64;
    private static final long PAUSE_MILLIS = 4;

    private final SocketChannel channel;
    private final BufferedReader in;
    private final String device;
    private final int size;
    private final Random random;
    private final List<Write> writes = new ArrayList<>();
    private final Thread writing;
    private final AtomicInteger begun = new AtomicInteger();
    private final AtomicInteger done = new AtomicInteger();
    private volatile boolean isClosed;

    /// What the disk held after so many writes, which no later question comes before.
    private final byte[] content;

    private int contentAfter;

    private record Write(int offset, int length, int pattern) {}

    /// Begins to write. The disk reads as zeros.
    ///
    /// @param monitor nobody else's
    WrittenDisk(Path monitor, String device, int size, long seed) throws IOException {
        this.device = device;
        this.size = size;
        random = new Random(seed);
        content = new byte[size];
        channel = SocketChannel.open(UnixDomainSocketAddress.of(monitor));
        in = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
        JsonNode _ = execute(Json.object().put("execute", "qmp_capabilities"));
        writing = Thread.ofPlatform().daemon().start(this::writeAll);
    }

    private void writeAll() {
        try {
            while (!isClosed) {
                Write next = next();
                int _ = begun.incrementAndGet();
                String answer =
                        execute(human(next)).path("return").asString("no answer of a command");
                if (!answer.isEmpty()) {
                    throw new AssertionError(answer);
                }
                int _ = done.incrementAndGet();
                Thread.sleep(PAUSE_MILLIS);
            }
        } catch (InterruptedException e) {
            // It is closed.
        }
    }

    private Write next() {
        int length = (random.nextInt(SECTORS_MAX) + 1) * SECTOR;
        int offset = random.nextInt((size - length) / SECTOR) * SECTOR;
        synchronized (writes) {
            Write write = new Write(offset, length, writes.size() % 255 + 1);
            writes.add(write);
            return write;
        }
    }

    private ObjectNode human(Write write) {
        String line =
                "qemu-io -d /machine/peripheral/%s/virtio-backend \"write -P %d %d %d\""
                        .formatted(device, write.pattern(), write.offset(), write.length());
        ObjectNode command = Json.object().put("execute", "human-monitor-command");
        command.set("arguments", Json.object().put("command-line", line));
        return command;
    }

    /// Asks QEMU something.
    JsonNode ask(String command) {
        return execute(Json.object().put("execute", command)).required("return");
    }

    private synchronized JsonNode execute(ObjectNode command) {
        try {
            channel.write(ByteBuffer.wrap((command + "\n").getBytes(StandardCharsets.UTF_8)));
            while (true) {
                String line = in.readLine();
                if (line == null) {
                    throw new IOException("QEMU ended");
                }
                JsonNode answer = Json.parse(line);
                if (answer.has("return") || answer.has("error")) {
                    return answer;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// How many writes have begun.
    int begun() {
        return begun.get();
    }

    /// How many writes are done.
    int done() {
        return done.get();
    }

    /// Whether it is written still.
    boolean isAlive() {
        return writing.isAlive();
    }

    /// After how many writes the disk held this. Throws an [AssertionError] if it never did, between these two numbers.
    ///
    /// @param from not below an earlier answer
    int instantOf(byte[] found, int from, int to) {
        List<Write> all;
        synchronized (writes) {
            all = List.copyOf(writes);
        }
        for (int count = contentAfter; count <= to; count++) {
            if (count > contentAfter) {
                Write write = all.get(count - 1);
                Arrays.fill(
                        content,
                        write.offset(),
                        write.offset() + write.length(),
                        (byte) write.pattern());
                contentAfter = count;
            }
            if (count >= from && Arrays.equals(content, found)) {
                return count;
            }
        }
        throw new AssertionError(
                "no content of the disk after %d to %d writes; at %d differs from it at byte %d"
                        .formatted(from, to, contentAfter, Arrays.mismatch(content, found)));
    }

    @Override
    public void close() throws IOException {
        isClosed = true;
        try {
            writing.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        channel.close();
    }
}
