package io.stillpoint.cli;

import io.stillpoint.platform.Json;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint point`
@Command(name = "point", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class PointCommand {
    private static final int ID_SHOWN = 12;

    private PointCommand() {}

    private static void print(Output output, List<JsonNode> points) {
        ObjectNode json = Json.object();
        ArrayNode array = json.putArray("points");
        points.forEach(array::add);
        Table table =
                new Table(
                        Output.text("column.point"),
                        Output.text("column.vm"),
                        Output.text("column.taken"),
                        Output.text("column.consistency"),
                        Output.text("column.cause"),
                        Output.text("column.kept"));
        for (JsonNode point : points) {
            String id = point.path("point").asString("");
            table.add(
                    id.substring(0, Math.min(ID_SHOWN, id.length())),
                    point.path("vm").asString(""),
                    VmCommand.moment(point, "snapshotAt"),
                    point.path("consistency").asString(""),
                    point.path("cause").asString(""),
                    kept(point));
        }
        output.result(json, points.isEmpty() ? Output.text("point.none") : table.toString());
    }

    private static String kept(JsonNode point) {
        if (point.has("pin")) {
            return Output.text("point.pinned", point.path("pin").asString(""));
        }
        if (point.has("keptBy") && point.path("cause").asString("").equals("schedule")) {
            String policy = point.path("keptBy").asString("");
            // Nothing that has an end keeps the latest point of a VM.
            if (point.path("why").isEmpty()) {
                return Output.text("point.by-nothing");
            }
            return point.has("keptUntil")
                    ? Output.text("point.by", VmCommand.moment(point, "keptUntil"), policy)
                    : Output.text("point.by-latest", policy);
        }
        return point.has("keepUntil")
                ? Output.text("point.until", VmCommand.moment(point, "keepUntil"))
                : Output.text(
                        point.path("cause").asString("").equals("schedule")
                                ? "point.by-policy"
                                : "point.until-deleted");
    }

    /// Which point of which VM.
    static final class Which {
        @Mixin private VmArgument vm = new VmArgument();

        @Parameters(index = "1", paramLabel = "POINT", descriptionKey = "option.point-known")
        private String point = "";

        ObjectNode request(String what) {
            return Json.object().put("do", what).put("vm", vm.name()).put("point", point);
        }
    }

    /// `stillpoint point list`
    @Command(name = "list", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Listing implements Callable<Integer> {
        @Mixin private ControlOptions control = new ControlOptions();
        @Mixin private Output output = new Output();

        @Mixin private VmArgument vm = new VmArgument();

        @Override
        public Integer call() {
            print(output, control.ask(Json.object().put("do", "point list").put("vm", vm.name())));
            return ExitCode.SUCCESS.status();
        }
    }

    /// `stillpoint point pin`
    @Command(name = "pin", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Pin implements Callable<Integer> {
        @Mixin private Which which = new Which();
        @Mixin private ControlOptions control = new ControlOptions();
        @Mixin private Output output = new Output();

        @Option(
                names = "--reason",
                required = true,
                paramLabel = "TEXT",
                descriptionKey = "option.pin-reason")
        private String reason = "";

        @Override
        public Integer call() {
            print(output, control.ask(which.request("point pin").put("reason", reason)));
            return ExitCode.SUCCESS.status();
        }
    }

    /// `stillpoint point unpin`
    @Command(name = "unpin", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Unpin implements Callable<Integer> {
        @Mixin private Which which = new Which();
        @Mixin private ControlOptions control = new ControlOptions();
        @Mixin private Output output = new Output();

        @Override
        public Integer call() {
            print(output, control.ask(which.request("point pin")));
            return ExitCode.SUCCESS.status();
        }
    }

    /// `stillpoint point keep`
    @Command(name = "keep", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Keep implements Callable<Integer> {
        @Mixin private Which which = new Which();
        @Mixin private ControlOptions control = new ControlOptions();
        @Mixin private Output output = new Output();

        @Option(names = "--for", paramLabel = "TIME", descriptionKey = "option.keep-for")
        private @Nullable String time;

        @Override
        public Integer call() {
            ObjectNode request = which.request("point keep");
            if (time != null) {
                request.put("keep", time);
            }
            print(output, control.ask(request));
            return ExitCode.SUCCESS.status();
        }
    }
}
