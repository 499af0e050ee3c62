package io.stillpoint.cli;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.text.Printable;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.copy.VaultRepair;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.verify.Verification;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint vault repair`
@Command(name = "repair", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class RepairCommand implements Callable<Integer> {
    @Mixin private VaultOptions vaultOptions = new VaultOptions();
    @Mixin private OtherVault other = new OtherVault();
    @Mixin private Output output = new Output();

    @Override
    public Integer call() {
        Cancellation cancellation = Interruption.cancellation();
        try (Vault vault = vaultOptions.openUncached();
                Vault copy = other.open(vaultOptions);
                ConsoleEvents events = output.events()) {
            long bytes = vault.facts().packBytes();
            Verification found =
                    vault.verify(
                            cancellation,
                            events.moving(
                                    "verify",
                                    Output.text("step.verify", new ByteSize(bytes)),
                                    bytes));
            IntakeBar progress = new IntakeBar(events);
            int damaged = found.damagedPoints().size();
            if (damaged > 0) {
                progress.begin(size(vault, found));
                events.step("repair", Output.text("step.repair", Integer.toString(damaged)));
            }
            VaultRepair.Outcome outcome = vault.repairFrom(copy, cancellation, progress).run(found);
            events.end();
            ObjectNode json = Json.object();
            ArrayNode mended = json.putArray("mended");
            outcome.mended().forEach(id -> mended.add(id.toString()));
            ArrayNode problems = json.putArray("problems");
            outcome.problems().forEach(problem -> problems.add(Output.words(problem)));
            List<String> lines = new ArrayList<>();
            outcome.problems().forEach(problem -> lines.add(Printable.of(Output.words(problem))));
            lines.add(
                    found.isSound()
                            ? Output.text("repair.sound")
                            : Output.text(
                                    "repair.done",
                                    Integer.toString(outcome.mended().size()),
                                    Integer.toString(found.damagedPoints().size())));
            output.done(json, String.join("\n", lines));
            return (outcome.problems().isEmpty() ? ExitCode.SUCCESS : ExitCode.DAMAGE).status();
        }
    }

    private static long size(Vault vault, Verification found) {
        return vault.points().stream()
                .filter(point -> found.damagedPoints().contains(point.id()))
                .mapToLong(RecoveryPoint::size)
                .sum();
    }
}
