package io.stillpoint.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/// No option, argument or variable of ours means anything when it is empty. Most often a variable of a script was not set; taken at
/// its word, an empty path would be the current folder.
final class EmptyValues {
    private static final String OURS = "STILLPOINT_";

    private EmptyValues() {}

    /// Throws if a value of what was parsed is empty; not where only help is asked for.
    static void refuse(ParseResult parsed) {
        List<ParseResult> chain =
                parsed.asCommandLineList().stream().map(CommandLine::getParseResult).toList();
        if (chain.stream().noneMatch(EmptyValues::isHelp)) {
            chain.forEach(EmptyValues::refuseArguments);
            refuse(System.getenv(), chain.getLast().commandSpec().commandLine());
        }
    }

    private static boolean isHelp(ParseResult parsed) {
        return parsed.isUsageHelpRequested() || parsed.isVersionHelpRequested();
    }

    private static void refuseArguments(ParseResult parsed) {
        List<ArgSpec> given = new ArrayList<>(parsed.matchedOptions());
        given.addAll(parsed.matchedPositionals());
        for (ArgSpec each : given) {
            if (each.originalStringValues().stream().anyMatch(String::isBlank)) {
                String name =
                        each instanceof OptionSpec option
                                ? option.longestName()
                                : each.paramLabel();
                throw new ParameterException(
                        parsed.commandSpec().commandLine(), Output.text("usage.empty-value", name));
            }
        }
    }

    private static void refuse(Map<String, String> environment, CommandLine command) {
        environment.forEach((name, value) -> {
            if (name.startsWith(OURS) && value.isBlank()) {
                throw new ParameterException(command, Output.text("usage.empty-variable", name));
            }
        });
    }
}
