package io.stillpoint.cli;

import io.stillpoint.hypervisor.KeptSnapshots;
import io.stillpoint.hypervisor.SnapshotName;
import io.stillpoint.platform.Json;
import io.stillpoint.service.control.ControlClient;
import io.stillpoint.service.control.ControlException;
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

    /// The snapshots that the service of this machine keeps, which other programs of ours leave alone. None, where no service
    /// answers, or it does not let this user in.
    KeptSnapshots kept() {
        KeptSnapshots kept = KeptSnapshots.NONE;
        try {
            for (JsonNode name : one(Json.object().put("do", "snapshot kept")).path("names")) {
                kept = kept.with(SnapshotName.parse(name.asString("")));
            }
        } catch (ControlException e) {
            // Whom the service does not let in has no VM of it either.
            boolean isNobodys =
                    e.kind() == ControlException.Kind.AWAY
                            || e.kind() == ControlException.Kind.SOCKET;
            if (!isNobodys) {
                throw e;
            }
        }
        return kept;
    }

    /// Takes the lines as they come.
    void ask(ObjectNode request, Consumer<JsonNode> lines) {
        new ControlClient(socket).ask(request, lines);
    }
}
