package io.stillpoint.planning.retention;

import io.stillpoint.planning.retention.RetentionRules.Monthly;
import io.stillpoint.planning.retention.RetentionRules.Weekly;
import io.stillpoint.planning.retention.RetentionRules.Yearly;
import java.time.DayOfWeek;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.Predicate;

/// The rules once more, with a finger on a calendar: it goes from day to day, and knows no arithmetic of months. Shares no
/// code with what it checks.
///
/// @param points all of one VM
record DayByDay(List<Candidate> points, RetentionRules rules) {
    /// The last day on which a rule keeps the point; empty if none chooses it.
    Optional<LocalDate> lastDay(Candidate point) {
        if (point.origin() == Origin.ON_DEMAND) {
            return Optional.empty();
        }
        LocalDate last = LocalDate.MIN;
        if (rules.daily().isPresent()) {
            last = day(point).plusDays(rules.daily().get().keep());
        }
        if (rules.weekly().isPresent()) {
            Weekly rule = rules.weekly().get();
            last =
                    later(
                            last,
                            lastDay(
                                    point,
                                    rule.keep(),
                                    day -> rule.on().contains(day.getDayOfWeek()),
                                    (begin, day) -> begin.getDayOfWeek() == day.getDayOfWeek()));
        }
        if (rules.monthly().isPresent()) {
            Monthly rule = rules.monthly().get();
            last =
                    later(
                            last,
                            lastDay(
                                    point,
                                    rule.keep(),
                                    day -> named(rule.on(), day),
                                    (begin, day) -> same(rule.on(), begin, day)));
        }
        if (rules.yearly().isPresent()) {
            Yearly rule = rules.yearly().get();
            last =
                    later(
                            last,
                            lastDay(
                                    point,
                                    rule.keep(),
                                    day ->
                                            rule.in().contains(day.getMonth())
                                                    && named(rule.on(), day),
                                    (begin, day) ->
                                            begin.getMonth() == day.getMonth()
                                                    && same(rule.on(), begin, day)));
        }
        return Optional.of(last).filter(each -> !each.equals(LocalDate.MIN));
    }

    boolean keeps(Candidate point, Instant now) {
        boolean latest = points.stream().allMatch(each -> each.ordinal() <= point.ordinal());
        boolean held =
                point.pin().isPresent()
                        || (point.keepUntil().isPresent() && now.isBefore(point.keepUntil().get()))
                        || (point.lockedUntil().isPresent()
                                && now.isBefore(point.lockedUntil().get()))
                        || (point.origin() == Origin.ON_DEMAND && point.keepUntil().isEmpty());
        LocalDate today = LocalDate.ofInstant(now, rules.zone());
        boolean chosen = lastDay(point).map(last -> !today.isAfter(last)).orElse(false);
        return latest || held || chosen || now.isBefore(point.at());
    }

    private LocalDate day(Candidate point) {
        return LocalDate.ofInstant(point.at(), rules.zone());
    }

    private static LocalDate later(LocalDate one, LocalDate other) {
        return one.isAfter(other) ? one : other;
    }

    private LocalDate lastDay(
            Candidate point,
            int keep,
            Predicate<LocalDate> begins,
            BiPredicate<LocalDate, LocalDate> same) {
        LocalDate begin = day(point);
        while (!begins.test(begin)) {
            begin = begin.minusDays(1);
        }
        for (Candidate other : points) {
            boolean earlier =
                    other.at().isBefore(point.at())
                            || (other.at().equals(point.at()) && other.ordinal() < point.ordinal());
            if (other.origin() == Origin.SCHEDULED && earlier && !day(other).isBefore(begin)) {
                return LocalDate.MIN;
            }
        }
        LocalDate last = begin;
        for (int passed = 0; passed < keep; passed += same.test(begin, last) ? 1 : 0) {
            last = last.plusDays(1);
        }
        return last;
    }

    private static boolean named(DayRule rule, LocalDate day) {
        return switch (rule) {
            case DayRule.DayOfMonth(int number) -> day.getDayOfMonth() == number;
            case DayRule.LastDay() -> day.plusDays(1).getDayOfMonth() == 1;
            case DayRule.Weekdays(DayRule.Nth nth, Set<DayOfWeek> on) ->
                    on.contains(day.getDayOfWeek())
                            && switch (nth) {
                                case FIRST -> countInMonth(day) == 1;
                                case SECOND -> countInMonth(day) == 2;
                                case THIRD -> countInMonth(day) == 3;
                                case FOURTH -> countInMonth(day) == 4;
                                case LAST -> day.plusDays(7).getMonth() != day.getMonth();
                            };
        };
    }

    /// How many days of its month, up to it, are the same day of the week.
    private static int countInMonth(LocalDate day) {
        int count = 0;
        for (LocalDate each = day; each.getMonth() == day.getMonth(); each = each.minusDays(7)) {
            count++;
        }
        return count;
    }

    private static boolean same(DayRule rule, LocalDate begin, LocalDate day) {
        return named(rule, day)
                && (!(rule instanceof DayRule.Weekdays)
                        || begin.getDayOfWeek() == day.getDayOfWeek());
    }
}
