package io.stillpoint.cli;

import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Where this installation keeps what it knows of guests.
final class StateOptions {
    @Option(names = "--state-dir", paramLabel = "DIR", descriptionKey = "option.state-dir")
    private @Nullable Path folder;

    Path folder() {
        return folder == null ? folderOf(System.getenv(), System.getProperty("user.name")) : folder;
    }

    /// As the file system hierarchy standard says for root, as the XDG base directory specification says for others.
    private static Path folderOf(Map<String, String> environment, String user) {
        String given = environment.getOrDefault("STILLPOINT_STATE_DIR", "");
        if (!given.isEmpty()) {
            return Path.of(given);
        }
        if (user.equals("root")) {
            return Path.of("/var/lib/stillpoint");
        }
        String xdg = environment.getOrDefault("XDG_STATE_HOME", "");
        Path states =
                Path.of(xdg).isAbsolute()
                        ? Path.of(xdg)
                        : Readiness.home("--state-dir").resolve(".local").resolve("state");
        return states.resolve("stillpoint");
    }
}
