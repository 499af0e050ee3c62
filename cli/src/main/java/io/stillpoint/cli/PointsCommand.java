package io.stillpoint.cli;

import io.stillpoint.platform.Json;
import io.stillpoint.vault.ForgottenPoint;
import io.stillpoint.vault.RecoveryPoint;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.VaultException;
import io.stillpoint.vault.store.ObjectId;
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
    @Mixin private Output output = new Output();

    @Option(names = "--vm", paramLabel = "NAME", descriptionKey = "option.points-vm")
    private @Nullable String vm;

    @Option(names = "--forgotten", descriptionKey = "option.forgotten")
    private boolean forgotten;

    @Override
    public Integer call() {
        try (Vault vault = vaultOptions.open()) {
            List<RecoveryPoint> points =
                    (forgotten
                                    ? vault.forgotten().stream().map(ForgottenPoint::point)
                                    : vault.points().stream())
                            .filter(point -> vm == null || point.vm().equals(vm))
                            .toList();
            output.result(
                    Json.object().set("points", PointFormat.json(points)),
                    points.isEmpty()
                            ? Output.text("points.none", vaultOptions.location())
                            : PointFormat.table(points));
            Map<ObjectId, VaultException> unreadable = vault.unreadablePoints();
            unreadable.values().forEach(e -> Output.complain(e.getMessage()));
            return (unreadable.isEmpty() ? ExitCode.SUCCESS : ExitCode.DAMAGE).status();
        }
    }
}
