package io.stillpoint.cli;

import io.stillpoint.vault.crypto.Passphrase;
import java.io.Console;
import java.nio.CharBuffer;
import java.util.Arrays;

/// Asks people for a passphrase, without showing it.
final class PassphrasePrompt {
    private PassphrasePrompt() {}

    /// Takes the passphrase from a variable of the environment; if that is not set, asks on the terminal.
    ///
    /// @param isNew whether it is asked for twice, since nothing could tell a typing error
    static Passphrase environmentOrAsk(String variable, boolean isNew) {
        return KeyOptions.environment(variable)
                .map(Passphrase::of)
                .orElseGet(() -> ask(variable, isNew));
    }

    @SuppressWarnings("SystemConsoleNull") // JDK 25 returns null again where there is no terminal.
    private static Passphrase ask(String variable, boolean isNew) {
        Console terminal = System.console();
        if (terminal == null || !terminal.isTerminal()) {
            throw new InputException("passphrase.no-terminal", variable);
        }
        char[] typed = line(terminal, isNew ? "passphrase.ask-new" : "passphrase.ask");
        try {
            if (isNew) {
                char[] again = line(terminal, "passphrase.ask-again");
                boolean isSame = Arrays.equals(typed, again);
                Arrays.fill(again, '\0');
                if (!isSame) {
                    throw new InputException("passphrase.differs");
                }
            }
            return Passphrase.of(CharBuffer.wrap(typed));
        } finally {
            Arrays.fill(typed, '\0');
        }
    }

    private static char[] line(Console terminal, String key) {
        char[] typed = terminal.readPassword("%s ", Output.text(key));
        if (typed == null) {
            throw new InputException("passphrase.ended");
        }
        return typed;
    }
}
