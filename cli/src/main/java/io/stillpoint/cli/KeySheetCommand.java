package io.stillpoint.cli;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.crypto.SecretFile;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.VaultException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint key sheet`: a key on paper, with a slot of its own, so that it can be taken back by itself.
@Command(name = "sheet", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class KeySheetCommand implements Callable<Integer> {
    @Mixin private VaultOptions vaultOptions = new VaultOptions();
    @Mixin private Output output = new Output();

    @Option(
            names = "--to",
            required = true,
            paramLabel = "FILE",
            descriptionKey = "option.sheet-to")
    private Path file = Path.of("");

    @Option(
            names = "--label",
            paramLabel = "TEXT",
            defaultValue = "recovery sheet",
            descriptionKey = "option.sheet-label")
    private String label = "";

    @Override
    public Integer call() throws IOException {
        try (Vault vault = vaultOptions.open()) {
            KeyFile key = KeyFile.random(Randomness.secure());
            // First proof that the file can be made, then the slot, whose id the sheet tells.
            SecretFile.create(file, "");
            ObjectId slot;
            try {
                slot = vault.keySlots().add(key, label);
            } catch (VaultException e) {
                Files.deleteIfExists(file);
                throw e;
            }
            RecoverySheet sheet =
                    new RecoverySheet(
                            vault.id(),
                            location(vault),
                            slot,
                            label,
                            InstantSource.system().instant(),
                            key);
            try {
                Files.deleteIfExists(file);
                SecretFile.create(file, isHtml() ? sheet.html() : sheet.text());
            } catch (VaultException e) {
                // A slot whose secret nobody has.
                vault.keySlots().remove(slot, false);
                throw e;
            }
            ObjectNode json = Json.object();
            json.put("slot", slot.toString()).put("label", label).put("sheet", file.toString());
            output.done(json, Output.text("key.sheet-written", file, slot));
            return ExitCode.SUCCESS.status();
        }
    }

    private boolean isHtml() {
        return file.toString().toLowerCase(Locale.ROOT).endsWith(".html");
    }

    /// Whoever reads the sheet in years does not know what folder this was run in.
    private static String location(Vault vault) {
        try {
            Path folder = Path.of(vault.location());
            return Files.isDirectory(folder)
                    ? folder.toAbsolutePath().normalize().toString()
                    : vault.location();
        } catch (InvalidPathException e) {
            return vault.location();
        }
    }
}
