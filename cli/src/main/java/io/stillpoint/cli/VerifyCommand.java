package io.stillpoint.cli;

import io.stillpoint.cli.VerifyReport.Depth;
import io.stillpoint.engine.VaultPin.Finding;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.verify.SealedVault;
import io.stillpoint.vault.verify.Verification;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `stillpoint vault verify`
@Command(name = "verify", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class VerifyCommand implements Callable<Integer> {
    @Mixin private VaultOptions vaultOptions = new VaultOptions();
    @Mixin private PinOptions pins = new PinOptions();
    @Mixin private Output output = new Output();

    @Option(
            names = "--sample",
            paramLabel = "SIZE",
            converter = ByteSizeConverter.class,
            descriptionKey = "option.sample")
    private @Nullable ByteSize sample;

    @Option(names = "--without-key", descriptionKey = "option.without-key")
    private boolean withoutKey;

    @Option(names = "--quarantine", descriptionKey = "option.quarantine")
    private boolean quarantine;

    @Override
    public Integer call() {
        Cancellation cancellation = Interruption.cancellation();
        VerifyReport report;
        List<Finding> findings = new ArrayList<>();
        try (ConsoleEvents events = output.events()) {
            report =
                    withoutKey
                            ? sealed(cancellation, events)
                            : opened(cancellation, events, findings);
        }
        PinOptions.tell(findings, output);
        output.result(report.json(), report.text());
        boolean isWhole = report.found().isSound() && !PinOptions.isAlarm(findings);
        return (isWhole ? ExitCode.SUCCESS : ExitCode.DAMAGE).status();
    }

    private VerifyReport sealed(Cancellation cancellation, ConsoleEvents events) {
        try (SealedVault vault = vaultOptions.openSealed()) {
            return VerifyReport.withoutKey(
                    vault.verify(
                            cancellation,
                            events.moving("verify", Output.text("step.verify-without-key"), 0)));
        }
    }

    private VerifyReport opened(
            Cancellation cancellation, ConsoleEvents events, List<Finding> findings) {
        try (Vault vault = vaultOptions.openUncached()) {
            findings.addAll(pins.pin(vaultOptions, vault).look(vault));
            long most = sample == null ? Long.MAX_VALUE : sample.bytes();
            long bytes = Math.min(most, vault.facts().packBytes());
            Verification found =
                    vault.verify(
                            most,
                            cancellation,
                            events.moving(
                                    "verify",
                                    Output.text("step.verify", new ByteSize(bytes)),
                                    bytes));
            if (quarantine) {
                vault.quarantine(found);
            }
            return VerifyReport.of(vault, found, sample == null ? Depth.WHOLE : Depth.SAMPLE);
        }
    }
}
