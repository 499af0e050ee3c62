package io.stillpoint.planning.retention;

import io.stillpoint.planning.retention.RetentionRules.Monthly;
import io.stillpoint.planning.retention.RetentionRules.Weekly;
import io.stillpoint.planning.retention.RetentionRules.Yearly;
import java.time.DayOfWeek;
import java.time.LocalDate;
import java.time.Month;
import java.time.YearMonth;
import java.time.temporal.ChronoField;
import java.time.temporal.TemporalAdjuster;
import java.time.temporal.TemporalAdjusters;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// How a rule divides the calendar: each period begins on a day that the rule names, and goes on until the next one.
///
/// A period begins on its named day, and does not end on it: otherwise nothing in the same period could stand in for a
/// point that was missed on that day.
sealed interface Periods {
    /// One of them.
    ///
    /// @param begin its first day
    /// @param lastDay on which its first point is still kept. It follows from the begin, not from the point: so when the
    ///     first point goes, no other of the same period is left that the rule would begin to keep
    record OnePeriod(LocalDate begin, LocalDate lastDay) {}

    /// The one in which a day lies.
    OnePeriod with(LocalDate day);

    static Periods of(Weekly rule) {
        return new Weeks(
                rule.on().stream().map(TemporalAdjusters::previousOrSame).toList(), rule.keep());
    }

    static Periods of(Monthly rule) {
        return new Months(EnumSet.allOf(Month.class), days(rule.on()), rule.keep());
    }

    static Periods of(Yearly rule) {
        return new Months(rule.in(), days(rule.on()), 12L * rule.keep());
    }

    /// Each of the days: what makes it from any day of its month.
    private static List<TemporalAdjuster> days(DayRule rule) {
        return switch (rule) {
            case DayRule.DayOfMonth(int day) ->
                    List.of(date -> date.with(ChronoField.DAY_OF_MONTH, day));
            case DayRule.LastDay() -> List.of(TemporalAdjusters.lastDayOfMonth());
            case DayRule.Weekdays(DayRule.Nth nth, Set<DayOfWeek> on) ->
                    on.stream()
                            .map(each ->
                                    TemporalAdjusters.dayOfWeekInMonth(nth.ordinalInMonth, each))
                            .toList();
        };
    }

    /// @param begins for each day of the week: the last one up to a day
    record Weeks(List<TemporalAdjuster> begins, int keep) implements Periods {
        @Override
        public OnePeriod with(LocalDate day) {
            LocalDate begin =
                    begins.stream().map(day::with).max(Comparator.naturalOrder()).orElseThrow();
            return new OnePeriod(begin, begin.plusWeeks(keep));
        }
    }

    /// @param in the months that have days of the rule
    /// @param on the days in each of them
    /// @param keep months
    record Months(Set<Month> in, List<TemporalAdjuster> on, long keep) implements Periods {
        @Override
        public OnePeriod with(LocalDate day) {
            YearMonth month = YearMonth.from(day);
            // Ends a year back at the latest: there each named day has passed.
            while (true) {
                Optional<OnePeriod> period = begunIn(month, day);
                if (period.isPresent()) {
                    return period.get();
                }
                month = month.minusMonths(1);
            }
        }

        private Optional<OnePeriod> begunIn(YearMonth month, LocalDate day) {
            if (!in.contains(month.getMonth())) {
                return Optional.empty();
            }
            LocalDate any = month.atDay(1);
            LocalDate later = month.plusMonths(keep).atDay(1);
            return on.stream()
                    .filter(each -> !any.with(each).isAfter(day))
                    .max(Comparator.comparing(any::with))
                    .map(each -> new OnePeriod(any.with(each), later.with(each)));
        }
    }
}
