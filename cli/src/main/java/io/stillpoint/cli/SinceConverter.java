package io.stillpoint.cli;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// Since when: so many hours, days or weeks ago (`12h`, `7d`, `2w`), a day, or a time (ISO 8601; without a zone that of
/// this host).
final class SinceConverter implements ITypeConverter<Instant> {
    private static final Pattern AGO = Pattern.compile("([0-9]{1,5})([hdw])");
    private static final int DAYS_A_WEEK = 7;

    private final InstantSource clock;
    private final ZoneId zone;

    SinceConverter() {
        this(InstantSource.system(), ZoneId.systemDefault());
    }

    SinceConverter(InstantSource clock, ZoneId zone) {
        this.clock = clock;
        this.zone = zone;
    }

    @Override
    public Instant convert(String text) {
        Matcher ago = AGO.matcher(text);
        if (ago.matches()) {
            return clock.instant().minus(duration(ago));
        }
        try {
            if (text.matches("[0-9-]{10}")) {
                return LocalDate.parse(text).atStartOfDay(zone).toInstant();
            }
            String time = text.replaceFirst("^([0-9-]{10}) ", "$1T");
            return time.matches(".*(Z|[+-][0-9]{2}:[0-9]{2})")
                    ? OffsetDateTime.parse(time).toInstant()
                    : LocalDateTime.parse(time).atZone(zone).toInstant();
        } catch (DateTimeException e) {
            throw new TypeConversionException(Output.text("usage.since", text));
        }
    }

    private static Duration duration(Matcher ago) {
        int count = Integer.parseInt(ago.group(1));
        return switch (ago.group(2)) {
            case "h" -> Duration.ofHours(count);
            case "d" -> Duration.ofDays(count);
            default -> Duration.ofDays((long) DAYS_A_WEEK * count);
        };
    }
}
