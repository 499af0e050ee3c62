package io.stillpoint.platform;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A number of bytes, printed and parsed with binary units (1 KiB = 1024 bytes).
///
/// @param bytes not negative
public record ByteSize(long bytes) {
    private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    private static final Pattern FORM =
            Pattern.compile("(\\d{1,18})\\s*([KMGTPE]?)(?:i?B)?", Pattern.CASE_INSENSITIVE);

    public ByteSize {
        if (bytes < 0) {
            throw new IllegalArgumentException("negative size " + bytes);
        }
    }

    /// Reads `512`, `64K`, `64KiB`, `10 GiB`; all units are binary.
    ///
    /// Throws [IllegalArgumentException] for any other form and above 8 EiB.
    public static ByteSize parse(String text) {
        Matcher matcher = FORM.matcher(text.strip());
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    "not a size: '" + text + "'; write for example 512M, 20G or 1TiB");
        }
        String unit = matcher.group(2).toUpperCase(Locale.ROOT);
        int shift = unit.isEmpty() ? 0 : 10 * ("KMGTPE".indexOf(unit) + 1);
        long number = Long.parseLong(matcher.group(1));
        if (number > Long.MAX_VALUE >> shift) {
            throw new IllegalArgumentException("size too large: '" + text + "'");
        }
        return new ByteSize(number << shift);
    }

    /// Three significant digits and a unit, such as `1.46 GiB`.
    @Override
    public String toString() {
        int unit = 0;
        double value = bytes;
        // 999.5 would round to four digits.
        while (value >= 999.5 && unit < UNITS.length - 1) {
            value /= 1024;
            unit++;
        }
        if (unit == 0) {
            return bytes + " B";
        }
        String form = value < 9.995 ? "%.2f %s" : value < 99.95 ? "%.1f %s" : "%.0f %s";
        return String.format(Locale.ROOT, form, value, UNITS[unit]);
    }
}
