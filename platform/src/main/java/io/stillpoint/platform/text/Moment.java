package io.stillpoint.platform.text;

import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/// Times for people: the host's own zone, with its distance from UTC, so that nobody has to guess. Programs get instants
/// in UTC (`Instant#toString`).
public final class Moment {
    private static final DateTimeFormatter FORM =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss xxx", Locale.ROOT);

    private Moment() {}

    /// As `2026-11-27 02:54:09 +01:00`.
    public static String text(Instant instant) {
        return text(instant, ZoneId.systemDefault());
    }

    static String text(Instant instant, ZoneId zone) {
        return FORM.format(instant.atZone(zone));
    }
}
