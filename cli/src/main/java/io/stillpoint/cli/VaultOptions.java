package io.stillpoint.cli;

import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectStore;
import java.nio.file.Path;
import java.time.InstantSource;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Which vault, and the key to it.
final class VaultOptions {
    @Option(
            names = "--vault",
            required = true,
            paramLabel = "DIR",
            defaultValue = "${env:STILLPOINT_VAULT}",
            descriptionKey = "option.vault")
    private Path folder = Path.of("");

    @Mixin private KeyOptions key = new KeyOptions();

    KeyOptions key() {
        return key;
    }

    Path folder() {
        return folder;
    }

    ObjectStore store() {
        return new LocalStore(folder);
    }

    Vault open() {
        return Vault.open(store(), key.credential(), Randomness.secure(), InstantSource.system());
    }
}
