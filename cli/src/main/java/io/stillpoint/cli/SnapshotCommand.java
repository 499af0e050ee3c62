package io.stillpoint.cli;

import io.stillpoint.cli.RestoreOptions.Disk;
import io.stillpoint.cli.RestoreOptions.Task;
import io.stillpoint.engine.JobId;
import io.stillpoint.engine.SnapshotRestore;
import io.stillpoint.hypervisor.LocalSnapshots.Exported;
import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import io.stillpoint.service.control.Answered;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint snapshot`
@Command(name = "snapshot", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class SnapshotCommand {
    private static final int ID_SHOWN = 12;

    private SnapshotCommand() {}

    /// Which snapshot of which VM.
    static final class Which {
        @Mixin private VmArgument vm = new VmArgument();

        @Parameters(index = "1", paramLabel = "SNAPSHOT", descriptionKey = "option.snapshot")
        private String snapshot = "";

        ObjectNode request(String what) {
            return Json.object().put("do", what).put("vm", vm.name()).put("snapshot", snapshot);
        }
    }

    /// `stillpoint snapshot list`
    @Command(name = "list", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Listing implements Callable<Integer> {
        @Parameters(
                index = "0",
                arity = "0..1",
                paramLabel = "VM",
                descriptionKey = "option.vm-known")
        private @Nullable String vm;

        @Option(names = "--ended", descriptionKey = "option.ended")
        private boolean ended;

        @Mixin private ControlOptions control = new ControlOptions();
        @Mixin private Output output = new Output();

        @Override
        public Integer call() {
            ObjectNode request = Json.object().put("do", "snapshot list").put("ended", ended);
            if (vm != null) {
                request.put("vm", vm);
            }
            List<JsonNode> snapshots = control.ask(request);
            String none =
                    vm == null ? Output.text("snapshot.none") : Output.text("snapshot.none-of", vm);
            ObjectNode json = Json.object();
            ArrayNode array = json.putArray("snapshots");
            snapshots.forEach(array::add);
            Table table =
                    new Table(
                            Output.text("column.snapshot"),
                            Output.text("column.vm"),
                            Output.text("column.taken"),
                            Output.text("column.point"),
                            Output.text("column.kept"));
            for (JsonNode each : snapshots) {
                String point = each.path("point").asString("");
                table.add(
                        each.path("snapshot").asString(""),
                        each.path("vm").asString(""),
                        each.has("takenAt") ? VmCommand.moment(each, "takenAt") : "",
                        point.substring(0, Math.min(ID_SHOWN, point.length())),
                        kept(each));
            }
            output.result(json, snapshots.isEmpty() ? none : table.toString());
            return ExitCode.SUCCESS.status();
        }

        private static String kept(JsonNode snapshot) {
            return switch (snapshot.path("state").asString("")) {
                case "job" ->
                        Output.text("snapshot.of-job", Answered.size(snapshot, "scratchTaken"));
                case "ended" ->
                        Output.text(
                                "snapshot.has-ended",
                                VmCommand.moment(snapshot, "endedAt"),
                                snapshot.path("why").asString(""));
                default -> Output.text("point.until", VmCommand.moment(snapshot, "keepUntil"));
            };
        }
    }

    /// `stillpoint snapshot restore`
    @Command(name = "restore", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Restore implements Callable<Integer> {
        @Mixin private Which which = new Which();
        @Mixin private RestoreOptions to = new RestoreOptions();
        @Mixin private ControlOptions control = new ControlOptions();
        @Mixin private Output output = new Output();

        @Override
        public Integer call() {
            Cancellation cancellation = Interruption.cancellation();
            to.requireFitTarget();
            JsonNode first = control.one(which.request("snapshot serve"));
            Exported exported = exported(first);
            Served served = new Served(control, first);
            List<Task> tasks;
            try (ConsoleEvents events = output.events()) {
                tasks =
                        to.tasks(
                                first.path("snapshot").asString(""),
                                exported.disks().stream()
                                        .map(disk ->
                                                new Disk(disk.name(), disk.size(), disk.format()))
                                        .toList());
                new SnapshotRestore(
                                served,
                                JobId.random(Randomness.secure()),
                                events,
                                cancellation,
                                Readiness.process().threads())
                        .run(tasks.stream().map(Task::forJob).toList());
            }
            RestoreOptions.tell(
                    tasks,
                    Json.object().put("snapshot", first.path("snapshot").asString("")),
                    output);
            return ExitCode.SUCCESS.status();
        }
    }

    /// `stillpoint snapshot end`
    @Command(name = "end", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class End implements Callable<Integer> {
        @Mixin private Which which = new Which();
        @Mixin private ControlOptions control = new ControlOptions();
        @Mixin private Output output = new Output();

        @Override
        public Integer call() {
            ObjectNode json = Json.object();
            ArrayNode array = json.putArray("ended");
            List<String> lines = new ArrayList<>();
            for (JsonNode ended : control.ask(which.request("snapshot end"))) {
                String name = ended.path("snapshot").asString("");
                array.add(name);
                lines.add(Output.text("snapshot.ended", name));
            }
            output.result(
                    json,
                    lines.isEmpty()
                            ? Output.text("snapshot.none-of", which.vm.name())
                            : String.join("\n", lines));
            return ExitCode.SUCCESS.status();
        }
    }

    /// The service serves it.
    private record Served(ControlOptions control, JsonNode first)
            implements SnapshotRestore.Server {
        @Override
        public Exported serve() {
            return exported(control.one(request("snapshot serve").put("again", true)));
        }

        @Override
        public boolean prove() {
            return control.one(request("snapshot prove").put("over", true))
                    .path("valid")
                    .asBoolean(false);
        }

        private ObjectNode request(String what) {
            return Json.object()
                    .put("do", what)
                    .put("vm", first.path("id").asString(""))
                    .put("snapshot", first.path("snapshot").asString(""));
        }
    }

    private static Exported exported(JsonNode served) {
        List<SnapshotDescriptor.Disk> disks = new ArrayList<>();
        for (JsonNode disk : served.path("disks")) {
            disks.add(
                    new SnapshotDescriptor.Disk(
                            Answered.text(disk, "name"),
                            Answered.count(disk, "size"),
                            disk.path("format").asString(""),
                            Optional.empty(),
                            // A disk of no bytes is read nowhere.
                            Answered.count(disk, "size") > 0
                                    ? Optional.of(Answered.text(disk, "export"))
                                    : Optional.empty(),
                            Optional.empty()));
        }
        return new Exported(Path.of(Answered.text(served, "socket")), disks);
    }
}
