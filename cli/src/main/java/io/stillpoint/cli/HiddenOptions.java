package io.stillpoint.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/// Options of a vault that mean nothing to some commands: they may be given, as scripts give the same to all, but help does
/// not speak of them there.
final class HiddenOptions {
    /// Store chunks, as others only read.
    private static final Set<String> WRITERS =
            Set.of("backup", "vault copy", "vault repair", "vault prune");

    /// Read what lies in the store, never copies of it.
    private static final Set<String> UNCACHED = Set.of("vault init", "vault verify", "key check");

    private HiddenOptions() {}

    static void hideIn(CommandLine program) {
        for (CommandLine command : program.getSubcommands().values()) {
            hide(command.getCommandSpec());
            hideIn(command);
        }
    }

    private static void hide(CommandSpec command) {
        // The help of the whole tells them.
        command.usageMessage().exitCodeList(Map.of()).exitCodeListHeading("");
        String name = command.qualifiedName(" ").replaceFirst("^stillpoint ", "");
        List<String> hidden = new ArrayList<>();
        if (!WRITERS.contains(name)) {
            hidden.add("--differences");
        }
        if (UNCACHED.contains(name) || name.startsWith("rescue ")) {
            hidden.addAll(List.of("--cache-dir", "--cache-size"));
        }
        if (name.equals("backup")) {
            // The service knows its vaults.
            OptionSpec vault = command.findOption("--vault");
            command.remove(vault);
            command.addOption(OptionSpec.builder(vault).required(false).build());
        }
        for (String each : hidden) {
            OptionSpec option = command.findOption(each);
            if (option != null) {
                command.remove(option);
                command.addOption(OptionSpec.builder(option).hidden(true).build());
            }
        }
    }
}
