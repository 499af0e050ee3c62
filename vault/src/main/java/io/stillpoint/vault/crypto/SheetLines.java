package io.stillpoint.vault.crypto;

import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The lines of a recovery sheet that hold the secret (section 3.1 of the format): for paper, and for typing in again.
/// Each line has a check of its own, so that a typing error is found in its line.
public final class SheetLines {
    private static final int DATA_LINES = 4;
    private static final int LINES = DATA_LINES + 1;
    private static final int LINE_BYTES = VaultKeys.KEY_LENGTH / DATA_LINES;

    /// A number, then hardly anything but what stands for hexadecimal digits: what else a sheet says does not look so.
    private static final Pattern LINE =
            Pattern.compile("\\s*([1-5])[ \\t.:)]+([0-9a-zA-Z \\t]*[0-9a-zA-Z])\\s*");

    private static final int LINE_LENGTH_MAX = 200;

    private SheetLines() {}

    /// The five lines for a key.
    public static List<String> of(KeyFile key) {
        HexFormat hex = HexFormat.of();
        List<String> lines = new ArrayList<>();
        for (int line = 1; line <= DATA_LINES; line++) {
            int at = (line - 1) * LINE_BYTES;
            String digits = hex.formatHex(key.secret(), at, at + LINE_BYTES);
            lines.add(line + "  " + grouped(digits) + "  " + check(line, key.secret(), at));
        }
        lines.add(LINES + "  " + grouped(whole(key.secret())));
        return List.copyOf(lines);
    }

    /// Reads a sheet that was typed in; lines that hold nothing of the secret may stand between. Throws kind `KEY_FILE`
    /// that names the lines that are wrong or missing.
    ///
    /// @param source what to call the sheet in a message
    public static KeyFile parse(List<String> sheet, String source) {
        TreeMap<Integer, String> found = new TreeMap<>();
        List<String> wrong = new ArrayList<>();
        for (String text : sheet) {
            // Longer ones are no line of a sheet, and would take the pattern ages.
            Matcher line = LINE.matcher(text.length() > LINE_LENGTH_MAX ? "" : text);
            if (!line.matches()) {
                continue;
            }
            String digits = digits(line.group(2));
            String before = found.putIfAbsent(Integer.parseInt(line.group(1)), digits);
            if (before != null && !before.equals(digits)) {
                wrong.add(line.group(1));
            }
        }
        List<String> missing = new ArrayList<>();
        byte[] secret = new byte[VaultKeys.KEY_LENGTH];
        for (int line = 1; line <= LINES; line++) {
            String digits = found.get(line);
            if (digits == null) {
                missing.add(Integer.toString(line));
            } else if (line <= DATA_LINES && !take(line, digits, secret)) {
                wrong.add(Integer.toString(line));
            }
        }
        if (!missing.isEmpty()) {
            throw new VaultException(
                    Kind.KEY_FILE,
                    "vault.sheet-incomplete",
                    null,
                    source,
                    String.join(", ", missing));
        }
        if (!wrong.isEmpty()) {
            wrong.sort(null);
            throw new VaultException(
                    Kind.KEY_FILE,
                    "vault.sheet-mistyped",
                    null,
                    source,
                    String.join(", ", wrong.stream().distinct().toList()));
        }
        if (!whole(secret).equals(found.get(LINES))) {
            // Each other line fits its own check: this one is wrong, or they are of several sheets.
            throw new VaultException(Kind.KEY_FILE, "vault.sheet-last-line", null, source, LINES);
        }
        return new KeyFile(secret);
    }

    private static boolean take(int line, String digits, byte[] secret) {
        if (!digits.matches("[0-9a-f]{" + (2 * LINE_BYTES + 4) + "}")) {
            return false;
        }
        int at = (line - 1) * LINE_BYTES;
        byte[] bytes = HexFormat.of().parseHex(digits, 0, 2 * LINE_BYTES);
        System.arraycopy(bytes, 0, secret, at, LINE_BYTES);
        return check(line, secret, at).equals(digits.substring(2 * LINE_BYTES));
    }

    /// Has the line's number in it, so that exchanged lines are found.
    private static String check(int line, byte[] secret, int at) {
        byte[] checked =
                ByteBuffer.allocate(1 + LINE_BYTES)
                        .put((byte) line)
                        .put(secret, at, LINE_BYTES)
                        .array();
        return HexFormat.of().toHexDigits((short) Checksum.of(checked, 0, checked.length));
    }

    private static String whole(byte[] secret) {
        return HexFormat.of().toHexDigits(Checksum.of(secret, 0, secret.length));
    }

    /// What people type, as the digits that they mean.
    private static String digits(String typed) {
        return typed.replaceAll("\\s", "")
                .toLowerCase(Locale.ROOT)
                .replace('o', '0')
                .replace('i', '1')
                .replace('l', '1');
    }

    private static String grouped(String digits) {
        return String.join(" ", Arrays.asList(digits.split("(?<=\\G.{4})")));
    }
}
