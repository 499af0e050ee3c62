package io.stillpoint.cli;

import java.time.Duration;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// Whole seconds in arguments, from one to what the guest's extension allows (`docs/extensions.md`).
abstract class SecondsConverter implements ITypeConverter<Duration> {
    private final int most;

    private SecondsConverter(int most) {
        this.most = most;
    }

    /// How long a guest may be frozen.
    static final class OfFreeze extends SecondsConverter {
        OfFreeze() {
            super(600);
        }
    }

    /// How long an attempt of a script may take.
    static final class OfScript extends SecondsConverter {
        OfScript() {
            super(1800);
        }
    }

    @Override
    public Duration convert(String text) {
        try {
            int seconds = Integer.parseInt(text);
            if (seconds >= 1 && seconds <= most) {
                return Duration.ofSeconds(seconds);
            }
        } catch (NumberFormatException e) {
            // Told as what is out of bounds.
        }
        throw new TypeConversionException(
                Output.text("usage.seconds", text, Integer.toString(most)));
    }
}
