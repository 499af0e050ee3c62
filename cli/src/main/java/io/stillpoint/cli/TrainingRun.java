package io.stillpoint.cli;

import io.stillpoint.platform.Json;
import io.stillpoint.service.Service;
import io.stillpoint.service.config.ConfigFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.databind.node.ObjectNode;

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
        serve(folder, vault, key);
        // Or the process would wait for a command that is long done.
        Interruption.ended();
    }

    /// The service, too, without a VM: how it starts, and what is asked of it.
    private static void serve(Path folder, String vault, String key) throws IOException {
        String control = folder.resolve("control.sock").toString();
        ObjectNode config = Json.object().put("state", folder.resolve("served").toString());
        config.putObject("control").put("socket", control);
        config.putObject("vaults").putObject("main").put("location", vault).put("key-file", key);
        config.putObject("hosts")
                .putObject("here")
                .put("scratch", folder.resolve("scratch").toString())
                .putObject("qemu")
                .putArray("monitors")
                .add(folder.resolve("*.qmp").toString());
        Path file = Files.writeString(folder.resolve("stillpoint.yaml"), config.toString());
        ObjectNode policy = Json.object().put("name", "all").put("vault", "main");
        policy.putObject("schedule").put("zone", "UTC").putObject("daily").put("at", "02:00");
        policy.putObject("retention").put("daily", 7);
        policy.putObject("select").put("names", "*");
        Path wanted = Files.writeString(folder.resolve("gold.policy"), policy.toString());
        try (Service _ =
                Service.start(
                        ConfigFile.read(file),
                        new ServeCommand().tools(file.resolveSibling("state")))) {
            run("policy", "apply", wanted.toString(), "--control", control);
            run("vm", "list", "--control", control);
            run("job", "list", "--control", control);
            run("status", "--control", control);
        }
    }

    private static void run(String... arguments) {
        int status = Stillpoint.run(arguments);
        if (status != 0) {
            throw new IllegalStateException(
                    "status " + status + " of " + String.join(" ", arguments));
        }
    }
}
