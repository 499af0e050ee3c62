package io.stillpoint.cli;

import io.stillpoint.cli.KeyOptions.NewKey;
import io.stillpoint.vault.crypto.Passphrase;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/// The key that is to get a slot.
final class NewKeyOptions {
    private static final String NEW_PASSPHRASE = "STILLPOINT_NEW_PASSPHRASE";

    @ArgGroup(exclusive = true, multiplicity = "1")
    private Given given = new Given();

    static final class Given {
        @Option(
                names = "--new-key-file",
                paramLabel = "FILE",
                descriptionKey = "option.new-key-file")
        private @Nullable Path keyFile;

        @Option(names = "--new-passphrase", descriptionKey = "option.new-passphrase")
        private boolean passphrase;

        @Option(
                names = "--new-passphrase-file",
                paramLabel = "FILE",
                descriptionKey = "option.new-passphrase-file")
        private @Nullable Path passphraseFile;
    }

    /// Reads, makes or asks for it.
    NewKey key() {
        if (given.keyFile != null) {
            return NewKey.ofFile(given.keyFile);
        }
        return NewKey.ofPassphrase(
                given.passphrase
                        ? PassphrasePrompt.environmentOrAsk(NEW_PASSPHRASE, true)
                        : Passphrase.read(Objects.requireNonNull(given.passphraseFile)));
    }
}
