package io.stillpoint.cli;

import io.stillpoint.platform.natives.OtherUsers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Where this installation keeps what it knows of guests.
final class StateOptions {
    @Option(names = "--state-dir", paramLabel = "DIR", descriptionKey = "option.state-dir")
    private @Nullable Path folder;

    /// Throws an [InputException] if other users could exchange what is in it: they could hide that a vault was set back.
    Path folder() {
        Path chosen =
                folder == null
                        ? folderOf(System.getenv(), System.getProperty("user.name"))
                        : folder;
        requireSafe(chosen.toAbsolutePath().normalize());
        return chosen;
    }

    private static void requireSafe(Path path) {
        try {
            Optional<Path> link = OtherUsers.linkOn(path);
            if (link.isPresent()) {
                throw new InputException(
                        "state.link", path, link.get(), OtherUsers.owner(link.get()));
            }
            if (Files.isDirectory(path) && OtherUsers.mayChange(path)) {
                throw new InputException(
                        "state.not-ours", path, OtherUsers.owner(path.toRealPath()));
            }
        } catch (IOException e) {
            // What it is used for says why it can't be.
        }
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
