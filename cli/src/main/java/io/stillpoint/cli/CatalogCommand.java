package io.stillpoint.cli;

import io.stillpoint.platform.Json;
import io.stillpoint.service.control.Answered;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint catalog`
@Command(name = "catalog", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class CatalogCommand {
    private CatalogCommand() {}

    /// `stillpoint catalog rebuild`
    @Command(name = "rebuild", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Rebuild implements Callable<Integer> {
        @Mixin private ControlOptions control = new ControlOptions();
        @Mixin private Output output = new Output();

        @Override
        public Integer call() {
            List<JsonNode> vaults = control.ask("catalog rebuild");
            ObjectNode json = Json.object();
            ArrayNode array = json.putArray("vaults");
            ArrayNode chosen = json.putArray("vms");
            List<String> lines = new ArrayList<>();
            boolean isWell = true;
            for (JsonNode each : vaults) {
                if (each.has("vm")) {
                    chosen.add(each);
                    lines.add(
                            "  "
                                    + Output.text(
                                            "catalog.chosen",
                                            each.path("vm").asString(""),
                                            each.path("policy").asString(""),
                                            VmCommand.moment(each, "lastPoint")));
                    continue;
                }
                array.add(each);
                if (each.has("trouble")) {
                    isWell = false;
                    lines.add(
                            each.path("vault").asString("")
                                    + ": "
                                    + each.path("trouble").asString(""));
                    continue;
                }
                lines.add(
                        Output.text(
                                "catalog.rebuilt",
                                each.path("vault").asString(""),
                                Answered.count(each, "points")));
            }
            output.result(json, String.join("\n", lines));
            return (isWell ? ExitCode.SUCCESS : ExitCode.WARNINGS).status();
        }
    }
}
