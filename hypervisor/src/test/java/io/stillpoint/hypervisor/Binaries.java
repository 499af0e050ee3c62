package io.stillpoint.hypervisor;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/// Programs that tests run. A test whose program is missing is skipped with the reason.
public final class Binaries {
    private Binaries() {}

    public static void require(String... programs) {
        for (String program : programs) {
            boolean found = false;
            for (String folder : System.getenv("PATH").split(File.pathSeparator, -1)) {
                found |= Files.isExecutable(Path.of(folder, program));
            }
            if (!found) {
                System.out.println("SKIPPED: " + program + " is not installed");
            }
            Assumptions.assumeTrue(found, program + " is not installed");
        }
    }

    /// Runs a program to its end and returns what it printed.
    public static String run(String... command) {
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new AssertionError(List.of(command) + " failed: " + output);
            }
            return output;
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
