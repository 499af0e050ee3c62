package io.stillpoint.cli;

import io.stillpoint.engine.VaultPin;
import io.stillpoint.engine.VaultPin.Finding;
import io.stillpoint.platform.Json;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.point.ForgottenPoint;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.VaultException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `stillpoint points`
@Command(name = "points", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class PointsCommand implements Callable<Integer> {
    @Mixin private VaultOptions vaultOptions = new VaultOptions();
    @Mixin private PinOptions pins = new PinOptions();
    @Mixin private Output output = new Output();

    @Option(names = "--vm", paramLabel = "NAME", descriptionKey = "option.points-vm")
    private @Nullable String vm;

    @Option(
            names = "--last",
            paramLabel = "COUNT",
            converter = CountConverter.OfSomePoints.class,
            descriptionKey = "option.points-last")
    private @Nullable Integer last;

    @Option(
            names = "--since",
            paramLabel = "WHEN",
            converter = SinceConverter.class,
            descriptionKey = "option.points-since")
    private @Nullable Instant since;

    @Option(names = "--forgotten", descriptionKey = "option.forgotten")
    private boolean forgotten;

    @Option(names = "--accept-vault", descriptionKey = "option.accept-vault")
    private boolean acceptVault;

    @Override
    public Integer call() {
        try (Vault vault = vaultOptions.open()) {
            VaultPin pin = pins.pin(vaultOptions, vault);
            List<Finding> findings = acceptVault ? pin.accept(vault) : pin.look(vault);
            List<RecoveryPoint> all =
                    forgotten
                            ? vault.forgotten().stream().map(ForgottenPoint::point).toList()
                            : vault.points();
            Map<ObjectId, VaultException> unreadable = vault.unreadablePoints();
            List<RecoveryPoint> points = chosen(vault, all);
            PinOptions.tell(findings, output);
            output.junk(vault);
            output.result(
                    Json.object().set("points", PointFormat.json(points)),
                    points.isEmpty()
                            ? none(vault, all, unreadable.size())
                            : PointFormat.table(points));
            unreadable.values().forEach(e -> Output.complain(Output.words(e.text())));
            boolean isWhole = unreadable.isEmpty() && !PinOptions.isAlarm(findings);
            return (isWhole ? ExitCode.SUCCESS : ExitCode.DAMAGE).status();
        }
    }

    private List<RecoveryPoint> chosen(Vault vault, List<RecoveryPoint> all) {
        List<RecoveryPoint> points = vm == null ? all : PointChoice.ofVm(vault, all, vm);
        Instant from = since == null ? Instant.MIN : since;
        return newest(points.stream().filter(point -> !point.snapshotAt().isBefore(from)).toList());
    }

    /// Of each VM, and of what came from each other vault, so many of the newest.
    private List<RecoveryPoint> newest(List<RecoveryPoint> points) {
        int count = last == null ? Integer.MAX_VALUE : last;
        List<RecoveryPoint> newest = new ArrayList<>();
        for (List<RecoveryPoint> line : lines(points)) {
            newest.addAll(line.subList(Math.max(0, line.size() - count), line.size()));
        }
        newest.sort(RecoveryPoint.OLDEST_FIRST);
        return newest;
    }

    /// Points among which there is an order: of one VM, and made in one vault.
    static List<List<RecoveryPoint>> lines(List<RecoveryPoint> oldestFirst) {
        Map<List<Object>, List<RecoveryPoint>> lines = new LinkedHashMap<>();
        for (RecoveryPoint point : oldestFirst) {
            lines.computeIfAbsent(List.of(point.vm(), point.line()), _ -> new ArrayList<>())
                    .add(point);
        }
        return List.copyOf(lines.values());
    }

    private String none(Vault vault, List<RecoveryPoint> all, int unreadable) {
        if (!all.isEmpty()) {
            return Output.text(
                    "points.none-chosen", vault.location(), Integer.toString(all.size()));
        }
        if (unreadable > 0) {
            return Output.text(
                    "points.none-readable", vault.location(), Integer.toString(unreadable));
        }
        return Output.text(
                forgotten ? "points.none-forgotten" : "points.none", vaultOptions.location());
    }
}
