package io.stillpoint.guest.extension;

import java.nio.charset.StandardCharsets;

/// The guest's words, fit for terminals and logs.
final class Printable {
    private static final int LENGTH_MAX = 500;

    private Printable() {}

    /// One line of at most 500 characters.
    static String line(String text) {
        String line = text.replaceAll("\\p{Cntrl}+", " ").strip();
        return line.length() <= LENGTH_MAX ? line : line.substring(0, LENGTH_MAX) + "…";
    }

    static String line(byte[] utf8) {
        // No more is looked at than can be shown.
        return line(new String(utf8, 0, Math.min(utf8.length, 4000), StandardCharsets.UTF_8));
    }
}
