package io.stillpoint.platform.console;

import java.util.Map;

/// What may be sent to an output.
///
/// @param live whether a line may be redrawn: someone watches a terminal that understands it
/// @param color whether letters may be bold or dim
/// @param columns the width of a line
public record ConsoleStyle(boolean live, boolean color, int columns) {
    private static final int COLUMNS_USUAL = 80;
    private static final int COLUMNS_MIN = 40;
    private static final int COLUMNS_MAX = 120;

    /// Whole lines without control characters: for files, pipes and CI.
    public static final ConsoleStyle PLAIN = new ConsoleStyle(false, false, COLUMNS_USUAL);

    /// The style for an output.
    ///
    /// @param terminal whether it ends at a terminal
    /// @param environment its `TERM` (`dumb`: plain), `NO_COLOR` (see no-color.org) and `COLUMNS` are obeyed
    public static ConsoleStyle of(boolean terminal, Map<String, String> environment) {
        if (!terminal || environment.getOrDefault("TERM", "dumb").equals("dumb")) {
            return PLAIN;
        }
        boolean color = environment.getOrDefault("NO_COLOR", "").isEmpty();
        return new ConsoleStyle(true, color, columns(environment.getOrDefault("COLUMNS", "")));
    }

    private static int columns(String text) {
        if (!text.matches("\\d{1,5}")) {
            return COLUMNS_USUAL;
        }
        return Math.clamp(Integer.parseInt(text), COLUMNS_MIN, COLUMNS_MAX);
    }
}
