package io.stillpoint.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Run once after a build, to record which classes the command loads and how its inner loops run (JEP 514 and
/// 515): the cache made of it lets every later start skip that. Its arguments are an empty folder and a file of
/// real data.
public final class TrainingRun {
    private TrainingRun() {}

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments[0]);
        Path data = Path.of(arguments[1]);
        String vault = folder.resolve("vault").toString();
        String key = folder.resolve("key").toString();
        run("vault", "init", "--vault", vault, "--key-file", key);
        for (int i = 0; i < 2; i++) {
            run(
                    "backup",
                    "--vault",
                    vault,
                    "--key-file",
                    key,
                    "--vm",
                    "vm",
                    "--image",
                    data.toString());
        }
        run("points", "--vault", vault, "--key-file", key);
        run("points", "--vault", vault, "--key-file", key, "--json");
        run("vault", "verify", "--vault", vault, "--key-file", key);
        run("vault", "info", "--vault", vault, "--key-file", key);
        String point;
        try (var points = Files.list(folder.resolve("vault").resolve("points"))) {
            point = points.findFirst().orElseThrow().getFileName().toString();
        }
        String image = folder.resolve("image").toString();
        run("restore", "--vault", vault, "--key-file", key, "--point", point, "--to", image);
        // Or the process would wait for a command that is long done.
        Interruption.ended();
    }

    private static void run(String... arguments) {
        int status = Stillpoint.run(arguments);
        if (status != 0) {
            throw new IllegalStateException(
                    "status " + status + " of " + String.join(" ", arguments));
        }
    }
}
