package io.stillpoint.cli;

import io.stillpoint.platform.MachineException;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.vault.Vault;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;

/// What jobs can't do without, proven before they begin: a job that failed for it later would have disturbed a guest for
/// nothing.
final class Readiness {
    /// What Java reads where the bytes of an argument are none of the locale's characters.
    private static final char REPLACEMENT = '\uFFFD';

    /// What all that this process does shares.
    private static final ProcessResources PROCESS = ProcessResources.ofThisProcess();

    private Readiness() {}

    /// What all that this process does shares.
    static ProcessResources process() {
        return PROCESS;
    }

    /// Throws what jobs lack.
    static void require() {
        PROCESS.memory().requireEnough();
        Vault.requireLibrary();
    }

    /// Throws if an argument, or a variable that speaks to us, is not what the user gave: another VM would be backed up
    /// under another name, another file overwritten.
    static void requireReadable(Map<String, String> environment, String... arguments) {
        for (String argument : arguments) {
            requireReadable(argument);
        }
        environment.forEach((name, value) -> {
            if (name.startsWith("STILLPOINT_") || name.startsWith("XDG_")) {
                requireReadable(value);
            }
        });
    }

    private static void requireReadable(String text) {
        if (text.indexOf(REPLACEMENT) >= 0) {
            throw MachineException.unreadable(text, charset());
        }
    }

    /// The home folder of the user. Throws if there is none.
    static Path home(String option) {
        Path home = Path.of(System.getProperty("user.home"));
        if (!home.isAbsolute()) {
            throw MachineException.noHome(option);
        }
        return home;
    }

    /// Of arguments and file names.
    static String charset() {
        return System.getProperty("sun.jnu.encoding", StandardCharsets.US_ASCII.name());
    }
}
