package io.stillpoint.guest;

import io.stillpoint.platform.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// An agent by script: it answers sync and what it was told to answer, and notes what it was asked. Serves one
/// client at a time, as a chardev does.
final class FakeAgent implements AutoCloseable {
    /// What a command does: the client's channel and the arguments in, the whole reply out; null for silence.
    interface Answer extends BiFunction<SocketChannel, JsonNode, @Nullable String> {}

    private final ServerSocketChannel server;
    private final Path socket;
    private final Map<String, Answer> answers = new HashMap<>();
    private final List<String> asked = Collections.synchronizedList(new ArrayList<>());

    FakeAgent(Path folder) throws IOException {
        socket = folder.resolve("qga.sock");
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket));
        Thread.ofPlatform().daemon().start(this::serve);
    }

    Path socket() {
        return socket;
    }

    List<String> asked() {
        return List.copyOf(asked);
    }

    FakeAgent on(String command, Answer answer) {
        answers.put(command, answer);
        return this;
    }

    /// Answers always the same value.
    FakeAgent returns(String command, String json) {
        return on(command, (channel, arguments) -> "{\"return\":" + json + "}");
    }

    FakeAgent refuses(String command, String detail) {
        return on(
                command,
                (channel, arguments) ->
                        "{\"error\":{\"class\":\"GenericError\",\"desc\":\"" + detail + "\"}}");
    }

    static void send(SocketChannel channel, String line) {
        try {
            channel.write(ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.ISO_8859_1)));
        } catch (IOException e) {
            // The client has left, as some tests want.
        }
    }

    static void drop(SocketChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
    }

    private void serve() {
        while (server.isOpen()) {
            try (SocketChannel channel = server.accept()) {
                serve(channel);
            } catch (IOException e) {
                // The next client, or the end.
            }
        }
    }

    private void serve(SocketChannel channel) throws IOException {
        var lines = new BufferedReader(Channels.newReader(channel, StandardCharsets.ISO_8859_1));
        String line;
        while ((line = lines.readLine()) != null) {
            JsonNode message = Json.parse(line.replace("\u00ff", ""));
            String command = message.path("execute").asString();
            JsonNode arguments = message.path("arguments");
            if (command.equals("guest-sync-delimited")) {
                ObjectNode reply = Json.object().put("return", arguments.path("id").asLong());
                send(channel, "\u00ff" + reply);
                continue;
            }
            asked.add(command);
            Answer answer = answers.get(command);
            String reply =
                    answer == null
                            ? "{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"The command "
                                    + command
                                    + " has not been found\"}}"
                            : answer.apply(channel, arguments);
            if (reply != null) {
                send(channel, reply);
            }
        }
    }
}
