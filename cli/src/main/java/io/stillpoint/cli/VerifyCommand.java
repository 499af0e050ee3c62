package io.stillpoint.cli;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.text.Printable;
import io.stillpoint.vault.SealedVault;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.Verification;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint vault verify`
@Command(name = "verify", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class VerifyCommand implements Callable<Integer> {
    @Mixin private VaultOptions vaultOptions = new VaultOptions();
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
        Verification found;
        try (ConsoleEvents events = output.events()) {
            found = withoutKey ? sealed(cancellation, events) : opened(cancellation, events);
        }
        output.result(json(found), text(found, withoutKey));
        return (found.isSound() ? ExitCode.SUCCESS : ExitCode.DAMAGE).status();
    }

    private Verification sealed(Cancellation cancellation, ConsoleEvents events) {
        try (SealedVault vault = vaultOptions.openSealed()) {
            return vault.verify(
                    cancellation,
                    events.moving("verify", Output.text("step.verify-without-key"), 0));
        }
    }

    private Verification opened(Cancellation cancellation, ConsoleEvents events) {
        try (Vault vault = vaultOptions.openUncached()) {
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
            return found;
        }
    }

    static ObjectNode json(Verification found) {
        ObjectNode json = Json.object();
        json.put("sound", found.isSound()).put("packs", found.packs());
        json.put("bytes", found.bytes()).put("items", found.items());
        json.put("points", found.points());
        ArrayNode problems = json.putArray("problems");
        found.problems().forEach(problems::add);
        ArrayNode points = json.putArray("damagedPoints");
        found.damagedPoints().forEach(id -> points.add(id.toString()));
        return json;
    }

    static String text(Verification found, boolean withoutKey) {
        List<String> lines = new ArrayList<>();
        found.problems().forEach(problem -> lines.add(Printable.of(problem)));
        String sound = withoutKey ? "verify.sound-without-key" : "verify.sound";
        lines.add(
                Output.text(
                        found.isSound() ? sound : "verify.damaged",
                        new ByteSize(found.bytes()),
                        Long.toString(found.packs()),
                        Integer.toString(found.points()),
                        Integer.toString(found.problems().size()),
                        Integer.toString(found.damagedPoints().size())));
        return String.join("\n", lines);
    }
}
