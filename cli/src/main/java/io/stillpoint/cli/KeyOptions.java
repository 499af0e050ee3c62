package io.stillpoint.cli;

import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.crypto.Credential;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.crypto.Passphrase;
import io.stillpoint.vault.store.VaultException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ObjectNode;

/// The key to a vault: a key file or a passphrase. What is given as an option wins over the environment, there a key
/// file over a passphrase. The passphrase itself is never an argument: every user of a machine sees those.
final class KeyOptions {
    static final String KEY_FILE = "STILLPOINT_KEY_FILE";
    private static final String PASSPHRASE = "STILLPOINT_PASSPHRASE";

    @ArgGroup(exclusive = true)
    private @Nullable Given given;

    @Spec(Spec.Target.MIXEE)
    private @Nullable CommandSpec command;

    static final class Given {
        @Option(names = "--key-file", paramLabel = "FILE", descriptionKey = "option.key-file")
        private @Nullable Path keyFile;

        @Option(names = "--passphrase", descriptionKey = "option.passphrase")
        private boolean passphrase;

        @Option(
                names = "--passphrase-file",
                paramLabel = "FILE",
                descriptionKey = "option.passphrase-file")
        private @Nullable Path passphraseFile;
    }

    /// A key that was read, made or asked for.
    ///
    /// @param file the key file, if it is one
    /// @param isNewFile whether it was made just now
    record NewKey(Credential credential, Optional<Path> file, boolean isNewFile) {
        static NewKey ofFile(Path file) {
            boolean isNew = !Files.exists(file);
            KeyFile key = isNew ? KeyFile.create(file, Randomness.secure()) : KeyFile.read(file);
            return new NewKey(key, Optional.of(file), isNew);
        }

        static NewKey ofPassphrase(Passphrase passphrase) {
            return new NewKey(passphrase, Optional.empty(), false);
        }

        void describe(ObjectNode json) {
            file.ifPresent(path -> json.put("keyFile", path.toString()));
            json.put("newKeyFile", isNewFile);
        }

        /// A line more for people, or nothing.
        String advice() {
            return isNewFile ? "\n" + Output.text("vault.new-key", file.orElseThrow()) : "";
        }

        /// Runs what gives the key its slot; a key file made for it goes if that fails.
        <T> T used(Supplier<T> use) {
            try {
                return use.get();
            } catch (VaultException e) {
                if (isNewFile) {
                    try {
                        Files.deleteIfExists(file.orElseThrow());
                    } catch (IOException suppressed) {
                        e.addSuppressed(suppressed);
                    }
                }
                throw e;
            }
        }
    }

    /// The key to a vault that is there.
    Credential credential() {
        Optional<Path> file = keyFile();
        return file.isPresent() ? KeyFile.read(file.get()) : passphrase(false);
    }

    /// The key to a vault that is to be made: a key file is made if there is none.
    NewKey forNewVault() {
        Optional<Path> file = keyFile();
        return file.isPresent() ? NewKey.ofFile(file.get()) : NewKey.ofPassphrase(passphrase(true));
    }

    private Optional<Path> keyFile() {
        if (given != null) {
            return Optional.ofNullable(given.keyFile);
        }
        return environment(KEY_FILE).map(Path::of);
    }

    private Passphrase passphrase(boolean isNew) {
        if (given != null && given.passphraseFile != null) {
            return Passphrase.read(given.passphraseFile);
        }
        if (given != null && given.passphrase) {
            return PassphrasePrompt.environmentOrAsk(PASSPHRASE, isNew);
        }
        return environment(PASSPHRASE)
                .map(Passphrase::of)
                .orElseThrow(() -> {
                    CommandSpec spec = Objects.requireNonNull(command);
                    return new ParameterException(spec.commandLine(), Output.text("key.none"));
                });
    }

    static Optional<String> environment(String name) {
        return Optional.ofNullable(System.getenv(name)).filter(value -> !value.isEmpty());
    }
}
