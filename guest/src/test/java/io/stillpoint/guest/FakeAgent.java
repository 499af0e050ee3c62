package io.stillpoint.guest;

import io.stillpoint.platform.Json;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// An agent that does what a test says, on a unix socket. By default it behaves like QEMU's: it serves one
/// client at a time and one command at a time, complains about our sentinel before it synchronises, and
/// refuses nearly everything while frozen.
public final class FakeAgent implements AutoCloseable {
    /// What it does on a command.
    @FunctionalInterface
    public interface Behaviour {
        void act(Call call) throws IOException, InterruptedException;
    }

    private static final Set<String> WHILE_FROZEN =
            Set.of(
                    "guest-ping",
                    "guest-sync",
                    "guest-sync-delimited",
                    "guest-info",
                    "guest-fsfreeze-status",
                    "guest-fsfreeze-thaw");

    private final ServerSocketChannel server;
    private final Thread thread;
    private final Path socket;
    private final Map<String, Deque<Behaviour>> next = new ConcurrentHashMap<>();
    private final Map<String, Behaviour> always = new ConcurrentHashMap<>();
    private final Set<String> disabled = ConcurrentHashMap.newKeySet();
    private final List<String> received = new CopyOnWriteArrayList<>();
    private volatile byte[] greeting = {};

    /// How many file systems a freeze freezes.
    volatile int fileSystems = 3;

    /// How many are frozen, which the agent does not look at to say whether it is frozen.
    volatile int frozenFileSystems;

    volatile boolean frozen;

    public FakeAgent(Path folder) throws IOException {
        socket = folder.resolve("agent.sock");
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket));
        always.put("guest-ping", call -> call.reply(Json.object()));
        always.put("guest-info", this::info);
        always.put("guest-fsfreeze-status", call -> call.reply(text(frozen ? "frozen" : "thawed")));
        always.put("guest-fsfreeze-freeze", this::freeze);
        always.put("guest-fsfreeze-thaw", this::thaw);
        thread = Thread.ofVirtual().name("fake-agent").start(this::serveAll);
    }

    public Path socket() {
        return socket;
    }

    /// The commands it has got, without synchronisations.
    public List<String> received() {
        return received;
    }

    /// Behaves so from now on.
    public FakeAgent on(String command, Behaviour behaviour) {
        always.put(command, behaviour);
        return this;
    }

    /// Behaves so the next time; several add up.
    public FakeAgent once(String command, Behaviour behaviour) {
        next.computeIfAbsent(command, name -> new ArrayDeque<>()).add(behaviour);
        return this;
    }

    public FakeAgent disable(String command) {
        disabled.add(command);
        return this;
    }

    public FakeAgent forget(String command) {
        always.remove(command);
        return this;
    }

    /// What each client gets before anything else.
    FakeAgent greetWith(String garbage) {
        greeting = garbage.getBytes(StandardCharsets.ISO_8859_1);
        return this;
    }

    void freeze(Call call) throws IOException {
        frozen = true;
        frozenFileSystems = fileSystems;
        call.reply(Json.parse(Integer.toString(fileSystems)));
    }

    void thaw(Call call) throws IOException {
        int count = frozenFileSystems;
        frozen = false;
        frozenFileSystems = 0;
        call.reply(Json.parse(Integer.toString(count)));
    }

    public static JsonNode text(String text) {
        return Json.array().add(text).get(0);
    }

    /// One command and the client that waits for its reply.
    public record Call(SocketChannel client, ObjectNode arguments) {
        public void reply(JsonNode value) throws IOException {
            raw(new String(Json.bytes(returned(value)), StandardCharsets.ISO_8859_1) + "\n");
        }

        public void refuse(String errorClass, String description) throws IOException {
            ObjectNode reply = Json.object();
            reply.putObject("error").put("class", errorClass).put("desc", description);
            raw(new String(Json.bytes(reply), StandardCharsets.ISO_8859_1) + "\n");
        }

        void raw(String latin1) throws IOException {
            ByteBuffer bytes = ByteBuffer.wrap(latin1.getBytes(StandardCharsets.ISO_8859_1));
            while (bytes.hasRemaining()) {
                client.write(bytes);
            }
        }

        void drop() throws IOException {
            client.close();
        }

        private static ObjectNode returned(JsonNode value) {
            ObjectNode reply = Json.object();
            reply.set("return", value);
            return reply;
        }
    }

    private void serveAll() {
        while (server.isOpen()) {
            try (SocketChannel client = server.accept()) {
                serve(client);
            } catch (IOException e) {
                // The client has gone; the next one, please.
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void serve(SocketChannel client) throws IOException, InterruptedException {
        new Call(client, Json.object()).raw(new String(greeting, StandardCharsets.ISO_8859_1));
        InputStream in = new BufferedInputStream(Channels.newInputStream(client));
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int next = in.read(); next >= 0; next = in.read()) {
            if (next == 0xFF) {
                line.reset();
                new Call(client, Json.object())
                        .refuse("GenericError", "JSON parse error, stray '\uFFFD'");
            } else if (next == '\n') {
                obey(client, line.toByteArray());
                line.reset();
            } else {
                line.write(next);
            }
        }
    }

    private void obey(SocketChannel client, byte[] line) throws IOException, InterruptedException {
        JsonNode message = Json.parse(line);
        String name = message.path("execute").asString();
        Call call =
                new Call(
                        client,
                        message.path("arguments") instanceof ObjectNode arguments
                                ? arguments
                                : Json.object());
        if (!name.equals("guest-sync-delimited")) {
            received.add(name);
        }
        Behaviour behaviour = always.get(name);
        Behaviour special = next.getOrDefault(name, new ArrayDeque<>()).poll();
        if (special != null) {
            special.act(call);
        } else if (name.equals("guest-sync-delimited")) {
            call.raw("\u00FF{\"return\": " + call.arguments().path("id") + "}\n");
        } else if (behaviour == null) {
            call.refuse("CommandNotFound", "The command " + name + " has not been found");
        } else if (!enabled(name)) {
            call.refuse(
                    "CommandNotFound",
                    "Command "
                            + name
                            + " has been disabled"
                            + (frozen ? ": the agent is in frozen state" : ""));
        } else {
            behaviour.act(call);
        }
    }

    private boolean enabled(String name) {
        return !disabled.contains(name) && (!frozen || WHILE_FROZEN.contains(name));
    }

    private void info(Call call) throws IOException {
        ObjectNode info = Json.object().put("version", "7.2.22");
        ArrayNode commands = info.putArray("supported_commands");
        always.keySet().stream()
                .sorted()
                .forEach(name ->
                        commands.addObject().put("name", name).put("enabled", enabled(name)));
        call.reply(info);
    }

    /// Ends its connection, too. Waits, since until its thread has left a closed socket still accepts.
    @Override
    public void close() throws IOException {
        server.close();
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// Bytes that differ from their neighbours.
    static byte[] pattern(int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) (i * 31 + (i >> 8));
        }
        return bytes;
    }
}
