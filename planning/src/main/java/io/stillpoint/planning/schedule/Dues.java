package io.stillpoint.planning.schedule;

import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.zone.ZoneOffsetTransition;
import java.time.zone.ZoneRules;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// The instants at which a rhythm is due in a zone, from [Schedule#FIRST] on.
///
/// A local time is due at the first instant at which the clock on the wall shows it or a later one. So later local times are
/// never due earlier, which is why days can be looked at one after the other. Two of them may be due at the same instant.
final class Dues {
    /// No rhythm is without a due instant for so many days, not even where a zone leaves out one of them.
    private static final int DAYS = 16;

    private static final Set<DayOfWeek> ALL_DAYS = EnumSet.allOf(DayOfWeek.class);

    private final ZoneRules rules;
    private final Rhythm rhythm;

    Dues(ZoneRules rules, Rhythm rhythm) {
        this.rules = rules;
        this.rhythm = rhythm;
    }

    /// The first after this instant.
    Instant next(Instant after) {
        // The window of the day before may still be open.
        LocalDate begin = date(after).minusDays(1);
        for (LocalDate day = begin; day.isBefore(begin.plusDays(DAYS)); day = day.plusDays(1)) {
            for (Instant due : on(day)) {
                if (due.isAfter(after)) {
                    return due;
                }
            }
        }
        throw new AssertionError(rhythm + " is not due within " + DAYS + " days of " + after);
    }

    /// The last that is not after this instant.
    Optional<Instant> latest(Instant upTo) {
        // Where the clock was set back over midnight, times of the next day may be due already.
        LocalDate begin = date(upTo).plusDays(1);
        for (LocalDate day = begin; day.isAfter(begin.minusDays(DAYS)); day = day.minusDays(1)) {
            for (Instant due : on(day).reversed()) {
                if (!due.isAfter(upTo)) {
                    return Optional.of(due);
                }
            }
        }
        return Optional.empty();
    }

    /// The first ones after `from` and not after `to`.
    ///
    /// @param most so many at most
    List<Instant> between(Instant from, Instant to, int most) {
        List<Instant> found = new ArrayList<>();
        Instant last = from;
        LocalDate end = date(to).plusDays(1);
        for (LocalDate day = date(from).minusDays(1); !day.isAfter(end); day = day.plusDays(1)) {
            for (Instant due : on(day)) {
                if (due.isAfter(to) || found.size() == most) {
                    return found;
                }
                if (due.isAfter(last)) {
                    found.add(due);
                    last = due;
                }
            }
        }
        return found;
    }

    /// Those of one local day, in their order; one may be there twice, or be due on another day as well.
    private List<Instant> on(LocalDate day) {
        List<Instant> all =
                switch (rhythm) {
                    case Rhythm.Hourly hourly -> inWindow(hourly, day);
                    case Rhythm.Daily daily -> at(daily.at(), ALL_DAYS, day);
                    case Rhythm.Weekly weekly -> at(weekly.at(), weekly.on(), day);
                };
        return all.stream().filter(due -> !due.isBefore(Schedule.FIRST)).toList();
    }

    private List<Instant> at(Collection<LocalTime> times, Set<DayOfWeek> days, LocalDate day) {
        return days.contains(day.getDayOfWeek())
                ? times.stream().map(time -> instant(day.atTime(time))).toList()
                : List.of();
    }

    private List<Instant> inWindow(Rhythm.Hourly hourly, LocalDate day) {
        Duration every = Duration.ofHours(hourly.every());
        Instant opening = instant(day.atTime(hourly.from()));
        Instant next = instant(day.plusDays(1).atTime(hourly.from()));
        Instant end = opening.plus(hourly.window());
        Instant last = next.minus(every.dividedBy(2));
        List<Instant> found = new ArrayList<>();
        for (Instant due = opening;
                due.isBefore(end) && !due.isAfter(last);
                due = due.plus(every)) {
            found.add(due);
        }
        return found;
    }

    private LocalDate date(Instant instant) {
        return LocalDate.ofInstant(instant, rules.getOffset(instant));
    }

    private Instant instant(LocalDateTime local) {
        ZoneOffsetTransition leap = rules.getTransition(local);
        return leap != null && leap.isGap()
                ? leap.getInstant()
                : local.toInstant(leap == null ? rules.getOffset(local) : leap.getOffsetBefore());
    }
}
