package io.stillpoint.cli;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// How the words of a command line are read. What is empty is no value: it comes of a variable that was not set, and must
/// never mean the current folder, or all.
final class Words {
    private Words() {}

    /// For all commands that were added so far.
    static void readBy(CommandLine program) {
        program.registerConverter(String.class, filled(text -> text));
        program.registerConverter(Path.class, filled(Words::path));
        ITypeConverter<Integer> integer = filled(text -> (int) number(text, Integer.MAX_VALUE));
        program.registerConverter(int.class, integer);
        program.registerConverter(Integer.class, integer);
        ITypeConverter<Long> whole = filled(text -> number(text, Long.MAX_VALUE));
        program.registerConverter(long.class, whole);
        program.registerConverter(Long.class, whole);
        program.registerConverter(double.class, filled(Words::amount));
    }

    private static <T> ITypeConverter<T> filled(Function<String, T> converter) {
        return text -> {
            if (text.isBlank()) {
                throw new TypeConversionException(Output.text("usage.empty"));
            }
            return converter.apply(text);
        };
    }

    private static Path path(String text) {
        try {
            return Path.of(text);
        } catch (InvalidPathException e) {
            throw new TypeConversionException(Output.text("usage.path", text, e.getReason()));
        }
    }

    private static long number(String text, long most) {
        try {
            long number = Long.parseLong(text);
            if (number >= 0 && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Told as what is out of bounds.
        }
        throw new TypeConversionException(Output.text("usage.number", text, Long.toString(most)));
    }

    private static double amount(String text) {
        try {
            double amount = Double.parseDouble(text);
            if (amount >= 0) {
                return amount;
            }
        } catch (NumberFormatException e) {
            // As above; what is no number at all is not above zero either.
        }
        throw new TypeConversionException(Output.text("usage.amount", text));
    }
}
