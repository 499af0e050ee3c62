package io.stillpoint.planning.queue;

import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.zone.ZoneOffsetTransition;
import java.util.ArrayList;
import java.util.List;

/// A limit that depends on the time of day: how many transfers at once, or how many bytes a second. Where windows overlap,
/// the lowest limit counts.
///
/// @param zone whose clocks the windows mean
/// @param otherwise the limit outside all windows
public record LimitsByTime(ZoneId zone, long otherwise, List<Limit> windows) {
    /// No limit.
    public static final long UNLIMITED = Long.MAX_VALUE;

    /// No window is without an occurrence for so many days, not even where a zone left out a whole one (Samoa, 2011).
    private static final int DAYS = 3;

    /// @param limit not negative; 0 lets nothing begin
    public record Limit(TimeWindow window, long limit) {
        public Limit {
            requireLimit(limit);
        }
    }

    public LimitsByTime {
        requireLimit(otherwise);
        windows = List.copyOf(windows);
    }

    private static void requireLimit(long limit) {
        if (limit < 0) {
            throw new IllegalArgumentException("negative limit " + limit);
        }
    }

    /// The same at all times.
    public static LimitsByTime always(long limit) {
        return new LimitsByTime(ZoneOffset.UTC, limit, List.of());
    }

    /// The limit at this instant.
    public long at(Instant instant) {
        if (windows.isEmpty()) {
            return otherwise;
        }
        var time = instant.atZone(zone).toLocalTime();
        long lowest = UNLIMITED;
        boolean inside = false;
        for (Limit each : windows) {
            if (each.window().contains(time)) {
                inside = true;
                lowest = Math.min(lowest, each.limit());
            }
        }
        return inside ? lowest : otherwise;
    }

    /// The first instant after this one at which the limit is another; [Instant#MAX] if it never is.
    public Instant nextChange(Instant after) {
        if (windows.isEmpty()) {
            return Instant.MAX;
        }
        long now = at(after);
        return edges(after).stream()
                .filter(each -> each.isAfter(after))
                .sorted()
                .filter(each -> at(each) != now)
                .findFirst()
                .orElse(Instant.MAX);
    }

    /// All instants of the next days at which a window may begin or end. An edge that the clock leaps over becomes the
    /// leap.
    private List<Instant> edges(Instant after) {
        var rules = zone.getRules();
        LocalDate today = after.atZone(zone).toLocalDate();
        List<Instant> edges = new ArrayList<>();
        for (int day = -1; day <= DAYS; day++) {
            LocalDate date = today.plusDays(day);
            for (Limit each : windows) {
                for (var time : List.of(each.window().from(), each.window().to())) {
                    var local = date.atTime(time);
                    for (ZoneOffset offset : rules.getValidOffsets(local)) {
                        edges.add(local.toInstant(offset));
                    }
                }
            }
        }
        Instant end = today.plusDays(DAYS).atStartOfDay(zone).toInstant();
        ZoneOffsetTransition leap = rules.nextTransition(after);
        while (leap != null && leap.getInstant().isBefore(end)) {
            edges.add(leap.getInstant());
            leap = rules.nextTransition(leap.getInstant());
        }
        return edges;
    }
}
