package io.stillpoint.cli;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.MutuallyExclusiveArgsException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/// Arguments that are not of the command's form: what is wrong with them, and where to read on.
///
/// @param message one line
/// @param hint one line: the help of the command that was meant
record UsageProblem(String message, String hint) {
    static UsageProblem of(ParameterException e) {
        CommandLine command = e.getCommandLine();
        return new UsageProblem(message(e, command), Output.text("usage.try", helpOf(command)));
    }

    /// `stillpoint help vault init` of `stillpoint vault init`.
    private static String helpOf(CommandLine command) {
        return command.getCommandSpec()
                .qualifiedName(" ")
                .replaceFirst("^stillpoint\\b", "stillpoint help");
    }

    private static String message(ParameterException e, CommandLine command) {
        boolean isGroup = !command.getSubcommands().isEmpty();
        return switch (e) {
            case UnmatchedArgumentException unknown -> unknown(unknown, isGroup);
            case MissingParameterException missing -> missing(missing);
            case MutuallyExclusiveArgsException _ -> oneLine(e);
            default -> isGroup && isBare(command) ? commandMissing(command) : oneLine(e);
        };
    }

    private static boolean isBare(CommandLine command) {
        return command.getParseResult() == null
                || command.getParseResult().matchedArgs().isEmpty();
    }

    private static String commandMissing(CommandLine command) {
        CommandSpec spec = command.getCommandSpec();
        return Output.text(
                "usage.command-missing",
                spec.qualifiedName(" "),
                String.join(", ", spec.subcommands().keySet()));
    }

    private static String unknown(UnmatchedArgumentException e, boolean isGroup) {
        String first = e.getUnmatched().getFirst();
        String key =
                first.startsWith("-")
                        ? "usage.unknown-option"
                        : isGroup ? "usage.unknown-command" : "usage.unexpected";
        List<String> similar = e.getSuggestions();
        String text = Output.text(key, first, e.getCommandLine().getCommandSpec().qualifiedName(" "));
        return similar.isEmpty()
                ? text
                : text
                        + " "
                        + Output.text(
                                "usage.similar",
                                String.join(", ", similar.stream().limit(3).toList()));
    }

    private static String missing(MissingParameterException e) {
        Set<String> names = new LinkedHashSet<>();
        e.getMissing().forEach(argument -> names.add(name(argument)));
        return names.isEmpty() ? oneLine(e) : Output.text("usage.missing", String.join(", ", names));
    }

    /// What stands in a choice is named with what could stand there instead.
    private static String name(ArgSpec argument) {
        ArgGroupSpec group = argument.group();
        if (group == null || !group.exclusive()) {
            return label(argument);
        }
        List<String> choices = new ArrayList<>();
        group.args().forEach(each -> choices.add(label(each)));
        group.subgroups().forEach(each -> each.args().stream().filter(ArgSpec::required).map(UsageProblem::label).forEach(choices::add));
        return String.join(" or ", choices);
    }

    private static String label(ArgSpec argument) {
        return argument instanceof OptionSpec option
                ? option.longestName() + (option.arity().max() == 0 ? "" : " " + option.paramLabel())
                : argument.paramLabel();
    }

    private static String oneLine(ParameterException e) {
        return Stream.of(String.valueOf(e.getMessage()).split("\\R"))
                .findFirst()
                .orElse("")
                .replaceFirst("^Error: ", "");
    }
}
