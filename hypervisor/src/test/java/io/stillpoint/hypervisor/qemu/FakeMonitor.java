package io.stillpoint.hypervisor.qemu;

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
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import tools.jackson.databind.JsonNode;

/// A monitor by script. In its lines `ID` stands for the command's id.
final class FakeMonitor implements AutoCloseable {
    /// Instead of a line: the connection ends.
    static final String DROP = "DROP";

    private final Path socket;
    private final String greeting;
    private final ServerSocketChannel server;
    private final Map<String, List<String>> answers = new ConcurrentHashMap<>();

    FakeMonitor(Path socket, String greeting) throws IOException {
        this.socket = socket;
        this.greeting = greeting;
        this.server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket));
        on("qmp_capabilities", "{\"return\":{},\"id\":ID}");
        Thread.ofPlatform().daemon().start(this::serve);
    }

    Path socket() {
        return socket;
    }

    void on(String command, String... lines) {
        answers.put(command, List.of(lines));
    }

    @Override
    public void close() throws IOException {
        server.close();
    }

    private void serve() {
        while (server.isOpen()) {
            try (SocketChannel channel = server.accept()) {
                if (!greeting.isEmpty()) {
                    send(channel, greeting);
                }
                answer(channel);
            } catch (IOException e) {
                // The next client, or the end.
            }
        }
    }

    private void answer(SocketChannel channel) throws IOException {
        BufferedReader lines =
                new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
        String line;
        while ((line = lines.readLine()) != null) {
            JsonNode message = Json.parse(line);
            for (String answer :
                    answers.getOrDefault(message.path("execute").asString(), List.of())) {
                if (answer.equals(DROP)) {
                    return;
                }
                send(channel, answer.replace("ID", message.path("id").toString()));
            }
        }
    }

    private static void send(SocketChannel channel, String line) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }
}
