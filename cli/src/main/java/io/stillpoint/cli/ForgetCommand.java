package io.stillpoint.cli;

import io.stillpoint.engine.ClockCheck;
import io.stillpoint.engine.VaultPin;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.service.control.ControlException;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.point.Clocks;
import io.stillpoint.vault.point.ForgottenPoint;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.VaultException;
import java.io.Console;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint forget`: what is to be forgotten, and what stays since it is locked, is worked out once, for dry runs and
/// real ones; then each point's result is told, also if one fails.
@Command(name = "forget", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class ForgetCommand implements Callable<Integer> {
    @Mixin private VaultOptions vaultOptions = new VaultOptions();
    @Mixin private PinOptions pins = new PinOptions();
    @Mixin private ControlOptions control = new ControlOptions();
    @Mixin private Output output = new Output();
    @Spec private CommandSpec spec = CommandSpec.create();

    @ArgGroup(exclusive = true, multiplicity = "1")
    private Which which = new Which();

    @Option(
            names = "--purge-after",
            paramLabel = "DAYS",
            defaultValue = "14",
            converter = CountConverter.OfDays.class,
            descriptionKey = "option.purge-after")
    private int purgeAfter;

    @Option(names = "--undo", descriptionKey = "option.undo")
    private boolean undo;

    @Option(names = "--dry-run", descriptionKey = "option.dry-run")
    private boolean dryRun;

    @Option(names = "--yes", descriptionKey = "option.forget-yes")
    private boolean yes;

    static final class Which {
        @Parameters(paramLabel = "POINT", arity = "1..*", descriptionKey = "option.point-id")
        private List<String> points = List.of();

        @ArgGroup(exclusive = false)
        private Retention retention = new Retention();
    }

    static final class Retention {
        @Option(
                names = "--vm",
                required = true,
                paramLabel = "NAME",
                descriptionKey = "option.points-vm")
        private String vm = "";

        @Option(
                names = "--keep-last",
                paramLabel = "COUNT",
                converter = CountConverter.OfPoints.class,
                descriptionKey = "option.keep-last")
        private @Nullable Integer keepLast;

        /// All where nothing is said; then it is an undo.
        int keepLast() {
            return keepLast == null ? Integer.MAX_VALUE : keepLast;
        }
    }

    /// What is to be done.
    ///
    /// @param chosen to be forgotten, oldest first
    /// @param locked would be, but for their locks
    /// @param pinned would be, but for their pins, each with its reason
    /// @param forgotten already, and to be purged earlier
    private record Plan(
            List<RecoveryPoint> chosen,
            List<RecoveryPoint> locked,
            Map<RecoveryPoint, String> pinned,
            List<ForgottenPoint> forgotten) {}

    @Override
    public Integer call() {
        boolean isNamed = !which.points.isEmpty();
        if (undo && !isNamed && which.retention.keepLast != null) {
            throw new ParameterException(
                    spec.commandLine(), Output.text("usage.undo-needs-points"));
        }
        if (!undo && !isNamed && which.retention.keepLast == null) {
            throw new ParameterException(
                    spec.commandLine(), Output.text("usage.missing", "--keep-last COUNT"));
        }
        try (Vault vault = vaultOptions.open()) {
            return (undo ? bringBack(vault) : forget(vault)).status();
        }
    }

    private ExitCode forget(Vault vault) {
        Plan plan = plan(vault);
        Report report = new Report();
        plan.locked.forEach(report::locked);
        plan.pinned.forEach(report::pinned);
        if (dryRun) {
            plan.chosen.forEach(report::would);
            plan.forgotten.forEach(each -> report.would(each.point()));
        } else {
            requireConsent(vault, plan);
            VaultPin pin = pins.pin(vaultOptions, vault);
            report.findings.addAll(pin.look(vault));
            // The date of the purge follows the clock.
            ClockCheck.of(vault, InstantSource.system())
                    .findings()
                    .forEach(finding -> output.warning(finding.code(), finding.text()));
            report.doEach(
                    plan.chosen,
                    point -> {
                        ForgottenPoint forgotten = vault.forget(point, keep());
                        // Before it can be purged: what this host does itself is no alarm.
                        pin.removed(Set.of(point.id()));
                        report.done(forgotten);
                    });
            report.doEach(
                    plan.forgotten.stream().map(ForgottenPoint::point).toList(),
                    point -> report.done(vault.purgeEarlier(of(plan.forgotten, point), keep())));
        }
        return report.print("forgotten");
    }

    private Duration keep() {
        return Duration.ofDays(purgeAfter);
    }

    private static ForgottenPoint of(List<ForgottenPoint> forgotten, RecoveryPoint point) {
        return forgotten.stream()
                .filter(each -> each.point().equals(point))
                .findFirst()
                .orElseThrow();
    }

    /// Each name means one point. Forgotten ones count only if it is said when they are to be purged.
    private List<RecoveryPoint> named(Vault vault, List<ForgottenPoint> forgotten) {
        boolean isAsked = spec.commandLine().getParseResult().hasMatchedOption("--purge-after");
        Set<RecoveryPoint> named = new LinkedHashSet<>();
        for (String prefix : which.points) {
            try {
                named.add(vault.point(prefix));
            } catch (VaultException e) {
                if (!isAsked || !e.code().equals(Vault.POINT_FORGOTTEN)) {
                    throw e;
                }
                ForgottenPoint found = vault.forgottenPoint(prefix);
                if (!forgotten.contains(found)) {
                    forgotten.add(found);
                }
            }
        }
        return List.copyOf(named);
    }

    private Plan plan(Vault vault) {
        boolean isNamed = !which.points.isEmpty();
        List<ForgottenPoint> forgotten = new ArrayList<>();
        List<RecoveryPoint> wanted = isNamed ? named(vault, forgotten) : old(vault);
        List<RecoveryPoint> locked = new ArrayList<>();
        if (wanted.stream().anyMatch(point -> point.lockedUntil().isPresent())) {
            Clocks clocks = vault.clocks();
            wanted.stream().filter(point -> isLocked(point, clocks)).forEach(locked::add);
        }
        // Who names points wants these and no others: all of them or none.
        if (isNamed && !locked.isEmpty()) {
            RecoveryPoint first = locked.getFirst();
            throw new InputException(
                    "forget.locked",
                    Integer.toString(locked.size()),
                    Integer.toString(wanted.size()),
                    PointFormat.shortId(first),
                    PointFormat.time(first.lockedUntil().orElseThrow()));
        }
        Map<RecoveryPoint, String> pinned = pinned(wanted);
        if (isNamed && !pinned.isEmpty()) {
            Map.Entry<RecoveryPoint, String> first = pinned.entrySet().iterator().next();
            throw new InputException(
                    "forget.pinned",
                    Integer.toString(pinned.size()),
                    Integer.toString(wanted.size()),
                    PointFormat.shortId(first.getKey()),
                    first.getValue());
        }
        return new Plan(
                wanted.stream()
                        .filter(point -> !locked.contains(point) && !pinned.containsKey(point))
                        .toList(),
                List.copyOf(locked),
                pinned,
                forgotten);
    }

    /// Pins are the service's; where none answers, nobody knows of any.
    private Map<RecoveryPoint, String> pinned(List<RecoveryPoint> wanted) {
        Map<RecoveryPoint, String> pinned = new LinkedHashMap<>();
        if (wanted.isEmpty()) {
            return pinned;
        }
        ObjectNode request = Json.object().put("do", "point pins");
        ArrayNode ids = request.putArray("points");
        wanted.forEach(each -> ids.add(each.id().toString()));
        try {
            for (JsonNode line : control.ask(request)) {
                wanted.stream()
                        .filter(each ->
                                each.id().toString().equals(line.path("point").asString("")))
                        .forEach(each -> pinned.put(each, line.path("pin").asString("")));
            }
        } catch (ControlException e) {
            if (e.kind() != ControlException.Kind.AWAY) {
                throw e;
            }
        }
        return pinned;
    }

    private static boolean isLocked(RecoveryPoint point, Clocks clocks) {
        return point.lockedUntil().filter(clocks.earlier()::isBefore).isPresent();
    }

    /// All but the newest of the VM, by lineage. Copies from other vaults are counted apart, each vault's by itself: how
    /// their ages compare is not known.
    private List<RecoveryPoint> old(Vault vault) {
        Retention retention = which.retention;
        List<RecoveryPoint> old = new ArrayList<>();
        for (List<RecoveryPoint> line :
                PointsCommand.lines(PointChoice.ofVm(vault, vault.points(), retention.vm))) {
            old.addAll(line.subList(0, Math.max(0, line.size() - retention.keepLast())));
        }
        return old;
    }

    /// To keep none of a VM's points is seldom meant.
    @SuppressWarnings("SystemConsoleNull") // JDK 25 returns null again where there is no terminal.
    private void requireConsent(Vault vault, Plan plan) {
        boolean isAll = which.points.isEmpty() && which.retention.keepLast() == 0;
        if (!isAll || yes || plan.chosen.isEmpty()) {
            return;
        }
        String count = Integer.toString(plan.chosen.size());
        String vm = which.retention.vm;
        Console terminal = System.console();
        if (terminal == null || !terminal.isTerminal()) {
            throw new InputException("forget.needs-yes", vm, count, vault.location());
        }
        String answer =
                terminal.readLine("%s ", Output.text("forget.really", vm, count, vault.location()));
        if (answer == null || !answer.strip().equals(Output.text("forget.yes"))) {
            throw new InputException("forget.not-agreed");
        }
    }

    private ExitCode bringBack(Vault vault) {
        List<ForgottenPoint> chosen =
                List.copyOf(
                        new LinkedHashSet<>(
                                which.points.isEmpty()
                                        ? vault.forgotten().stream()
                                                .filter(each ->
                                                        each.point()
                                                                .vm()
                                                                .equals(which.retention.vm))
                                                .toList()
                                        : which.points.stream()
                                                .map(vault::forgottenPoint)
                                                .toList()));
        Report report = new Report();
        if (dryRun) {
            chosen.forEach(forgotten -> report.wouldBringBack(forgotten.point()));
        } else {
            report.doEach(
                    chosen.stream().map(ForgottenPoint::point).toList(),
                    point -> {
                        vault.bringBack(of(chosen, point));
                        report.broughtBack(point);
                    });
        }
        return report.print("broughtBack");
    }

    /// One line, and one entry of the document, for each point.
    private final class Report {
        private final List<String> lines = new ArrayList<>();
        private final ArrayNode done = Json.array();
        private final ArrayNode locked = Json.array();
        private final ArrayNode pinned = Json.array();
        private final ArrayNode left = Json.array();
        private final List<VaultPin.Finding> findings = new ArrayList<>();
        private @Nullable StillpointException failure;

        private interface Step {
            void run(RecoveryPoint point);
        }

        private static ObjectNode entry(ArrayNode array, RecoveryPoint point) {
            return array.addObject().put("id", point.id().toString()).put("vm", point.vm());
        }

        private void line(String key, RecoveryPoint point, Object... more) {
            List<Object> arguments =
                    new ArrayList<>(List.of(PointFormat.shortId(point), point.vm()));
            arguments.addAll(List.of(more));
            lines.add(Output.text(key, arguments.toArray()));
        }

        void locked(RecoveryPoint point) {
            Instant until = point.lockedUntil().orElseThrow();
            entry(locked, point).put("lockedUntil", until.toString());
            line("forget.stays-locked", point, PointFormat.time(until));
        }

        void pinned(RecoveryPoint point, String why) {
            entry(pinned, point).put("pin", why);
            line("forget.stays-pinned", point, why);
        }

        void would(RecoveryPoint point) {
            entry(done, point);
            line("forget.would", point);
        }

        void done(ForgottenPoint forgotten) {
            entry(done, forgotten.point()).put("purgeAt", forgotten.purgeAt().toString());
            line("forget.done", forgotten.point(), PointFormat.time(forgotten.purgeAt()));
        }

        void wouldBringBack(RecoveryPoint point) {
            entry(done, point);
            line("forget.would-undo", point);
        }

        void broughtBack(RecoveryPoint point) {
            entry(done, point);
            line("forget.undone", point);
        }

        /// Up to the first that fails; what was not tried is told.
        void doEach(List<RecoveryPoint> points, Step step) {
            for (RecoveryPoint point : points) {
                if (failure == null) {
                    try {
                        step.run(point);
                        continue;
                    } catch (StillpointException e) {
                        failure = e;
                    }
                }
                entry(left, point);
                line("forget.left", point);
            }
        }

        ExitCode print(String key) {
            if (lines.isEmpty()) {
                lines.add(Output.text("forget.nothing"));
            }
            ObjectNode json = Json.object().put("dryRun", dryRun);
            json.set(key, done);
            json.set("locked", locked);
            json.set("pinned", pinned);
            json.set("notDone", left);
            PinOptions.tell(findings, output);
            StillpointException failed = failure;
            if (failed == null) {
                if (dryRun) {
                    output.result(json, String.join("\n", lines));
                } else {
                    output.done(json, String.join("\n", lines));
                }
                return ExitCode.SUCCESS;
            }
            json.putObject("error")
                    .put("code", failed.code())
                    .put("message", Output.words(failed.text()))
                    .put("retryable", failed.retryable());
            output.result(json, String.join("\n", lines));
            Output.complain(Output.words(failed.text()));
            return ExitCode.of(failed);
        }
    }
}
