package io.stillpoint.cli;

import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.extension.Ensured;
import io.stillpoint.guest.extension.ExtensionRecord;
import io.stillpoint.guest.extension.ExtensionRecords;
import io.stillpoint.guest.extension.FolderExtensionRecords;
import io.stillpoint.guest.extension.Health;
import io.stillpoint.guest.extension.InstalledExtension;
import io.stillpoint.guest.extension.Prerequisites;
import io.stillpoint.guest.extension.ScriptsTest;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.text.Moment;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint guest`
@Command(name = "guest", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class GuestCommand {
    @Command(name = "status", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Status implements Callable<Integer> {
        @ArgGroup(exclusive = false)
        private @Nullable Which which;

        @Mixin private StateOptions state = new StateOptions();
        @Mixin private Output output = new Output();

        static final class Which {
            @Option(
                    names = "--vm",
                    required = true,
                    paramLabel = "NAME",
                    descriptionKey = "option.status-vm")
            private String vm = "";

            @Option(
                    names = "--agent",
                    paramLabel = "SOCKET",
                    descriptionKey = "option.status-agent")
            private @Nullable Path agent;
        }

        @Override
        public Integer call() {
            if (which != null && which.agent != null) {
                asked(which.vm, which.agent);
            } else {
                kept(which == null ? null : which.vm);
            }
            return ExitCode.SUCCESS.status();
        }

        private void asked(String vm, Path socket) {
            try (GuestAgent agent = GuestOptions.connect(socket)) {
                Optional<InstalledExtension> found =
                        GuestOptions.keeper(state.folder(), Prerequisites.Absent.WARN)
                                .find(vm, agent);
                ObjectNode json = Json.object().put("vm", vm);
                found.ifPresentOrElse(
                        extension -> json.set("extension", extension.json(Output::words)),
                        () -> json.putNull("extension"));
                output.result(
                        json,
                        found.map(GuestCommand::text)
                                .orElseGet(() -> Output.text("guest.none-in", vm)));
            }
        }

        private void kept(@Nullable String vm) {
            ExtensionRecords records = new FolderExtensionRecords(state.folder());
            List<ExtensionRecord> kept =
                    vm == null ? records.all() : records.of(vm).stream().toList();
            ObjectNode json = Json.object();
            ArrayNode list = json.putArray("extensions");
            Table table =
                    new Table(
                            Output.text("column.vm"),
                            Output.text("column.extension"),
                            Output.text("column.version"),
                            Output.text("column.state"),
                            Output.text("column.health"),
                            Output.text("column.last-seen"),
                            ">" + Output.text("column.without-vss"));
            for (ExtensionRecord one : kept) {
                list.add(one.json());
                table.add(
                        one.vm(),
                        one.type().id(),
                        one.version().toString(),
                        one.state(),
                        healthWord(one.isHealthy()),
                        Moment.text(one.lastSeen()),
                        Integer.toString(one.vssPassedOver()));
            }
            output.result(json, kept.isEmpty() ? Output.text("guest.none-kept") : table.toString());
        }
    }

    @Command(name = "install", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Install implements Callable<Integer> {
        @Mixin private GuestOptions guest = new GuestOptions();

        @ArgGroup(exclusive = false)
        private @Nullable Vcredist vcredist;

        @Option(
                names = "--vcredist-absent",
                paramLabel = "warn|refuse",
                defaultValue = "warn",
                descriptionKey = "option.vcredist-absent")
        private Prerequisites.Absent absent = Prerequisites.Absent.WARN;

        @Mixin private Output output = new Output();

        static final class Vcredist {
            @Option(
                    names = "--vcredist",
                    required = true,
                    paramLabel = "FILE",
                    descriptionKey = "option.vcredist")
            private Path file = Path.of("");

            @Option(
                    names = "--vcredist-sha256",
                    paramLabel = "DIGITS",
                    descriptionKey = "option.vcredist-sha256")
            private @Nullable String sha256;
        }

        @Override
        public Integer call() {
            if (vcredist != null) {
                new Prerequisites(guest.stateFolder(), absent)
                        .supplyVcredist(vcredist.file, Optional.ofNullable(vcredist.sha256));
            }
            try (GuestAgent agent = guest.connect()) {
                Ensured.Ready ready = guest.keeper(absent).install(guest.vm(), agent);
                ObjectNode json = Json.object().put("vm", guest.vm());
                json.put("done", ready.done().name().toLowerCase(Locale.ROOT));
                json.set("extension", ready.extension().json(Output::words));
                ready.warnings().forEach(text -> output.warning("extension.warning", text));
                output.done(json, text(ready.extension()));
                return ExitCode.SUCCESS.status();
            }
        }
    }

    @Command(name = "uninstall", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Uninstall implements Callable<Integer> {
        @Mixin private GuestOptions guest = new GuestOptions();
        @Mixin private Output output = new Output();

        @Override
        public Integer call() {
            try (GuestAgent agent = guest.connect()) {
                boolean wasThere = guest.keeper().uninstall(guest.vm(), agent);
                output.done(
                        Json.object().put("vm", guest.vm()).put("removed", wasThere),
                        Output.text(wasThere ? "guest.removed" : "guest.none-in", guest.vm()));
                return ExitCode.SUCCESS.status();
            }
        }
    }

    @Command(
            name = "test-scripts",
            resourceBundle = "io.stillpoint.cli.messages",
            sortOptions = false)
    static final class TestScripts implements Callable<Integer> {
        @Mixin private GuestOptions guest = new GuestOptions();
        @Mixin private Output output = new Output();

        @Override
        public Integer call() {
            try (GuestAgent agent = guest.connect()) {
                ScriptsTest test = guest.keeper().testScripts(guest.vm(), agent);
                output.result(test.json().put("vm", guest.vm()), text(test));
                return (test.isPassed() ? ExitCode.SUCCESS : ExitCode.ENVIRONMENT).status();
            }
        }

        private static String text(ScriptsTest test) {
            if (!test.isConfigured()) {
                return Output.text("guest.no-scripts");
            }
            StringBuilder text =
                    new StringBuilder(Output.text("guest.scripts", test.configuration()));
            if (test.code() != 0) {
                text.append('\n')
                        .append(
                                Output.text(
                                        "guest.scripts-failed",
                                        Integer.toString(test.code()),
                                        test.detail()));
            }
            append(text, Output.text("guest.pre-script"), test.pre());
            append(text, Output.text("guest.post-script"), test.post());
            return text.toString();
        }

        private static void append(StringBuilder text, String name, ScriptsTest.Script script) {
            text.append('\n');
            if (!script.isRun()) {
                text.append(Output.text("guest.script-not-run", name));
                return;
            }
            text.append(
                    Output.text(
                            "guest.script-run",
                            name,
                            Integer.toString(script.exit()),
                            Long.toString(script.millis()),
                            Integer.toString(script.attempts())));
            script.output().lines().forEach(line -> text.append("\n    ").append(line));
        }
    }

    private static String text(InstalledExtension extension) {
        Health health = extension.health();
        StringBuilder text =
                new StringBuilder(
                        Output.text(
                                "guest.extension",
                                extension.type().id(),
                                extension.version(),
                                health.state().isEmpty() ? health.code() : health.state(),
                                healthWord(health.isHealthy())));
        if (!extension.isOurs()) {
            text.append('\n').append(Output.text("guest.not-ours"));
        }
        if (!health.message().isEmpty()) {
            text.append('\n').append(Output.words(health.message()));
        }
        if (!health.checks().isEmpty()) {
            Table table =
                    new Table(
                            Output.text("column.check"),
                            Output.text("column.health"),
                            Output.text("column.detail"));
            for (Health.Check check : health.checks()) {
                table.add(check.name(), healthWord(check.isOk()), check.detail());
            }
            text.append('\n').append(table);
        }
        return text.toString();
    }

    private static String healthWord(boolean isHealthy) {
        return Output.text(isHealthy ? "guest.healthy" : "guest.unhealthy");
    }
}
