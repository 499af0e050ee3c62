package io.stillpoint.cli;

import io.stillpoint.vault.crypto.SecretFile;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Set;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/// Warns of files with keys and passphrases that others than their owner may read, or exchange.
final class OpenSecrets {
    private OpenSecrets() {}

    /// @param parsed the command that is about to run
    static void warn(ParseResult parsed, Output output) {
        files(parsed).forEach(file -> warn(file, output));
    }

    static void warn(Path file, Output output) {
        SecretFile.exposure(file)
                .ifPresent(mode -> output.warning("key.open", Output.text("key.open", file, mode)));
    }

    private static Set<Path> files(ParseResult parsed) {
        Set<Path> files = new LinkedHashSet<>();
        for (OptionSpec option : parsed.matchedOptions()) {
            if (option.longestName().matches("--.*(key|passphrase)-file")
                    && option.getValue() instanceof Path file) {
                files.add(file);
            }
        }
        boolean takesKey = parsed.commandSpec().findOption("--key-file") != null;
        boolean isGiven =
                parsed.hasMatchedOption("--key-file")
                        || parsed.hasMatchedOption("--passphrase")
                        || parsed.hasMatchedOption("--passphrase-file");
        if (takesKey && !isGiven) {
            KeyOptions.environment(KeyOptions.KEY_FILE).map(Path::of).ifPresent(files::add);
        }
        return files;
    }
}
