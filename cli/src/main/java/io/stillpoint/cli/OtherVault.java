package io.stillpoint.cli;

import io.stillpoint.stores.StoreLocation;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.Credential;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.crypto.Passphrase;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/// A second vault, and the key to it.
final class OtherVault {
    @Option(
            names = "--other",
            required = true,
            paramLabel = "LOCATION",
            descriptionKey = "option.other")
    private String location = "";

    @ArgGroup(exclusive = true, multiplicity = "1")
    private Key key = new Key();

    static final class Key {
        @Option(
                names = "--other-key-file",
                paramLabel = "FILE",
                descriptionKey = "option.other-key-file")
        private @Nullable Path file;

        @Option(
                names = "--other-passphrase-file",
                paramLabel = "FILE",
                descriptionKey = "option.other-passphrase-file")
        private @Nullable Path passphraseFile;
    }

    /// Opens it, with the cache of the first.
    Vault open(VaultOptions first) {
        return first.open(StoreLocation.parse(location), credential());
    }

    String location() {
        return location;
    }

    private Credential credential() {
        if (key.file != null) {
            return KeyFile.read(key.file);
        }
        if (key.passphraseFile != null) {
            return Passphrase.read(key.passphraseFile);
        }
        throw new IllegalStateException("one of the two is required");
    }
}
