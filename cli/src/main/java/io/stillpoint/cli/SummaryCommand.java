package io.stillpoint.cli;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.text.Printable;
import io.stillpoint.service.control.Answered;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint summary`
@Command(name = "summary", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class SummaryCommand implements Callable<Integer> {
    @Mixin private ControlOptions control = new ControlOptions();
    @Mixin private Output output = new Output();

    @Option(
            names = "--last",
            paramLabel = "TIME",
            defaultValue = "24h",
            descriptionKey = "option.summary-last")
    private String last = "";

    @Override
    public Integer call() {
        List<JsonNode> lines = control.ask(Json.object().put("do", "summary").put("last", last));
        ObjectNode json = Json.object();
        ArrayNode alerts = json.putArray("alerts");
        List<String> text = new ArrayList<>();
        boolean isWell = true;
        for (JsonNode line : lines) {
            if (line.has("alert")) {
                alerts.add(line);
                text.add(alert(line));
                isWell &= line.has("closedAt");
            } else {
                line.properties().forEach(each -> json.set(each.getKey(), each.getValue()));
                text.addAll(0, described(line));
                isWell &= Answered.count(line, "failed") == 0 && line.path("without").isEmpty();
            }
        }
        output.result(json, String.join("\n", text));
        return (isWell ? ExitCode.SUCCESS : ExitCode.WARNINGS).status();
    }

    private static List<String> described(JsonNode sum) {
        List<String> lines = new ArrayList<>();
        lines.add(
                Output.text(
                        "summary.time",
                        VmCommand.moment(sum, "from"),
                        VmCommand.moment(sum, "to")));
        lines.add(
                Output.text(
                        "summary.jobs",
                        Answered.count(sum, "made"),
                        Answered.count(sum, "failed"),
                        Answered.count(sum, "cancelled"),
                        Answered.count(sum, "late"),
                        Answered.count(sum, "unfinished")));
        lines.add(
                Output.text(
                        "summary.bytes", Answered.size(sum, "read"), Answered.size(sum, "stored")));
        lines.add(
                Output.text(
                        "summary.vms",
                        Answered.count(sum, "vms"),
                        Answered.count(sum, "protected")));
        for (JsonNode each : sum.path("without")) {
            lines.add(Output.text("summary.without", Printable.of(each.asString(""))));
        }
        return lines;
    }

    private static String alert(JsonNode alert) {
        String message =
                Printable.of(
                        alert.path("subject").asString("")
                                + ": "
                                + alert.path("message").asString(""));
        return alert.has("closedAt")
                ? Output.text(
                        "summary.over",
                        VmCommand.moment(alert, "openedAt"),
                        VmCommand.moment(alert, "closedAt"),
                        message)
                : Output.text("summary.alert", VmCommand.moment(alert, "openedAt"), message);
    }
}
