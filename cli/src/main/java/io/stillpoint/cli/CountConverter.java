package io.stillpoint.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// Whole numbers in arguments within bounds: what is beyond them is a typing error, and must not be taken at its word.
abstract class CountConverter implements ITypeConverter<Integer> {
    private static final int DAYS_MAX = 36_500;
    private static final int POINTS_MAX = 1_000_000;

    private final int least;
    private final int most;

    private CountConverter(int least, int most) {
        this.least = least;
        this.most = most;
    }

    /// How many recovery points, perhaps none.
    static final class OfPoints extends CountConverter {
        OfPoints() {
            super(0, POINTS_MAX);
        }
    }

    /// How many recovery points, at least one.
    static final class OfSomePoints extends CountConverter {
        OfSomePoints() {
            super(1, POINTS_MAX);
        }
    }

    /// For how many days, perhaps none.
    static final class OfDays extends CountConverter {
        OfDays() {
            super(0, DAYS_MAX);
        }
    }

    /// For how many days, at least one.
    static final class OfSomeDays extends CountConverter {
        OfSomeDays() {
            super(1, DAYS_MAX);
        }
    }

    @Override
    public Integer convert(String text) {
        try {
            int count = Integer.parseInt(text);
            if (count >= least && count <= most) {
                return count;
            }
        } catch (NumberFormatException e) {
            // Told as what is out of bounds.
        }
        throw new TypeConversionException(
                Output.text("usage.count", text, Integer.toString(least), Integer.toString(most)));
    }
}
