package io.stillpoint.cli;

import io.stillpoint.platform.Json;
import io.stillpoint.vault.ForgottenPoint;
import io.stillpoint.vault.RecoveryPoint;
import io.stillpoint.vault.Vault;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint forget`
@Command(name = "forget", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class ForgetCommand implements Callable<Integer> {
    @Mixin private VaultOptions vaultOptions = new VaultOptions();
    @Mixin private Output output = new Output();

    @ArgGroup(exclusive = true, multiplicity = "1")
    private Which which = new Which();

    @Option(
            names = "--purge-after",
            paramLabel = "DAYS",
            defaultValue = "14",
            descriptionKey = "option.purge-after")
    private long purgeAfter;

    @Option(names = "--undo", descriptionKey = "option.undo")
    private boolean undo;

    @Option(names = "--dry-run", descriptionKey = "option.dry-run")
    private boolean dryRun;

    static final class Which {
        @Parameters(paramLabel = "POINT", arity = "1..*", descriptionKey = "option.point")
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
                required = true,
                paramLabel = "COUNT",
                descriptionKey = "option.keep-last")
        private int keepLast;
    }

    @Override
    public Integer call() {
        try (Vault vault = vaultOptions.open()) {
            if (undo) {
                bringBack(vault);
            } else {
                forget(vault);
            }
            return ExitCode.SUCCESS.status();
        }
    }

    private void forget(Vault vault) {
        List<RecoveryPoint> chosen = chosen(vault);
        List<String> lines = new ArrayList<>();
        ArrayNode array = Json.array();
        for (RecoveryPoint point : chosen) {
            ObjectNode json = array.addObject().put("id", point.id().toString());
            if (dryRun) {
                lines.add(Output.text("forget.would", PointFormat.shortId(point), point.vm()));
            } else {
                ForgottenPoint forgotten = vault.forget(point, Duration.ofDays(purgeAfter));
                json.put("purgeAt", forgotten.purgeAt().toString());
                lines.add(
                        Output.text(
                                "forget.done",
                                PointFormat.shortId(point),
                                point.vm(),
                                PointFormat.time(forgotten.purgeAt())));
            }
        }
        if (lines.isEmpty()) {
            lines.add(Output.text("forget.nothing"));
        }
        output.done(Json.object().set("forgotten", array), String.join("\n", lines));
    }

    private List<RecoveryPoint> chosen(Vault vault) {
        if (!which.points.isEmpty()) {
            return which.points.stream().map(vault::point).toList();
        }
        Retention retention = which.retention;
        List<RecoveryPoint> points =
                new ArrayList<>(
                        vault.points().stream()
                                .filter(point -> point.vm().equals(retention.vm))
                                .toList());
        Collections.reverse(points);
        List<RecoveryPoint> old =
                points.subList(
                        Math.min(Math.max(0, retention.keepLast), points.size()), points.size());
        return List.copyOf(old.reversed());
    }

    private void bringBack(Vault vault) {
        List<String> lines = new ArrayList<>();
        ArrayNode array = Json.array();
        for (String prefix : which.points) {
            ForgottenPoint forgotten = vault.forgottenPoint(prefix);
            vault.bringBack(forgotten);
            array.addObject().put("id", forgotten.point().id().toString());
            lines.add(
                    Output.text(
                            "forget.undone",
                            PointFormat.shortId(forgotten.point()),
                            forgotten.point().vm()));
        }
        output.done(Json.object().set("broughtBack", array), String.join("\n", lines));
    }
}
