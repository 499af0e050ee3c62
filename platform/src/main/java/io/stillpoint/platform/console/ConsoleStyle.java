package io.stillpoint.platform.console;

import java.util.Map;

/// What may be sent to an output.
///
/// @param live whether a line may be redrawn: someone watches a terminal that understands it
/// @param color whether letters may be bold or dim
/// @param columnsMax how wide a line may be at most, however wide the terminal is
public record ConsoleStyle(boolean live, boolean color, int columnsMax) {
    private static final int COLUMNS_USUAL = 80;
    private static final int COLUMNS_MAX = 120;

    /// Whole lines without control characters: for files, pipes and CI.
    public static final ConsoleStyle PLAIN = new ConsoleStyle(false, false, COLUMNS_USUAL);

    public ConsoleStyle {
        if (columnsMax < 1) {
            throw new IllegalArgumentException("columns: " + columnsMax);
        }
    }

    /// The style for an output.
    ///
    /// @param terminal whether it ends at a terminal
    /// @param environment its `TERM` (`dumb`: plain), `NO_COLOR` (see no-color.org) and `COLUMNS` are obeyed
    public static ConsoleStyle of(boolean terminal, Map<String, String> environment) {
        if (!terminal || isDumb(environment)) {
            return PLAIN;
        }
        boolean color = environment.getOrDefault("NO_COLOR", "").isEmpty();
        return new ConsoleStyle(true, color, columnsMax(environment.getOrDefault("COLUMNS", "")));
    }

    /// Whether a terminal could not redraw a line anyway.
    static boolean isDumb(Map<String, String> environment) {
        return environment.getOrDefault("TERM", "dumb").equals("dumb");
    }

    private static int columnsMax(String text) {
        return text.matches("[1-9]\\d{0,4}")
                ? Math.min(Integer.parseInt(text), COLUMNS_MAX)
                : COLUMNS_MAX;
    }

    /// How wide a line may be now.
    ///
    /// @param terminal the terminal's width, 0 if it is not known
    int columns(int terminal) {
        return Math.min(columnsMax, terminal > 0 ? terminal : COLUMNS_USUAL);
    }
}
