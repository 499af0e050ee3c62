package io.stillpoint.cli;

import io.stillpoint.planning.policy.PolicyText;
import io.stillpoint.platform.Json;
import io.stillpoint.service.config.ConfigFile;
import java.nio.file.Path;
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

/// `stillpoint policy`
@Command(name = "policy", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class PolicyCommand {
    private PolicyCommand() {}

    /// Reads policies, so that what is wrong with them is told with the file's name.
    private static ObjectNode request(String what, List<Path> files) {
        ObjectNode request = Json.object().put("do", what);
        ArrayNode policies = request.putArray("policies");
        for (Path file : files) {
            int number = 0;
            for (JsonNode each : ConfigFile.documents(file)) {
                number++;
                String source = number == 1 ? file.toString() : file + " (" + number + ")";
                policies.add(PolicyText.written(PolicyText.read(each, source)));
            }
        }
        return request;
    }

    private static void tell(Output output, List<JsonNode> changes) {
        ObjectNode json = Json.object();
        ArrayNode array = json.putArray("changes");
        changes.forEach(array::add);
        List<String> lines = new ArrayList<>();
        for (JsonNode each : changes) {
            if (each.has("policy")) {
                List<String> vms = new ArrayList<>();
                each.path("selects").forEach(vm -> vms.add(vm.asString("")));
                lines.add(
                        Output.text(
                                change(each.path("change").asString("")),
                                each.path("policy").asString(""),
                                vms.isEmpty() ? "-" : String.join(", ", vms)));
                each.path("keys").forEach(key -> lines.add("  " + key.asString("")));
                list(each.path("gains"), "policy.gains", lines);
                list(each.path("loses"), "policy.loses", lines);
            } else {
                lines.add(
                        Output.text(
                                each.path("effect").asString("").equals("deleted")
                                        ? "policy.deletes"
                                        : "policy.saves",
                                each.path("vm").asString(""),
                                each.path("point").asString(""),
                                VmCommand.moment(each, "snapshotAt")));
            }
        }
        output.result(json, String.join("\n", lines));
    }

    private static void list(JsonNode vms, String key, List<String> lines) {
        List<String> names = new ArrayList<>();
        vms.forEach(each -> names.add(each.asString("")));
        if (!names.isEmpty()) {
            lines.add("  " + Output.text(key, String.join(", ", names)));
        }
    }

    private static String change(String word) {
        return switch (word) {
            case "new" -> "policy.new";
            case "none" -> "policy.same";
            default -> "policy.changed";
        };
    }

    /// `stillpoint policy apply`
    @Command(name = "apply", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Apply implements Callable<Integer> {
        @Mixin private ControlOptions control = new ControlOptions();
        @Mixin private Output output = new Output();

        @Parameters(arity = "1..*", paramLabel = "FILE", descriptionKey = "option.policy-files")
        private List<Path> files = new ArrayList<>();

        @Option(names = "--yes", descriptionKey = "option.policy-yes")
        private boolean yes;

        @Override
        public Integer call() {
            tell(output, control.ask(request("policy apply", files).put("confirmed", yes)));
            return ExitCode.SUCCESS.status();
        }
    }

    /// `stillpoint policy diff`
    @Command(name = "diff", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Diff implements Callable<Integer> {
        @Mixin private ControlOptions control = new ControlOptions();
        @Mixin private Output output = new Output();

        @Parameters(arity = "1..*", paramLabel = "FILE", descriptionKey = "option.policy-files")
        private List<Path> files = new ArrayList<>();

        @Override
        public Integer call() {
            tell(output, control.ask(request("policy preview", files)));
            return ExitCode.SUCCESS.status();
        }
    }

    /// `stillpoint policy export`
    @Command(name = "export", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Export implements Callable<Integer> {
        @Mixin private ControlOptions control = new ControlOptions();
        @Mixin private Output output = new Output();

        @Override
        public Integer call() {
            List<JsonNode> policies = control.ask("policy list");
            ObjectNode json = Json.object();
            ArrayNode array = json.putArray("policies");
            policies.forEach(array::add);
            StringBuilder yaml = new StringBuilder();
            policies.forEach(each -> yaml.append(ConfigFile.yaml(each)));
            output.result(
                    json,
                    policies.isEmpty() ? Output.text("policy.none") : yaml.toString().strip());
            return ExitCode.SUCCESS.status();
        }
    }

    /// `stillpoint policy remove`
    @Command(name = "remove", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Remove implements Callable<Integer> {
        @Mixin private ControlOptions control = new ControlOptions();
        @Mixin private Output output = new Output();

        @Parameters(index = "0", paramLabel = "NAME", descriptionKey = "option.policy")
        private String policy = "";

        @Option(names = "--yes", descriptionKey = "option.policy-yes")
        private boolean yes;

        @Override
        public Integer call() {
            List<JsonNode> vms =
                    control.ask(
                            Json.object()
                                    .put("do", "policy remove")
                                    .put("policy", policy)
                                    .put("confirmed", yes));
            ObjectNode json = Json.object().put("removed", policy);
            ArrayNode array = json.putArray("vms");
            List<String> lines = new ArrayList<>(List.of(Output.text("policy.removed", policy)));
            for (JsonNode each : vms) {
                array.add(each);
                lines.add(
                        Output.text(
                                "policy.has-now",
                                each.path("vm").asString(""),
                                each.path("policy").asString("-")));
            }
            output.done(json, String.join("\n", lines));
            return ExitCode.SUCCESS.status();
        }
    }
}
