package io.stillpoint.cli;

import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/// `stillpoint help`: of the whole, or of a command of any depth.
@Command(
        name = "help",
        resourceBundle = "io.stillpoint.cli.messages",
        sortOptions = false,
        helpCommand = true)
final class HelpCommand implements Callable<Integer> {
    @Parameters(paramLabel = "COMMAND", descriptionKey = "option.help-command")
    private List<String> names = List.of();

    @Spec private @Nullable CommandSpec spec;

    @Override
    public Integer call() {
        CommandLine command = Objects.requireNonNull(spec).root().commandLine();
        for (String name : names) {
            CommandLine part = command.getSubcommands().get(name);
            if (part == null) {
                throw new UnmatchedArgumentException(command, List.of(name));
            }
            command = part;
        }
        command.usage(System.out);
        return ExitCode.SUCCESS.status();
    }
}
