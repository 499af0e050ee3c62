package io.stillpoint.service.control;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.disk.Reason;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Asks the service.
///
/// @param socket its control socket
public record ControlClient(Path socket) {
    /// Asks, and takes the answer's lines as they come. Throws a [ControlException] if nobody answers, or the service
    /// refuses.
    public void ask(ObjectNode request, Consumer<JsonNode> lines) {
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
                OutputStream out = Channels.newOutputStream(channel);
                BufferedReader in =
                        new BufferedReader(
                                new InputStreamReader(
                                        Channels.newInputStream(channel),
                                        StandardCharsets.UTF_8))) {
            out.write((request + "\n").getBytes(StandardCharsets.UTF_8));
            out.flush();
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                JsonNode answer = parsed(line);
                if (answer.has("error")) {
                    JsonNode error = answer.path("error");
                    if (!error.has("message")) {
                        throw ControlException.stranger(socket, null);
                    }
                    throw ControlException.refused(
                            error.path("code").asString(""), error.path("message").asString(""));
                }
                if (answer.has("end")) {
                    return;
                }
                lines.accept(answer);
            }
            throw ControlException.ended(socket);
        } catch (AccessDeniedException e) {
            throw ControlException.denied(socket, e);
        } catch (IOException e) {
            if (String.valueOf(e.getMessage()).contains("Permission denied")) {
                throw ControlException.denied(socket, e);
            }
            throw ControlException.away(socket, Reason.of(e), e);
        }
    }

    private JsonNode parsed(String line) {
        try {
            JsonNode answer = Json.parse(line);
            if (answer.isObject()) {
                return answer;
            }
        } catch (JacksonException e) {
            throw ControlException.stranger(socket, e);
        }
        throw ControlException.stranger(socket, null);
    }

    /// As [#ask(ObjectNode, Consumer)], all lines at the end.
    public List<JsonNode> ask(ObjectNode request) {
        List<JsonNode> lines = new ArrayList<>();
        ask(request, lines::add);
        return lines;
    }
}
