package io.stillpoint.cli;

import io.stillpoint.platform.Json;
import io.stillpoint.service.control.Answered;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint job`
@Command(name = "job", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class JobCommand {
    private static final int ID_SHOWN = 8;

    /// A line about a job.
    ///
    /// @param code of what it is called
    /// @param key in the job's JSON
    private record Shown(String code, String key) {}

    private static final List<Shown> SHOWN =
            List.of(
                    new Shown("job.vm", "vm"),
                    new Shown("job.state", "state"),
                    new Shown("job.point", "point"),
                    new Shown("job.message", "message"),
                    new Shown("job.code", "code"),
                    new Shown("job.waits-for", "waitsFor"),
                    new Shown("job.retry-at", "retryAt"),
                    new Shown("job.done", "done"),
                    new Shown("job.total", "total"),
                    new Shown("job.read", "read"),
                    new Shown("job.scratch-taken", "scratchTaken"),
                    new Shown("job.forecast-end", "forecastEnd"),
                    new Shown("job.deadline", "deadline"),
                    new Shown("job.late", "late"),
                    new Shown("job.cause", "cause"),
                    new Shown("job.due", "due"),
                    new Shown("job.policy", "policy"),
                    new Shown("job.reason", "reason"),
                    new Shown("job.keep-until", "keepUntil"),
                    new Shown("job.vault", "vault"),
                    new Shown("job.host", "host"),
                    new Shown("job.attempts", "attempts"),
                    new Shown("job.started-at", "startedAt"),
                    new Shown("job.ended-at", "endedAt"),
                    new Shown("job.job", "job"));

    private static final Set<String> MOMENTS =
            Set.of(
                    "retryAt",
                    "forecastEnd",
                    "deadline",
                    "due",
                    "keepUntil",
                    "startedAt",
                    "endedAt");

    private static final Set<String> SIZES = Set.of("done", "total", "read", "scratchTaken");

    private JobCommand() {}

    /// `stillpoint job list`
    @Command(name = "list", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Listing implements Callable<Integer> {
        @Mixin private ControlOptions control = new ControlOptions();
        @Mixin private Output output = new Output();

        @Option(names = "--vm", paramLabel = "VM", descriptionKey = "option.vm-known")
        private @Nullable String vm;

        @Option(
                names = "--last",
                paramLabel = "N",
                defaultValue = "50",
                descriptionKey = "option.jobs-last")
        private int last;

        @Override
        public Integer call() {
            ObjectNode request = Json.object().put("do", "job list").put("count", last);
            if (vm != null) {
                request.put("vm", vm);
            }
            List<JsonNode> jobs = control.ask(request);
            ObjectNode json = Json.object();
            ArrayNode array = json.putArray("jobs");
            jobs.forEach(array::add);
            Table table =
                    new Table(
                            Output.text("column.job"),
                            Output.text("column.vm"),
                            Output.text("column.cause"),
                            Output.text("column.state"),
                            Output.text("column.due"),
                            Output.text("column.ended"),
                            Output.text("column.result"));
            for (JsonNode job : jobs) {
                table.add(
                        shortened(job, "job"),
                        job.path("vm").asString(""),
                        job.path("cause").asString(""),
                        job.path("state").asString(""),
                        VmCommand.moment(job, "due"),
                        VmCommand.moment(job, "endedAt"),
                        job.has("point") ? shortened(job, "point") : job.path("code").asString(""));
            }
            output.result(json, jobs.isEmpty() ? Output.text("job.none") : table.toString());
            return ExitCode.SUCCESS.status();
        }
    }

    private static String shortened(JsonNode line, String key) {
        String id = line.path(key).asString("");
        return id.length() <= ID_SHOWN ? id : id.substring(0, ID_SHOWN);
    }

    /// `stillpoint job show`
    @Command(name = "show", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Show implements Callable<Integer> {
        @Mixin private ControlOptions control = new ControlOptions();
        @Mixin private Output output = new Output();

        @Parameters(index = "0", paramLabel = "JOB", descriptionKey = "option.job")
        private String job = "";

        @Override
        public Integer call() {
            List<JsonNode> lines = control.ask(Json.object().put("do", "job show").put("job", job));
            ObjectNode json = Json.object();
            ArrayNode events = json.putArray("events");
            List<String> text = new ArrayList<>();
            for (JsonNode line : lines) {
                if (line.has("event")) {
                    events.add(line);
                    text.add(event(line));
                } else {
                    json.set("job", line);
                    text.addAll(described(line));
                }
            }
            output.result(json, String.join("\n", text));
            return ExitCode.SUCCESS.status();
        }
    }

    private static String event(JsonNode line) {
        return VmCommand.moment(line, "at")
                + "  "
                + line.path("kind").asString("")
                + "  "
                + line.path("message").asString("");
    }

    /// What a person asks first comes first.
    private static List<String> described(JsonNode job) {
        Table table = new Table("", "");
        for (Shown each : SHOWN) {
            if (job.has(each.key())) {
                table.add(Output.text(each.code()), value(job, each.key()));
            }
        }
        return table.toString().lines().skip(1).toList();
    }

    private static String value(JsonNode job, String key) {
        if (MOMENTS.contains(key)) {
            return VmCommand.moment(job, key);
        }
        if (SIZES.contains(key)) {
            return Answered.size(job, key).toString();
        }
        return job.path(key).asString("");
    }

    /// `stillpoint job watch`
    @Command(name = "watch", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Watch implements Callable<Integer> {
        @Mixin private ControlOptions control = new ControlOptions();
        @Mixin private Output output = new Output();

        @Parameters(index = "0", paramLabel = "JOB", descriptionKey = "option.job")
        private String job = "";

        @Override
        public Integer call() {
            return watch(control, output, job);
        }
    }

    /// Shows a job until it has ended. Returns the exit status that it means.
    static int watch(ControlOptions control, Output output, String job) {
        JsonNode[] last = new JsonNode[] {Json.object()};
        boolean[] warned = new boolean[1];
        try (ConsoleEvents events = output.events()) {
            control.ask(
                    Json.object().put("do", "job watch").put("job", job),
                    line -> {
                        if (line.has("event")) {
                            warned[0] |= tell(events, output, line);
                        } else {
                            last[0] = line;
                            if (!output.isQuiet()) {
                                progress(events, line);
                            }
                        }
                    });
            events.end();
        }
        JsonNode end = last[0];
        boolean isMade = end.path("state").asString("").equals("made");
        if (isMade) {
            output.done(
                    (ObjectNode) end,
                    Output.text(
                            "job.made",
                            end.path("vm").asString(""),
                            end.path("point").asString("")));
        } else {
            output.result(
                    (ObjectNode) end,
                    Output.text(
                            end.path("state").asString("").equals("cancelled")
                                    ? "job.was-cancelled"
                                    : "job.failed",
                            end.path("vm").asString(""),
                            end.path("message").asString("")));
        }
        return (isMade ? ExitCode.SUCCESS : ExitCode.ENVIRONMENT).status();
    }

    private static boolean tell(ConsoleEvents events, Output output, JsonNode line) {
        String message = line.path("message").asString("");
        if (line.path("kind").asString("").equals("warning")) {
            output.warning(line.path("code").asString(""), message);
            return true;
        }
        if (!output.isQuiet()) {
            events.line(message);
        }
        return false;
    }

    private static void progress(ConsoleEvents events, JsonNode line) {
        if (line.has("total")) {
            events.line(
                    Output.text(
                            "job.progress",
                            Answered.size(line, "done"),
                            Answered.size(line, "total")));
        }
    }

    /// `stillpoint job cancel`
    @Command(name = "cancel", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Cancel implements Callable<Integer> {
        @Mixin private Which which = new Which();

        @Override
        public Integer call() {
            return which.ask("job cancel", "job.asked", "job.has-ended");
        }
    }

    /// `stillpoint job retry`
    @Command(name = "retry", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Retry implements Callable<Integer> {
        @Mixin private Which which = new Which();

        @Override
        public Integer call() {
            return which.ask("job retry", "job.retried", "job.no-retry");
        }
    }

    /// Something is asked of one job.
    static final class Which {
        @Mixin private ControlOptions control = new ControlOptions();
        @Mixin private Output output = new Output();

        @Parameters(index = "0", paramLabel = "JOB", descriptionKey = "option.job")
        private String job = "";

        /// @param isDone code of what is told if the job does it
        /// @param isNot code of what is told if there was nothing to do
        int ask(String what, String isDone, String isNot) {
            ObjectNode answer = control.one(Json.object().put("do", what).put("job", job));
            boolean isAsked = answer.path("asked").asBoolean(false);
            output.done(answer, Output.text(isAsked ? isDone : isNot, job));
            return ExitCode.SUCCESS.status();
        }
    }
}
