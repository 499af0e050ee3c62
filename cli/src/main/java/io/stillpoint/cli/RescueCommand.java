package io.stillpoint.cli;

import io.stillpoint.engine.RescueJob;
import io.stillpoint.engine.RescueJob.Outcome;
import io.stillpoint.engine.RescueJob.Rescued;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.point.ForgottenPoint;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.verify.Verification;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint rescue`: lists, verifies and restores by the store and a key alone, whatever else is lost; see
/// `docs/rescue.md`.
@Command(name = "rescue", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class RescueCommand {
    /// Says on standard error what can't be read. Returns the exit code for it.
    private static ExitCode told(RescueOptions options, Vault vault) {
        List<String> unreadable = new ArrayList<>(options.unreadableRecords());
        vault.unreadablePoints().values().forEach(e -> unreadable.add(Output.words(e.text())));
        unreadable.forEach(Output::complain);
        return unreadable.isEmpty() ? ExitCode.SUCCESS : ExitCode.DAMAGE;
    }

    @Command(name = "list", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Listing implements Callable<Integer> {
        @Mixin private RescueOptions options = new RescueOptions();
        @Mixin private Output output = new Output();

        @Override
        public Integer call() {
            try (RescueOptions _ = options;
                    Vault vault = options.open()) {
                List<RecoveryPoint> points = vault.points();
                List<RecoveryPoint> forgotten =
                        vault.forgotten().stream().map(ForgottenPoint::point).toList();
                ObjectNode json = Json.object();
                json.set("points", PointFormat.json(points));
                json.set("forgotten", PointFormat.json(forgotten));
                output.result(json, text(vault, points, forgotten));
                return told(options, vault).status();
            }
        }

        private static String text(
                Vault vault, List<RecoveryPoint> points, List<RecoveryPoint> forgotten) {
            String text =
                    points.isEmpty()
                            ? Output.text("rescue.none", vault.location())
                            : PointFormat.table(points);
            return forgotten.isEmpty()
                    ? text
                    : String.join(
                            "\n",
                            text,
                            Output.text("rescue.forgotten"),
                            PointFormat.table(forgotten));
        }
    }

    @Command(name = "verify", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Verify implements Callable<Integer> {
        @Mixin private RescueOptions options = new RescueOptions();
        @Mixin private Output output = new Output();

        @Override
        public Integer call() {
            Cancellation cancellation = Interruption.cancellation();
            try (RescueOptions _ = options;
                    Vault vault = options.open();
                    ConsoleEvents events = output.events()) {
                long bytes = vault.facts().packBytes();
                Verification found =
                        vault.verify(
                                cancellation,
                                events.moving(
                                        "verify",
                                        Output.text("step.verify", new ByteSize(bytes)),
                                        bytes));
                events.end();
                VerifyReport report = VerifyReport.of(vault, found, VerifyReport.Depth.RESCUE);
                output.result(report.json(), report.text());
                ExitCode told = told(options, vault);
                return (found.isSound() ? told : ExitCode.DAMAGE).status();
            }
        }
    }

    @Command(name = "restore", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Restore implements Callable<Integer> {
        @Mixin private RescueOptions options = new RescueOptions();
        @Mixin private Output output = new Output();

        @ArgGroup(exclusive = true, multiplicity = "1")
        private Which which = new Which();

        @Option(
                names = "--to",
                required = true,
                paramLabel = "DIR",
                descriptionKey = "option.rescue-to")
        private Path folder = Path.of("");

        @Option(names = "--despite-damage", descriptionKey = "option.despite-damage")
        private boolean despiteDamage;

        static final class Which {
            @Option(names = "--all", descriptionKey = "option.rescue-all")
            private boolean all;

            @Option(names = "--point", paramLabel = "ID", descriptionKey = "option.rescue-point")
            private List<String> points = List.of();
        }

        @Override
        public Integer call() {
            Cancellation cancellation = Interruption.cancellation();
            try (RescueOptions _ = options;
                    Vault vault = options.open();
                    ConsoleEvents events = output.events()) {
                RescueJob job =
                        new RescueJob(
                                vault, folder, despiteDamage, events.reporter(), cancellation);
                List<Rescued> rescued = job.run(chosen(vault));
                events.end();
                output.result(
                        json(rescued),
                        rescued.isEmpty()
                                ? Output.text("rescue.none", vault.location())
                                : String.join("\n", rescued.stream().map(Restore::text).toList()));
                ExitCode told = told(options, vault);
                return exitCode(rescued, told).status();
            }
        }

        /// Damage says more than a lack of room.
        private static ExitCode exitCode(List<Rescued> rescued, ExitCode told) {
            Set<Outcome> outcomes = EnumSet.noneOf(Outcome.class);
            rescued.forEach(disk -> outcomes.add(disk.outcome()));
            if (told == ExitCode.DAMAGE
                    || outcomes.contains(Outcome.NOT_RESTORED)
                    || outcomes.contains(Outcome.WITH_LOSSES)) {
                return ExitCode.DAMAGE;
            }
            return outcomes.contains(Outcome.FAILED) ? ExitCode.ENVIRONMENT : told;
        }

        private Collection<RecoveryPoint> chosen(Vault vault) {
            if (which.all) {
                return RescueJob.newest(vault.points());
            }
            List<RecoveryPoint> points =
                    Stream.concat(
                                    vault.points().stream(),
                                    vault.forgotten().stream().map(ForgottenPoint::point))
                            .toList();
            return which.points.stream().map(prefix -> one(vault, points, prefix)).toList();
        }

        /// Forgotten points too, as long as they are there.
        private static RecoveryPoint one(Vault vault, List<RecoveryPoint> points, String prefix) {
            List<RecoveryPoint> found =
                    points.stream()
                            .filter(point -> point.id().toString().startsWith(prefix))
                            .toList();
            // Where it can't be one of ours, the vault says so.
            return found.size() == 1 ? found.getFirst() : vault.point(prefix);
        }

        private static String text(Rescued disk) {
            return switch (disk.outcome()) {
                case RESTORED -> text("rescue.restored", disk);
                case ALREADY_THERE -> text("rescue.already-there", disk);
                case WITH_LOSSES -> text("rescue.with-losses", disk);
                case NOT_RESTORED -> text("rescue.not-restored", disk);
                case FAILED -> text("rescue.failed", disk);
            };
        }

        private static String text(String key, Rescued disk) {
            return Output.text(
                    key,
                    disk.point().vm(),
                    disk.disk().name(),
                    PointFormat.time(disk.point().snapshotAt()),
                    disk.image(),
                    new ByteSize(disk.lostBytes()),
                    disk.message());
        }

        private static ObjectNode json(List<Rescued> rescued) {
            ObjectNode json = Json.object();
            ArrayNode disks = json.putArray("disks");
            for (Rescued disk : rescued) {
                String outcome = disk.outcome().name().toLowerCase(Locale.ROOT).replace('_', '-');
                ObjectNode one = disks.addObject();
                one.put("vm", disk.point().vm()).put("point", disk.point().id().toString());
                one.put("disk", disk.disk().name()).put("file", disk.image().toString());
                one.put("outcome", outcome).put("lostBytes", disk.lostBytes());
                one.put("message", Output.words(disk.message()));
            }
            return json;
        }
    }
}
