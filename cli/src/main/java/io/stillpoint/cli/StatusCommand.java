package io.stillpoint.cli;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.text.Printable;
import io.stillpoint.service.control.Answered;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint status`
@Command(name = "status", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class StatusCommand implements Callable<Integer> {
    @Mixin private ControlOptions control = new ControlOptions();
    @Mixin private Output output = new Output();

    @Override
    public Integer call() {
        List<JsonNode> parts = control.ask("status");
        ObjectNode json = Json.object();
        ArrayNode array = json.putArray("status");
        parts.forEach(array::add);
        List<String> lines = new ArrayList<>();
        boolean isWell = true;
        for (JsonNode part : parts) {
            if (part.has("host")) {
                lines.add(
                        part.has("vms")
                                ? Output.text(
                                        "status.host-vms",
                                        part.path("host").asString(""),
                                        Answered.count(part, "vms"))
                                : Output.text("status.host", part.path("host").asString("")));
                for (JsonNode each : part.path("silent")) {
                    lines.add("  " + Printable.of(each.asString("")));
                }
            } else if (part.has("vault")) {
                lines.add(Output.text("status.vault", part.path("vault").asString("")));
                if (part.has("trouble")) {
                    isWell = false;
                    lines.add("  " + Printable.of(part.path("trouble").asString("")));
                }
                for (JsonNode each : part.path("alarms")) {
                    isWell = false;
                    lines.add("  " + Printable.of(each.asString("")));
                }
                for (JsonNode each : part.path("care")) {
                    isWell &= !each.has("code");
                    lines.add(
                            "  "
                                    + VmCommand.moment(each, "at")
                                    + "  "
                                    + Printable.of(each.path("message").asString("")));
                }
            } else {
                List<String> counts = new ArrayList<>();
                for (var each : part.path("jobs").properties()) {
                    counts.add(
                            Answered.count(part.path("jobs"), each.getKey()) + " " + each.getKey());
                }
                lines.add(
                        Output.text(
                                "status.jobs",
                                counts.isEmpty()
                                        ? Output.text("status.no-jobs")
                                        : String.join(", ", counts)));
                for (JsonNode each : part.path("troubles")) {
                    isWell = false;
                    lines.add("  " + Printable.of(each.asString("")));
                }
            }
        }
        output.result(json, String.join("\n", lines));
        return (isWell ? ExitCode.SUCCESS : ExitCode.WARNINGS).status();
    }
}
