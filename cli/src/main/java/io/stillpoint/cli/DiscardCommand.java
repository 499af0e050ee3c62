package io.stillpoint.cli;

import io.stillpoint.platform.Json;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.store.ObjectId;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/// `stillpoint vault discard`
@Command(name = "discard", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class DiscardCommand implements Callable<Integer> {
    @Mixin private VaultOptions vaultOptions = new VaultOptions();
    @Mixin private PinOptions pins = new PinOptions();
    @Mixin private Output output = new Output();

    @Parameters(paramLabel = "POINT", descriptionKey = "option.discard")
    private String prefix = "";

    @Override
    public Integer call() {
        try (Vault vault = vaultOptions.open()) {
            List<ObjectId> found =
                    vault.unreadablePoints().keySet().stream()
                            .filter(id -> id.toString().startsWith(prefix) && !prefix.isEmpty())
                            .toList();
            if (found.size() != 1) {
                throw new InputException("discard.not-one", prefix, found.size());
            }
            vault.discard(found.getFirst());
            pins.pin(vaultOptions, vault).removed(Set.of(found.getFirst()));
            output.done(
                    Json.object().put("discarded", found.getFirst().toString()),
                    Output.text("discard.done", found.getFirst()));
            return ExitCode.SUCCESS.status();
        }
    }
}
