package io.stillpoint.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;

final class EmptyValuesTest {
    private static final int USAGE = 2;

    /// Every command that can be run, by its path.
    private static void collect(CommandLine command, List<CommandLine> found) {
        Map<String, CommandLine> parts = command.getSubcommands();
        if (parts.isEmpty()) {
            found.add(command);
        }
        parts.values().forEach(part -> collect(part, found));
    }

    private static List<String> words(CommandLine command) {
        List<String> words = new ArrayList<>();
        for (CommandLine each = command; each.getParent() != null; each = each.getParent()) {
            words.addFirst(each.getCommandName());
        }
        return words;
    }

    /// What else must be given, so that nothing but the empty value is wrong.
    private static List<String> required(CommandLine command, ArgSpec but) {
        List<String> words = new ArrayList<>();
        for (OptionSpec option : command.getCommandSpec().options()) {
            boolean isDefaulted = option.defaultValue() != null;
            if (option.required()
                    && option.group() == null
                    && !isDefaulted
                    && !option.equals(but)) {
                words.addAll(List.of(option.longestName(), "1"));
            }
        }
        for (ArgSpec positional : command.getCommandSpec().positionalParameters()) {
            if (positional.required() && positional.group() == null) {
                words.add("1");
            }
        }
        for (ArgGroupSpec group : command.getCommandSpec().argGroups()) {
            if (group.multiplicity().min() > 0 && !group.args().contains(but)) {
                ArgSpec first = group.args().iterator().next();
                if (first instanceof OptionSpec named) {
                    words.add(named.longestName());
                }
                if (first.arity().min() > 0) {
                    words.add("1");
                }
            }
        }
        return words;
    }

    private static String failure(List<String> arguments) {
        CommandLine commands = Stillpoint.commands(arguments.toArray(String[]::new));
        StringWriter err = new StringWriter();
        PrintStream before = System.err;
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        System.setErr(new PrintStream(printed, true, StandardCharsets.UTF_8));
        int status;
        try {
            commands.setErr(new PrintWriter(err, true));
            status = commands.execute(arguments.toArray(String[]::new));
        } finally {
            System.setErr(before);
        }
        assertThat(status).as(String.join(" ", arguments)).isEqualTo(USAGE);
        return (err + printed.toString(StandardCharsets.UTF_8)).lines().findFirst().orElse("");
    }

    @Test
    void noOptionOfAnyCommandTakesAnEmptyValue() {
        List<CommandLine> all = new ArrayList<>();
        collect(Commands.named(), all);
        assertThat(all.size()).isGreaterThan(20);
        int tried = 0;
        for (CommandLine command : all) {
            for (OptionSpec option : command.getCommandSpec().options()) {
                if (option.arity().max() < 1) {
                    continue;
                }
                List<String> arguments = words(command);
                arguments.addAll(required(command, option));
                arguments.add(option.longestName() + (tried % 2 == 0 ? "=" : "=  "));
                assertThat(failure(arguments))
                        .as(String.join(" ", arguments))
                        .contains(option.longestName());
                tried++;
            }
        }
        assertThat(tried).isGreaterThan(100);
    }

    @Test
    void emptyVaultIsNotTheCurrentFolder() {
        assertThat(failure(List.of("vault", "init", "--vault", "", "--key-file", "key")))
                .contains("--vault", "empty");
        assertThat(failure(List.of("points", "--vault="))).contains("--vault", "empty");
    }

    @Test
    void emptyArgumentIsRefused() {
        assertThat(failure(List.of("vault", "discard", "--vault", "nowhere", "")))
                .contains("empty");
    }
}
