package io.stillpoint.cli;

import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectStore;
import java.nio.file.Path;
import java.time.InstantSource;
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

    @Option(
            names = "--key-file",
            required = true,
            paramLabel = "FILE",
            defaultValue = "${env:STILLPOINT_KEY_FILE}",
            descriptionKey = "option.key-file")
    private Path keyFile = Path.of("");

    Path keyFile() {
        return keyFile;
    }

    Path folder() {
        return folder;
    }

    ObjectStore store() {
        return new LocalStore(folder);
    }

    Vault open() {
        return Vault.open(
                store(), KeyFile.read(keyFile), Randomness.secure(), InstantSource.system());
    }
}
