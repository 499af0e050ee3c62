package io.stillpoint.cli;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.text.Moment;
import io.stillpoint.service.control.Answered;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint vm`
@Command(name = "vm", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class VmCommand {
    private VmCommand() {}

    /// `stillpoint vm list`
    @Command(name = "list", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Listing implements Callable<Integer> {
        @Mixin private ControlOptions control = new ControlOptions();
        @Mixin private Output output = new Output();

        @Override
        public Integer call() {
            List<JsonNode> vms = control.ask("vm list");
            print(output, vms);
            return ExitCode.SUCCESS.status();
        }
    }

    private static void print(Output output, List<JsonNode> vms) {
        ObjectNode json = Json.object();
        ArrayNode array = json.putArray("vms");
        vms.forEach(array::add);
        Table table =
                new Table(
                        Output.text("column.vm"),
                        Output.text("column.host"),
                        Output.text("column.state"),
                        Output.text("column.policy"),
                        Output.text("column.last-point"),
                        ">" + Output.text("column.age"),
                        ">" + Output.text("column.size"),
                        Output.text("column.next"));
        for (JsonNode vm : vms) {
            table.add(
                    shown(vm),
                    vm.path("host").asString(""),
                    vm.path("state").asString(""),
                    policy(vm),
                    moment(vm, "lastPoint"),
                    age(vm),
                    vm.has("size") ? Answered.size(vm, "size").toString() : "-",
                    moment(vm, "next"));
        }
        output.result(json, vms.isEmpty() ? Output.text("vm.none") : table.toString());
    }

    /// With the name that the hypervisor has for it, where its points are called otherwise: policies know it by that.
    private static String shown(JsonNode vm) {
        String shown = vm.path("vm").asString("");
        String name = vm.path("name").asString("");
        return name.isEmpty() || name.equals(shown) ? shown : Output.text("vm.now", shown, name);
    }

    /// With the others that select it, too.
    private static String policy(JsonNode vm) {
        StringBuilder text = new StringBuilder(vm.path("policy").asString("-"));
        for (JsonNode each : vm.path("selectedBy")) {
            if (!each.asString("").equals(vm.path("policy").asString(""))) {
                text.append(" (").append(each.asString("")).append(')');
            }
        }
        return text.toString();
    }

    /// Of the last point, as a person would say it.
    private static String age(JsonNode vm) {
        if (!vm.has("lastPoint")) {
            return "-";
        }
        Instant taken = Answered.instant(vm, "lastPoint");
        Duration age = Duration.between(taken, InstantSource.system().instant());
        if (age.toDays() > 1) {
            return Output.text("age.days", age.toDays());
        }
        return age.toHours() > 1
                ? Output.text("age.hours", age.toHours())
                : Output.text("age.minutes", Math.max(0, age.toMinutes()));
    }

    static String moment(JsonNode line, String key) {
        return line.has(key) ? Moment.text(Answered.instant(line, key)) : "-";
    }

    /// `stillpoint vm protect`
    @Command(name = "protect", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Protect implements Callable<Integer> {
        @Mixin private ControlOptions control = new ControlOptions();
        @Mixin private Output output = new Output();

        @Mixin private VmArgument vm = new VmArgument();

        @Option(
                names = "--policy",
                required = true,
                paramLabel = "NAME",
                descriptionKey = "option.policy")
        private String policy = "";

        @Override
        public Integer call() {
            print(
                    output,
                    control.ask(
                            Json.object()
                                    .put("do", "vm protect")
                                    .put("vm", vm.name())
                                    .put("policy", policy)));
            return ExitCode.SUCCESS.status();
        }
    }

    /// `stillpoint vm unprotect`
    @Command(name = "unprotect", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Unprotect implements Callable<Integer> {
        @Mixin private ControlOptions control = new ControlOptions();
        @Mixin private Output output = new Output();

        @Mixin private VmArgument vm = new VmArgument();

        @Option(names = "--delete-points", descriptionKey = "option.delete-points")
        private boolean deletePoints;

        @Option(names = "--yes", descriptionKey = "option.unprotect-yes")
        private boolean yes;

        @Override
        public Integer call() {
            List<JsonNode> lines =
                    control.ask(
                            Json.object()
                                    .put("do", "vm unprotect")
                                    .put("vm", vm.name())
                                    .put("deletePoints", deletePoints)
                                    .put("confirmed", yes));
            print(output, lines.stream().filter(each -> each.has("vm")).toList());
            for (JsonNode line : lines) {
                if (line.has("forgotten") && !output.isQuiet()) {
                    output.log(Output.text("vm.forgotten", Answered.count(line, "forgotten")));
                }
            }
            return ExitCode.SUCCESS.status();
        }
    }

    /// `stillpoint vm release`
    @Command(name = "release", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Release implements Callable<Integer> {
        @Mixin private ControlOptions control = new ControlOptions();
        @Mixin private Output output = new Output();

        @Mixin private VmArgument vm = new VmArgument();

        @Override
        public Integer call() {
            print(output, control.ask(Json.object().put("do", "vm release").put("vm", vm.name())));
            return ExitCode.SUCCESS.status();
        }
    }

    /// `stillpoint vm tag`
    @Command(name = "tag", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Tag implements Callable<Integer> {
        @Mixin private ControlOptions control = new ControlOptions();
        @Mixin private Output output = new Output();

        @Mixin private VmArgument vm = new VmArgument();

        @Parameters(
                index = "1..*",
                arity = "1..*",
                paramLabel = "TAG=VALUE",
                descriptionKey = "option.tags")
        private List<String> tags = new ArrayList<>();

        @Override
        public Integer call() {
            ObjectNode request = Json.object().put("do", "vm tag").put("vm", vm.name());
            ObjectNode given = request.putObject("tags");
            for (String each : tags) {
                int at = each.indexOf('=');
                if (at < 1) {
                    throw new InputException("vm.tag", each);
                }
                given.put(each.substring(0, at), each.substring(at + 1));
            }
            print(output, control.ask(request));
            return ExitCode.SUCCESS.status();
        }
    }
}
