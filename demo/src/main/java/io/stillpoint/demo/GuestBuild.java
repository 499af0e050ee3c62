package io.stillpoint.demo;

import io.stillpoint.demo.DemoException.Kind;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// Runs the script `guest/build`, which lies among the resources and needs its neighbours as files.
final class GuestBuild {
    /// Without the script and these the recipe is not whole; `guest/build` hashes the same ones.
    private static final List<String> FILES =
            List.of("build", "init", "rc", "mount-data", "modprobe", "shutdown");

    private static final int LINES_KEPT = 4;

    private final Consumer<String> progress;

    GuestBuild(Consumer<String> progress) {
        this.progress = progress;
    }

    /// The folder with the built guest.
    Path run() {
        try {
            Path recipe = Files.createTempDirectory("stillpoint-guest-");
            try {
                unpack(recipe);
                return build(recipe.resolve("build"));
            } finally {
                delete(recipe);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void unpack(Path folder) throws IOException {
        for (String name : FILES) {
            try (InputStream in =
                    Objects.requireNonNull(
                            GuestBuild.class.getResourceAsStream("guest/" + name), name)) {
                Files.copy(in, folder.resolve(name));
            }
        }
    }

    private Path build(Path script) throws IOException {
        // The result goes to a file, so that one thread can follow the progress.
        Path result = script.resolveSibling("result");
        Process process =
                new ProcessBuilder("bash", script.toString())
                        .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                        .redirectOutput(result.toFile())
                        .start();
        Deque<String> last = new ArrayDeque<>();
        try (BufferedReader lines = process.errorReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                progress.accept(line);
                last.add(line);
                if (last.size() > LINES_KEPT) {
                    last.remove();
                }
            }
            int code = process.waitFor();
            if (code != 0) {
                throw new DemoException(
                        Kind.MISSING, "demo.guest-failed", null, code, String.join("\n", last));
            }
            return Path.of(Files.readString(result).strip());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DemoException(Kind.VM, "demo.interrupted", e, "guest/build");
        } finally {
            process.destroy();
        }
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
