package io.stillpoint.vault.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/// How Jazzer, which is led by the coverage of each input, runs one target: `scripts/fuzz`.
public final class FuzzDriver {
    private static final Fuzzing FUZZING =
            new Fuzzing(
                    FuzzTarget.valueOf(
                            System.getProperty("stillpoint.fuzz.target", "vault")
                                    .toUpperCase(Locale.ROOT)
                                    .replace('-', '_')));

    private FuzzDriver() {}

    /// Writes the inputs to begin with: a folder for each target.
    public static void main(String[] arguments) throws IOException {
        for (FuzzTarget target : FuzzTarget.values()) {
            Path folder = Files.createDirectories(Path.of(arguments[0], target.word()));
            int number = 0;
            for (byte[] input : FuzzTest.corpus(target)) {
                Files.write(folder.resolve("seed-" + number++), input);
            }
        }
    }

    /// The name and form are Jazzer's.
    public static void fuzzerTestOneInput(byte[] input) {
        FUZZING.run(input);
    }
}
