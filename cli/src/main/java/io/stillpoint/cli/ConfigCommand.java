package io.stillpoint.cli;

import io.stillpoint.platform.Json;
import io.stillpoint.service.config.ConfigFile;
import io.stillpoint.service.config.ServiceConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint config`
@Command(name = "config", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class ConfigCommand {
    private ConfigCommand() {}

    /// `stillpoint config check`
    @Command(name = "check", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Check implements Callable<Integer> {
        @Option(names = "--config", paramLabel = "FILE", descriptionKey = "option.config")
        private Path config = ConfigFile.USUAL;

        @Mixin private Output output = new Output();

        @Override
        public Integer call() {
            ServiceConfig settings = ConfigFile.read(config);
            ObjectNode json = Json.object().put("config", config.toString());
            json.put("name", settings.name()).put("database", settings.database().toString());
            var vaults = json.putArray("vaults");
            settings.vaults().keySet().forEach(vaults::add);
            var hosts = json.putArray("hosts");
            settings.hosts().keySet().forEach(hosts::add);
            settings.vaults()
                    .forEach((name, vault) -> {
                        Path key = vault.key().file();
                        if (!Files.isReadable(key)) {
                            output.warning(
                                    "config.no-key", Output.text("config.no-key", name, key));
                        }
                        Path folder = Path.of(vault.location().toString());
                        if (!vault.location().isRemote() && !Files.isDirectory(folder)) {
                            output.warning(
                                    "config.no-folder",
                                    Output.text("config.no-folder", name, folder));
                        }
                    });
            settings.secrets().forEach(file -> OpenSecrets.warn(file, output));
            output.result(
                    json,
                    Output.text(
                            "config.good",
                            config,
                            settings.vaults().size(),
                            settings.hosts().size()));
            return ExitCode.SUCCESS.status();
        }
    }
}
