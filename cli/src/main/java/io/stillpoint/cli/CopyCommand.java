package io.stillpoint.cli;

import io.stillpoint.engine.StoreProgress;
import io.stillpoint.platform.Json;
import io.stillpoint.vault.RecoveryPoint;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.VaultCopy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `stillpoint vault copy`
@Command(name = "copy", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class CopyCommand implements Callable<Integer> {
    @Mixin private VaultOptions vaultOptions = new VaultOptions();
    @Mixin private OtherVault other = new OtherVault();
    @Mixin private Output output = new Output();

    @Option(names = "--vm", paramLabel = "NAME", descriptionKey = "option.points-vm")
    private @Nullable String vm;

    @Option(names = "--last", paramLabel = "COUNT", descriptionKey = "option.copy-last")
    private int last = Integer.MAX_VALUE;

    @Option(names = "--lock-days", paramLabel = "DAYS", descriptionKey = "option.lock-days")
    private @Nullable Long lockDays;

    @Option(names = "--dry-run", descriptionKey = "option.dry-run")
    private boolean dryRun;

    @Override
    public Integer call() {
        try (Vault from = vaultOptions.open();
                Vault to = other.open(vaultOptions);
                ConsoleEvents events = output.events()) {
            StoreProgress progress = new StoreProgress(events);
            VaultCopy copy =
                    new VaultCopy(
                            from,
                            to,
                            Optional.ofNullable(lockDays).map(Duration::ofDays),
                            Interruption.cancellation(),
                            progress);
            List<RecoveryPoint> missing = chosen(copy.missing());
            List<RecoveryPoint> copies = new ArrayList<>();
            if (dryRun) {
                copies.addAll(missing);
            } else {
                for (RecoveryPoint point : missing) {
                    progress.begin(point.size());
                    events.step(
                            "copy",
                            Output.text(
                                    "step.copy",
                                    PointFormat.shortId(point),
                                    point.vm(),
                                    point.snapshotAt(),
                                    Integer.toString(copies.size() + 1),
                                    Integer.toString(missing.size())));
                    copies.add(copy.copy(point));
                }
            }
            events.end();
            output.done(
                    Json.object().put("dryRun", dryRun).set("copies", PointFormat.json(copies)),
                    copies.isEmpty()
                            ? Output.text("copy.none", other.location())
                            : PointFormat.table(copies));
            return ExitCode.SUCCESS.status();
        }
    }

    /// The newest of those missing, in the order of time.
    private List<RecoveryPoint> chosen(List<RecoveryPoint> missing) {
        List<RecoveryPoint> ofVm =
                missing.stream().filter(point -> vm == null || point.vm().equals(vm)).toList();
        return ofVm.subList(Math.max(0, ofVm.size() - Math.max(0, last)), ofVm.size());
    }
}
