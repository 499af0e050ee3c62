package io.stillpoint.cli;

import io.stillpoint.platform.Json;
import io.stillpoint.service.control.ControlClient;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// How the service is reached.
final class ControlOptions {
    @Option(
            names = "--control",
            paramLabel = "SOCKET",
            defaultValue = "${env:STILLPOINT_CONTROL:-/run/stillpoint/control.sock}",
            descriptionKey = "option.control")
    private Path socket = Path.of("");

    /// Asks for something that needs no more words.
    List<JsonNode> ask(String what) {
        return ask(Json.object().put("do", what));
    }

    List<JsonNode> ask(ObjectNode request) {
        return new ControlClient(socket).ask(request);
    }

    /// What is answered with a line.
    ObjectNode one(ObjectNode request) {
        return new ControlClient(socket).one(request);
    }

    /// Takes the lines as they come.
    void ask(ObjectNode request, Consumer<JsonNode> lines) {
        new ControlClient(socket).ask(request, lines);
    }
}
