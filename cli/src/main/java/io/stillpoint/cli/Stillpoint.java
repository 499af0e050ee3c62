package io.stillpoint.cli;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.StillpointException;
import java.util.Arrays;
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
public final class Stillpoint implements Runnable {
    Stillpoint() {}

    public static void main(String[] arguments) {
        int status = run(arguments);
        Interruption.ended();
        System.exit(status);
    }

    /// Runs one command and returns its exit status.
    public static int run(String... arguments) {
        CommandLine commands = Commands.named(arguments);
        commands.setParameterExceptionHandler(Stillpoint::refuse);
        commands.setExecutionStrategy(Stillpoint::execute);
        commands.setExecutionExceptionHandler(Stillpoint::report);
        return commands.execute(arguments);
    }

    /// Without any argument: what one may want to do.
    @Override
    public void run() {
        System.out.println(Output.text("overview"));
    }

    private static int execute(ParseResult parsed) {
        int status = new CommandLine.RunLast().execute(parsed);
        ParseResult last = parsed;
        while (last.hasSubcommand()) {
            last = last.subcommand();
        }
        boolean isWarned = Output.of(last.commandSpec()).filter(Output::hasWarnings).isPresent();
        return status == ExitCode.SUCCESS.status() && isWarned
                ? ExitCode.WARNINGS.status()
                : status;
    }

    private static int refuse(ParameterException e, String... arguments) {
        UsageProblem problem = UsageProblem.of(e);
        if (Arrays.asList(arguments).contains("--json")) {
            printError("usage", problem.message(), false);
        } else {
            Output.complain(problem.message());
            Output.say(problem.hint());
        }
        return ExitCode.USAGE.status();
    }

    private static int report(Exception e, CommandLine command, ParseResult parsed) {
        if (e instanceof ParameterException usage) {
            return refuse(usage, parsed.originalArgs().toArray(String[]::new));
        }
        // What the command itself was given: `parsed` knows the options before its name alone.
        ParseResult given = command.getParseResult();
        return report(e, given.hasMatchedOption("--json"), given.hasMatchedOption("--debug"));
    }

    /// Tells why a command failed, and returns its exit status.
    private static int report(Throwable e, boolean isJson, boolean isDebug) {
        Failure failure = Failure.of(e);
        if (isJson) {
            printError(failure.code(), failure.message(), failure.isRetryable());
        } else {
            Output.complain(failure.message());
        }
        if (isDebug) {
            e.printStackTrace();
        }
        return failure.exit().status();
    }

    private static void printError(String code, String message, boolean isRetryable) {
        ObjectNode json = Json.object();
        json.putObject("error")
                .put("code", code)
                .put("message", message)
                .put("retryable", isRetryable);
        System.out.println(Json.pretty(json));
    }
}
