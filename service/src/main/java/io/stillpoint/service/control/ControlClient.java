package io.stillpoint.service.control;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.Waiting;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.text.Text;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Asks the service. What answers may be anything: whatever it sends, a [ControlException] says what is wrong.
///
/// @param socket its control socket
/// @param patience until the service has taken a request; what it does then takes its time
public record ControlClient(Path socket, Duration patience) {
    private static final Duration USUAL = Duration.ofSeconds(30);

    /// With the usual patience.
    public ControlClient(Path socket) {
        this(socket, USUAL);
    }

    /// Asks, and takes the answer's lines as they come. Throws a [ControlException] if nobody answers, or the service
    /// refuses.
    public void ask(ObjectNode request, Consumer<JsonNode> lines) {
        try (SocketChannel channel = connect();
                ReplyLines peer = new ReplyLines(channel)) {
            peer.send((request + "\n").getBytes(StandardCharsets.UTF_8), patience);
            if (!line(peer, patience).path("taken").asBoolean(false)) {
                throw ControlException.stranger(socket, null);
            }
            for (Optional<JsonNode> line = first(peer);
                    line.isPresent();
                    line = answered(peer, Duration.ZERO)) {
                lines.accept(line.get());
            }
        } catch (ReplyLines.OverlongException e) {
            throw ControlException.stranger(socket, e);
        } catch (ReplyLines.SilentException e) {
            throw ControlException.silent(socket, patience.toSeconds());
        } catch (IOException e) {
            throw ControlException.broken(socket, Reason.of(e), e);
        }
    }

    private SocketChannel connect() {
        try {
            return SocketChannel.open(UnixDomainSocketAddress.of(socket));
        } catch (AccessDeniedException e) {
            throw ControlException.denied(socket, e);
        } catch (IOException e) {
            if (String.valueOf(e.getMessage()).contains("Permission denied")) {
                throw ControlException.denied(socket, e);
            }
            throw ControlException.away(socket, Reason.of(e), e);
        }
    }

    /// Of a service that has taken the request, and may have much to do before it has something to say.
    private Optional<JsonNode> first(ReplyLines peer) throws IOException {
        try (Waiting _ =
                Waiting.until(
                        () -> Text.of(ControlClient.class, "control.awaiting-answer", socket))) {
            return answered(peer, Duration.ZERO);
        }
    }

    /// Empty at the answer's end.
    private Optional<JsonNode> answered(ReplyLines peer, Duration patience) throws IOException {
        JsonNode line = line(peer, patience);
        return line.has("end") ? Optional.empty() : Optional.of(line);
    }

    private JsonNode line(ReplyLines peer, Duration patience) throws IOException {
        JsonNode line =
                parsed(peer.next(patience).orElseThrow(() -> ControlException.ended(socket)));
        if (line.has("error")) {
            JsonNode error = line.path("error");
            if (!error.path("message").isString()) {
                throw ControlException.stranger(socket, null);
            }
            throw ControlException.refused(
                    error.path("code").asString(""), error.path("message").asString());
        }
        return line;
    }

    private JsonNode parsed(byte[] line) {
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

    /// As [#ask(ObjectNode)], of what is answered with a line.
    public ObjectNode one(ObjectNode request) {
        List<JsonNode> lines = ask(request);
        if (lines.isEmpty()) {
            throw ControlException.stranger(socket, null);
        }
        return (ObjectNode) lines.getFirst();
    }
}
