package io.stillpoint.cli;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.Waiting;
import io.stillpoint.platform.setting.SettingsException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;
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
        speakUtf8();
        int status = ExitCode.DEFECT.status();
        try {
            Readiness.requireReadable(System.getenv(), arguments);
            status = run(arguments);
        } catch (Throwable e) {
            // Whatever it is: who waits for this process learns at once that it failed.
            status = lastResort(e, arguments);
        } finally {
            Interruption.ended();
            System.exit(status);
        }
    }

    /// Tells why the program failed where no command could, and returns its exit status.
    private static int lastResort(Throwable e, String... arguments) {
        try {
            List<String> given = Arrays.asList(arguments);
            return report(e, given.contains("--json"), given.contains("--debug"));
        } catch (OutOfMemoryError _) {
            // Not even for that much.
            return ExitCode.ENVIRONMENT.status();
        }
    }

    /// In the C locale, whose character set has no other letters than ASCII's, a name would come out with question marks: JSON
    /// that is not true. Bytes of UTF-8 are what all else there passes through.
    private static void speakUtf8() {
        if (Charset.forName(System.getProperty("stdout.encoding", "UTF-8"))
                .equals(StandardCharsets.US_ASCII)) {
            System.setOut(utf8(FileDescriptor.out));
        }
        if (Charset.forName(System.getProperty("stderr.encoding", "UTF-8"))
                .equals(StandardCharsets.US_ASCII)) {
            System.setErr(utf8(FileDescriptor.err));
        }
    }

    private static PrintStream utf8(FileDescriptor to) {
        return new PrintStream(new FileOutputStream(to), true, StandardCharsets.UTF_8);
    }

    /// Runs one command and returns its exit status.
    public static int run(String... arguments) {
        return commands(arguments).execute(arguments);
    }

    static CommandLine commands(String... arguments) {
        CommandLine commands = Commands.named(arguments);
        commands.setParameterExceptionHandler(Stillpoint::refuse);
        commands.setExecutionStrategy(Stillpoint::execute);
        commands.setExecutionExceptionHandler(Stillpoint::report);
        return commands;
    }

    /// Without any argument: what one may want to do.
    @Override
    public void run() {
        System.out.println(Output.text("help.overview"));
    }

    private static int execute(ParseResult parsed) {
        refuseUnknown(parsed);
        EmptyValues.refuse(parsed);
        ParseResult last = parsed;
        while (last.hasSubcommand()) {
            last = last.subcommand();
        }
        Optional<Output> output = Output.of(last.commandSpec());
        Waiting.listen(
                output.isPresent() ? output.get()::waits : null, Readiness.process().threads());
        ParseResult named = last;
        output.ifPresent(shown -> OpenSecrets.warn(named, shown));
        int status = new CommandLine.RunLast().execute(parsed);
        boolean isWarned = output.filter(Output::hasWarnings).isPresent();
        return status == ExitCode.SUCCESS.status() && isWarned
                ? ExitCode.WARNINGS.status()
                : status;
    }

    /// The parser lets pass what it does not know where help is asked for, but the help of a group is none of a command that
    /// it does not have.
    private static void refuseUnknown(ParseResult parsed) {
        for (CommandLine each : parsed.asCommandLineList()) {
            List<String> unknown = each.getParseResult().unmatched();
            if (!unknown.isEmpty() && !each.getSubcommands().isEmpty()) {
                throw new UnmatchedArgumentException(each, unknown);
            }
        }
    }

    private static int refuse(ParameterException e, String... arguments) {
        UsageProblem problem = UsageProblem.of(e, Arrays.asList(arguments));
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
        } else if (e instanceof SettingsException wrong && !wrong.problems().isEmpty()) {
            wrong.problems()
                    .forEach(each ->
                            Output.complain(wrong.source() + ": " + Output.words(each.text())));
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
        System.out.println(Output.json(json));
    }
}
