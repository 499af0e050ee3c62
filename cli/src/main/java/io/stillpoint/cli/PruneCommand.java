package io.stillpoint.cli;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.prune.PruneResult;
import io.stillpoint.vault.prune.PruneRules;
import io.stillpoint.vault.verify.SealedVault;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint vault prune`
@Command(name = "prune", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class PruneCommand implements Callable<Integer> {
    @Mixin private VaultOptions vaultOptions = new VaultOptions();
    @Mixin private PinOptions pins = new PinOptions();
    @Mixin private Output output = new Output();

    @Option(names = "--dry-run", descriptionKey = "option.dry-run")
    private boolean dryRun;

    @Option(names = "--without-key", descriptionKey = "option.prune-without-key")
    private boolean withoutKey;

    @Option(
            names = "--grace",
            paramLabel = "HOURS",
            defaultValue = "24",
            descriptionKey = "option.grace")
    private int grace;

    @Option(
            names = "--keep-percent",
            paramLabel = "PERCENT",
            defaultValue = "70",
            descriptionKey = "option.keep-percent")
    private int keepPercent;

    @Option(
            names = "--copy-max",
            paramLabel = "SIZE",
            converter = ByteSizeConverter.class,
            descriptionKey = "option.copy-max")
    private @Nullable ByteSize copyMax;

    @Override
    public Integer call() {
        Duration wait = Duration.ofHours(Math.max(0, grace));
        PruneRules rules =
                new PruneRules(
                        wait,
                        wait,
                        Math.clamp(keepPercent, 0, 100),
                        copyMax == null ? Long.MAX_VALUE : copyMax.bytes(),
                        dryRun);
        if (withoutKey) {
            return tellVerdicts();
        }
        try (Vault vault = vaultOptions.open();
                ConsoleEvents events = output.events()) {
            // Before: what is forgotten is seen, so that its purge is no alarm later.
            PinOptions.tell(pins.pin(vaultOptions, vault).look(vault), output);
            events.watching(
                    "prune", Output.text("step.prune"), () -> vaultOptions.meter().usage().bytes());
            PruneResult result = vault.prune(rules, Interruption.cancellation());
            events.end();
            result.warnings().forEach(text -> output.warning("prune-warning", text));
            output.done(json(result), text(result));
            return ExitCode.SUCCESS.status();
        }
    }

    /// Deletes nothing: what could be told here to delete, somebody without the key could have written.
    private int tellVerdicts() {
        try (SealedVault vault = vaultOptions.openSealed()) {
            int verdicts = vault.verdicts();
            ObjectNode json = Json.object();
            json.put("deletedPacks", 0).put("deletedBytes", 0).put("verdicts", verdicts);
            output.done(json, Output.text("prune.without-key", verdicts));
            return ExitCode.SUCCESS.status();
        }
    }

    private ObjectNode json(PruneResult result) {
        ObjectNode json = Json.object();
        json.put("dryRun", dryRun).put("purgedPoints", result.purgedPoints());
        json.put("revokedSessions", result.revokedSessions());
        json.put("reachableItems", result.reachableItems());
        json.put("deletedPacks", result.deletedPacks()).put("deletedBytes", result.deletedBytes());
        json.put("keptPacks", result.keptPacks());
        json.put("waitingPacks", result.waitingPacks()).put("waitingBytes", result.waitingBytes());
        json.put("condemnedPacks", result.condemnedPacks());
        json.put("condemnedBytes", result.condemnedBytes());
        json.put("rewrittenPacks", result.rewrittenPacks());
        json.put("copiedBytes", result.copiedBytes());
        json.put("retainedPacks", result.retainedPacks());
        json.put("youngPacks", result.youngPacks()).put("youngBytes", result.youngBytes());
        result.youngUntil().ifPresent(until -> json.put("youngUntil", until.toString()));
        result.waitingUntil().ifPresent(until -> json.put("waitingUntil", until.toString()));
        return json;
    }

    private String text(PruneResult result) {
        List<String> lines = new ArrayList<>();
        lines.add(
                Output.text(
                        dryRun ? "prune.would" : "prune.done",
                        Integer.toString(result.purgedPoints()),
                        Long.toString(result.deletedPacks()),
                        new ByteSize(result.deletedBytes()),
                        Long.toString(result.condemnedPacks()),
                        new ByteSize(result.condemnedBytes()),
                        Long.toString(result.rewrittenPacks()),
                        new ByteSize(result.copiedBytes()),
                        Long.toString(result.waitingPacks()),
                        new ByteSize(result.waitingBytes())));
        result.waitingUntil()
                .ifPresent(
                        until -> lines.add(Output.text("prune.waiting-until", until.toString())));
        result.youngUntil()
                .ifPresent(until ->
                        lines.add(
                                Output.text(
                                        "prune.young",
                                        Long.toString(result.youngPacks()),
                                        new ByteSize(result.youngBytes()),
                                        Integer.toString(Math.max(0, grace)),
                                        until.toString())));
        if (result.retainedPacks() > 0) {
            lines.add(Output.text("prune.retained", Long.toString(result.retainedPacks())));
        }
        return String.join("\n", lines);
    }
}
