package io.stillpoint.cli;

import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.copy.VaultCopy;
import io.stillpoint.vault.point.RecoveryPoint;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint vault copy`
@Command(name = "copy", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class CopyCommand implements Callable<Integer> {
    @Mixin private VaultOptions vaultOptions = new VaultOptions();
    @Mixin private OtherVault other = new OtherVault();
    @Mixin private Output output = new Output();

    @Option(names = "--vm", paramLabel = "NAME", descriptionKey = "option.points-vm")
    private @Nullable String vm;

    @Option(
            names = "--last",
            paramLabel = "COUNT",
            converter = CountConverter.OfSomePoints.class,
            descriptionKey = "option.copy-last")
    private @Nullable Integer last;

    @Option(
            names = "--lock-days",
            paramLabel = "DAYS",
            converter = CountConverter.OfSomeDays.class,
            descriptionKey = "option.lock-days")
    private @Nullable Integer lockDays;

    @Option(names = "--dry-run", descriptionKey = "option.dry-run")
    private boolean dryRun;

    @Override
    public Integer call() {
        try (Vault from = vaultOptions.open();
                Vault to = other.open(vaultOptions);
                ConsoleEvents events = output.events()) {
            IntakeBar progress = new IntakeBar(events);
            VaultCopy copy =
                    from.copyTo(
                            to,
                            Optional.ofNullable(lockDays).map(Duration::ofDays),
                            Interruption.cancellation(),
                            progress);
            if (vm != null) {
                PointChoice.ofVm(from, from.points(), vm);
            }
            List<RecoveryPoint> missing = chosen(copy.missing());
            List<RecoveryPoint> copies = new ArrayList<>();
            StillpointException failure = null;
            if (dryRun) {
                copies.addAll(missing);
            } else {
                failure = copyEach(copy, missing, copies, events, progress);
            }
            events.end();
            return print(copies, missing.size(), failure).status();
        }
    }

    /// Up to the first that fails, which is returned: the copies made before stand.
    private static @Nullable StillpointException copyEach(
            VaultCopy copy,
            List<RecoveryPoint> missing,
            List<RecoveryPoint> copies,
            ConsoleEvents events,
            IntakeBar progress) {
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
            try {
                copies.add(copy.copy(point));
            } catch (StillpointException e) {
                if (copies.isEmpty()) {
                    throw e;
                }
                return e;
            }
        }
        return null;
    }

    private ExitCode print(
            List<RecoveryPoint> copies, int missing, @Nullable StillpointException failure) {
        ObjectNode json = Json.object().put("dryRun", dryRun);
        json.set("copies", PointFormat.json(copies));
        String text =
                copies.isEmpty()
                        ? Output.text("copy.none", other.location())
                        : PointFormat.table(copies);
        if (failure == null) {
            output.done(json, text);
            return ExitCode.SUCCESS;
        }
        String reason =
                failure instanceof CancelledException
                        ? Output.text("copy.stopped")
                        : Output.words(failure.text());
        String message =
                Output.text(
                        "copy.partly",
                        Integer.toString(copies.size()),
                        Integer.toString(missing),
                        reason);
        json.putObject("error")
                .put("code", failure.code())
                .put("message", message)
                .put("retryable", failure.retryable());
        output.result(json, text);
        Output.complain(message);
        return ExitCode.of(failure);
    }

    /// Of each VM so many of the newest that are missing, oldest first.
    private List<RecoveryPoint> chosen(List<RecoveryPoint> missing) {
        int count = last == null ? Integer.MAX_VALUE : last;
        List<RecoveryPoint> chosen = new ArrayList<>();
        for (List<RecoveryPoint> line : PointsCommand.lines(missing)) {
            if (vm == null || line.getFirst().vm().equals(vm)) {
                chosen.addAll(line.subList(Math.max(0, line.size() - count), line.size()));
            }
        }
        return chosen;
    }
}
