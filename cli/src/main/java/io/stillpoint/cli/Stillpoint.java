package io.stillpoint.cli;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.StillpointException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import tools.jackson.databind.node.ObjectNode;

/// The entry point: parses the arguments, runs a command, and turns what it throws into a message and an exit code.
@Command(
        name = "stillpoint",
        resourceBundle = "io.stillpoint.cli.messages",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        scope = CommandLine.ScopeType.INHERIT)
public final class Stillpoint {
    Stillpoint() {}

    public static void main(String[] arguments) {
        int status = run(arguments);
        Interruption.ended();
        System.exit(status);
    }

    /// Runs one command and returns its exit status.
    public static int run(String... arguments) {
        return commands(arguments).execute(arguments);
    }

    static CommandLine commands(String... arguments) {
        CommandLine commands = Commands.named(arguments);
        commands.setExecutionStrategy(EmptyValues::run);
        commands.setExitCodeExceptionMapper(Stillpoint::status);
        commands.setExecutionExceptionHandler(Stillpoint::report);
        return commands;
    }

    private static int status(Throwable e) {
        ExitCode code =
                switch (e) {
                    case StillpointException known -> ExitCode.of(known);
                    case ParameterException _ -> ExitCode.USAGE;
                    default -> ExitCode.DEFECT;
                };
        return code.status();
    }

    private static int report(Exception e, CommandLine command, ParseResult parsed) {
        if (!(e instanceof StillpointException known)) {
            System.err.println(Output.text("error.defect"));
            e.printStackTrace();
            return ExitCode.DEFECT.status();
        }
        // What the command itself was given: `parsed` knows the options before its name alone.
        if (command.getParseResult().hasMatchedOption("--json")) {
            ObjectNode json = Json.object();
            json.putObject("error")
                    .put("code", known.code())
                    .put("message", known.getMessage())
                    .put("retryable", known.retryable());
            System.out.println(Json.pretty(json));
        } else {
            System.err.println("stillpoint: " + known.getMessage());
        }
        return ExitCode.of(known).status();
    }
}
