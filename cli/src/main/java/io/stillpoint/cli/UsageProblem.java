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
    /// @param arguments as they were given
    static UsageProblem of(ParameterException e, List<String> arguments) {
        CommandLine command = e.getCommandLine();
        return new UsageProblem(
                message(e, command, arguments), Output.text("usage.try", helpOf(command)));
    }

    /// `stillpoint help vault init` of `stillpoint vault init`.
    private static String helpOf(CommandLine command) {
        return command.getCommandSpec()
                .qualifiedName(" ")
                .replaceFirst("^stillpoint\\b", "stillpoint help");
    }

    private static String message(
            ParameterException e, CommandLine command, List<String> arguments) {
        boolean isGroup = !command.getSubcommands().isEmpty();
        List<String> unmatched = command.getUnmatchedArguments();
        if (e instanceof UnmatchedArgumentException unknown) {
            return unknown(unknown, isGroup);
        }
        if (!unmatched.isEmpty()) {
            // What was mistyped is the reason why something is missing.
            return unknown(new UnmatchedArgumentException(command, unmatched), isGroup);
        }
        return switch (e) {
            case MissingParameterException missing -> missing(missing);
            case MutuallyExclusiveArgsException _ -> exclusive(e, command, arguments);
            default -> {
                if (isGroup && isBare(command)) {
                    yield commandMissing(command);
                }
                yield e.getArgSpec() == null || e.getValue() == null ? oneLine(e) : wrongValue(e);
            }
        };
    }

    private static boolean isBare(CommandLine command) {
        return command.getParseResult() == null || command.getParseResult().matchedArgs().isEmpty();
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
        String text =
                Output.text(key, first, e.getCommandLine().getCommandSpec().qualifiedName(" "));
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
        e.getMissing().stream()
                .filter(argument -> argument.required() || isChoice(argument))
                .forEach(argument -> names.add(name(argument)));
        return names.isEmpty()
                ? oneLine(e)
                : Output.text("usage.missing", String.join(", ", names));
    }

    /// What stands in a choice is named with what could stand there instead.
    private static String name(ArgSpec argument) {
        ArgGroupSpec group = argument.group();
        if (group == null || !group.exclusive()) {
            return label(argument);
        }
        List<String> choices = new ArrayList<>();
        group.args().forEach(each -> choices.add(label(each)));
        group.subgroups().forEach(each -> choices.add(together(each)));
        return String.join(" or ", choices);
    }

    private static boolean isChoice(ArgSpec argument) {
        return argument.group() != null && argument.group().exclusive();
    }

    private static String together(ArgGroupSpec group) {
        return String.join(
                " ",
                group.args().stream().filter(ArgSpec::required).map(UsageProblem::label).toList());
    }

    private static String label(ArgSpec argument) {
        return argument instanceof OptionSpec option && option.arity().max() == 0
                ? option.longestName()
                : nameOf(argument) + (argument.isOption() ? " " + argument.paramLabel() : "");
    }

    private static String nameOf(ArgSpec argument) {
        return argument instanceof OptionSpec option ? option.longestName() : argument.paramLabel();
    }

    private static String exclusive(
            ParameterException e, CommandLine command, List<String> arguments) {
        for (ArgGroupSpec group : command.getCommandSpec().argGroups()) {
            List<String> given =
                    group.allOptionsNested().stream()
                            .filter(option -> isGiven(option, arguments))
                            .map(OptionSpec::longestName)
                            .toList();
            if (group.exclusive() && given.size() > 1) {
                return Output.text("usage.exclusive", String.join(", ", given));
            }
        }
        return oneLine(e);
    }

    private static boolean isGiven(OptionSpec option, List<String> arguments) {
        return Stream.of(option.names())
                .anyMatch(name ->
                        arguments.stream()
                                .anyMatch(
                                        each -> each.equals(name) || each.startsWith(name + "=")));
    }

    private static String wrongValue(ParameterException e) {
        ArgSpec argument = e.getArgSpec();
        if (argument.typeInfo().isEnum() || argument.auxiliaryTypes()[0].isEnum()) {
            return Output.text(
                    "usage.wrong-word",
                    nameOf(argument),
                    e.getValue(),
                    argument.paramLabel().replace("|", ", "));
        }
        String reason = oneLine(e).replaceFirst("^Invalid value for [^:]*: ", "");
        return Output.text("usage.wrong-value", nameOf(argument), reason);
    }

    private static String oneLine(ParameterException e) {
        return Stream.of(String.valueOf(e.getMessage()).split("\\R"))
                .findFirst()
                .orElse("")
                .replaceFirst("^Error: ", "");
    }
}
