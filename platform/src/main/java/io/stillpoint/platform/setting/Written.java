package io.stillpoint.platform.setting;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Values as people write them.
public final class Written {
    private static final Pattern DURATION = Pattern.compile("(\\d{1,9})\\s*([smhd]?)");

    private Written() {}

    /// Reads `90s`, `15m`, `4h`, `2d` (days of 24 hours); `0` needs no unit. Throws [IllegalArgumentException] for anything
    /// else.
    public static Duration duration(String text) {
        Matcher matcher = DURATION.matcher(text.strip());
        if (!matcher.matches()) {
            throw new IllegalArgumentException(text);
        }
        long number = Long.parseLong(matcher.group(1));
        return switch (matcher.group(2)) {
            case "s" -> Duration.ofSeconds(number);
            case "m" -> Duration.ofMinutes(number);
            case "h" -> Duration.ofHours(number);
            case "d" -> Duration.ofDays(number);
            default -> {
                if (number != 0) {
                    throw new IllegalArgumentException(text);
                }
                yield Duration.ZERO;
            }
        };
    }

    /// As [#duration] reads it, in whole seconds, with the largest unit that leaves no rest.
    public static String text(Duration duration) {
        long seconds = duration.toSeconds();
        if (seconds == 0) {
            return "0";
        }
        return seconds % 3600 == 0
                ? seconds / 3600 + "h"
                : seconds % 60 == 0 ? seconds / 60 + "m" : seconds + "s";
    }
}
