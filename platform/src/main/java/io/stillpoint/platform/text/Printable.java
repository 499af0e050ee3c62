package io.stillpoint.platform.text;

import java.nio.charset.StandardCharsets;

/// Texts that others wrote (guests, QEMU, servers, names of VMs and files), made safe to show on a terminal: whatever
/// could move its cursor, set its title, hide text or turn its order round is shown as an escape and never obeyed.
///
/// That is every code point of Unicode's category C (controls with C1, formats with the bidirectional ones, surrogates
/// that stand alone, private and unassigned ones), and the line and paragraph separators.
public final class Printable {
    private static final int LINE_MAX = 500;
    private static final int BYTES_MAX = 8 * LINE_MAX;

    private Printable() {}

    /// On one line. Line breaks become `\n`, other hostile characters such as `\x1b` or `\u202e`.
    public static String of(String text) {
        return escaped(text, false);
    }

    /// As [#of], but the line feeds stay: for texts of several lines whose parts are printable each.
    public static String lines(String text) {
        return escaped(text, true);
    }

    /// A JSON document in which only strings have characters beyond ASCII: hostile ones become `\\u202e` and the like, which
    /// mean the same to whoever parses it.
    public static String json(String document) {
        StringBuilder safe = new StringBuilder(document.length() + 16);
        document.codePoints()
                .forEach(code -> {
                    if (isHostile(code) && code != '\n') {
                        for (char unit : Character.toChars(code)) {
                            safe.append(String.format("\\u%04x", (int) unit));
                        }
                    } else {
                        safe.appendCodePoint(code);
                    }
                });
        return safe.toString();
    }

    /// What a guest said, as one line of at most 500 characters: blanks, line breaks and controls in between become one
    /// blank.
    public static String line(String text) {
        String line = of(text.replaceAll("[\\s\\p{Cc}]+", " ").strip());
        return line.codePointCount(0, line.length()) <= LINE_MAX
                ? line
                : line.substring(0, line.offsetByCodePoints(0, LINE_MAX)) + "…";
    }

    /// As [#line(String)], of bytes in UTF-8. No more is looked at than can be shown.
    public static String line(byte[] utf8) {
        return line(new String(utf8, 0, Math.min(utf8.length, BYTES_MAX), StandardCharsets.UTF_8));
    }

    private static String escaped(String text, boolean isOfLines) {
        // Nearly all texts are harmless, and most of those ASCII.
        int harmless = 0;
        while (harmless < text.length() && isPlain(text.charAt(harmless))) {
            harmless++;
        }
        if (harmless == text.length()) {
            return text;
        }
        StringBuilder safe = new StringBuilder(text.length() + 16).append(text, 0, harmless);
        text.substring(harmless).codePoints().forEach(code -> append(safe, code, isOfLines));
        return safe.toString();
    }

    private static boolean isPlain(char letter) {
        return letter >= ' ' && letter <= '~';
    }

    private static void append(StringBuilder safe, int code, boolean isOfLines) {
        if (!isHostile(code) || (isOfLines && code == '\n')) {
            safe.appendCodePoint(code);
            return;
        }
        switch (code) {
            case '\n' -> safe.append("\\n");
            case '\r' -> safe.append("\\r");
            case '\t' -> safe.append("\\t");
            default -> {
                String form = code <= 0xff ? "\\x%02x" : code <= 0xffff ? "\\u%04x" : "\\U%08x";
                safe.append(String.format(form, code));
            }
        }
    }

    private static boolean isHostile(int code) {
        return switch (Character.getType(code)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR ->
                    true;
            default -> false;
        };
    }
}
