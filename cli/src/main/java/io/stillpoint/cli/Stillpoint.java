package io.stillpoint.cli;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.StillpointException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
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
        speakUtf8();
        int status = ExitCode.DEFECT.status();
        try {
            Readiness.requireReadable(System.getenv(), arguments);
            status = run(arguments);
        } catch (Throwable e) {
            // Whatever it is: who waits for this process learns at once that it failed.
            status = LastResort.report(e, arguments);
        } finally {
            Interruption.ended();
            System.exit(status);
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
        CommandLine commands = Commands.named(arguments);
        commands.setExitCodeExceptionMapper(Stillpoint::status);
        commands.setExecutionExceptionHandler(Stillpoint::report);
        return commands.execute(arguments);
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
        StillpointException known = LastResort.known(e);
        if (known == null) {
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
