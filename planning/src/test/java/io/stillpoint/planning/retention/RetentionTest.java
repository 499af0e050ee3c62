package io.stillpoint.planning.retention;

import static java.time.DayOfWeek.FRIDAY;
import static java.time.DayOfWeek.MONDAY;
import static java.time.DayOfWeek.SUNDAY;
import static java.time.DayOfWeek.THURSDAY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.planning.retention.DayRule.DayOfMonth;
import io.stillpoint.planning.retention.DayRule.LastDay;
import io.stillpoint.planning.retention.DayRule.Nth;
import io.stillpoint.planning.retention.DayRule.Weekdays;
import io.stillpoint.planning.retention.RetentionRules.Yearly;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.Month;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// Calendars that were worked out by hand.
final class RetentionTest {
    private static final String BERLIN = "Europe/Berlin";
    private static final String SYDNEY = "Australia/Sydney";

    /// A newest point that no rule chooses, so that the others are not the latest.
    private static final Candidate NEWEST =
            new Candidate(
                    "newest",
                    1_000_000,
                    Instant.parse("2000-01-01T00:00:00Z"),
                    Origin.ON_DEMAND,
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty());

    /// Points at these local times; each is named by its date.
    private static List<Candidate> points(String zone, String... times) {
        List<Candidate> points = new ArrayList<>();
        for (String time : times) {
            Instant at = LocalDateTime.parse(time).atZone(ZoneId.of(zone)).toInstant();
            points.add(Candidate.scheduled(time.substring(0, 10), points.size(), at));
        }
        points.add(NEWEST);
        return points;
    }

    /// The ids that a clean-up at a local time keeps.
    private static List<String> kept(List<Candidate> points, Rules rules, String time) {
        Instant now = LocalDateTime.parse(time).atZone(ZoneId.of(rules.zone())).toInstant();
        return Retention.judge(points, rules.rules(), now).stream()
                .filter(Verdict::kept)
                .map(each -> each.point().id())
                .filter(each -> !each.equals("newest"))
                .toList();
    }

    /// When each would be deleted; "-" if no rule chooses it.
    private static List<String> untils(List<Candidate> points, Rules rules) {
        return Retention.judge(points, rules.rules(), Instant.parse("2100-01-01T00:00:00Z"))
                .stream()
                .filter(each -> !each.point().equals(NEWEST))
                .map(each -> each.until().map(Instant::toString).orElse("-"))
                .toList();
    }

    private static Verdict judge(Candidate point, Rules rules, String now) {
        return Retention.judge(List.of(point, NEWEST), rules.rules(), Instant.parse(now))
                .getFirst();
    }

    @Test
    void daysEndAtLocalMidnightWhereClocksGoForwardInBerlin() {
        // The night to 29 March 2026 has 23 hours.
        List<Candidate> fortnight =
                IntStream.range(0, 14)
                        .mapToObj(LocalDate.of(2026, 3, 22)::plusDays)
                        .map(day -> day + "T23:30")
                        .collect(
                                Collectors.collectingAndThen(
                                        Collectors.toList(),
                                        days -> points(BERLIN, days.toArray(String[]::new))));
        assertThat(
                        Retention.judge(
                                        fortnight,
                                        Rules.in(BERLIN).daily(1).rules(),
                                        Instant.parse("2026-03-01T00:00:00Z"))
                                .stream()
                                .limit(14)
                                .map(each -> each.until().orElseThrow().toString()))
                .containsExactly(
                        "2026-03-23T23:00:00Z",
                        "2026-03-24T23:00:00Z",
                        "2026-03-25T23:00:00Z",
                        "2026-03-26T23:00:00Z",
                        "2026-03-27T23:00:00Z",
                        "2026-03-28T23:00:00Z",
                        "2026-03-29T22:00:00Z",
                        "2026-03-30T22:00:00Z",
                        "2026-03-31T22:00:00Z",
                        "2026-04-01T22:00:00Z",
                        "2026-04-02T22:00:00Z",
                        "2026-04-03T22:00:00Z",
                        "2026-04-04T22:00:00Z",
                        "2026-04-05T22:00:00Z");
    }

    @Test
    void daysEndAtLocalMidnightWhereClocksGoBack() {
        // Berlin on 25 October, Sydney on 5 April 2026: days of 25 hours.
        assertThat(
                        untils(
                                points(
                                        BERLIN,
                                        "2026-10-23T02:30",
                                        "2026-10-24T02:30",
                                        "2026-10-25T02:30"),
                                Rules.in(BERLIN).daily(1)))
                .containsExactly(
                        "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", "2026-10-26T23:00:00Z");
        assertThat(
                        untils(
                                points(
                                        SYDNEY,
                                        "2026-04-03T02:30",
                                        "2026-04-04T02:30",
                                        "2026-04-05T02:30"),
                                Rules.in(SYDNEY).daily(1)))
                .containsExactly(
                        "2026-04-04T13:00:00Z", "2026-04-05T14:00:00Z", "2026-04-06T14:00:00Z");
    }

    @Test
    void weeksAndMonthsPassTheChangeOfClocks() {
        // Sydney's clocks go forward on 4 October 2026, a Sunday.
        assertThat(
                        untils(
                                points(SYDNEY, "2026-09-27T23:00", "2026-10-04T23:00"),
                                Rules.in(SYDNEY).weekly(1, SUNDAY)))
                .containsExactly("2026-10-04T13:00:00Z", "2026-10-11T13:00:00Z");
        assertThat(
                        untils(
                                points(SYDNEY, "2026-08-28T01:00", "2026-09-28T01:00"),
                                Rules.in(SYDNEY).monthly(1, new DayOfMonth(28))))
                .containsExactly("2026-09-28T14:00:00Z", "2026-10-28T13:00:00Z");
    }

    @Test
    void daysThatDoNotBeginAtMidnightBeginLater() {
        // In Havana the clocks leap from 0:00 to 1:00 on 8 March 2026.
        assertThat(
                        untils(
                                points("America/Havana", "2026-03-06T12:00"),
                                Rules.in("America/Havana").daily(1)))
                .containsExactly("2026-03-08T05:00:00Z");
    }

    @Test
    void isKeptToTheLastNanosecondOfItsDay() {
        List<Candidate> points = points("UTC", "2026-05-01T00:00", "2026-05-02T23:59:59");
        Rules rules = Rules.in("UTC").daily(7);
        assertThat(kept(points, rules, "2026-05-08T23:59:59.999999999"))
                .containsExactly("2026-05-01", "2026-05-02");
        assertThat(kept(points, rules, "2026-05-09T00:00")).containsExactly("2026-05-02");
        assertThat(kept(points, rules, "2026-05-10T00:00")).isEmpty();
    }

    @Test
    void keepsTheSundays() {
        List<Candidate> march =
                points(
                        BERLIN,
                        IntStream.rangeClosed(1, 31)
                                .mapToObj(day -> LocalDate.of(2026, 3, day) + "T02:00")
                                .toArray(String[]::new));
        Rules rules = Rules.in(BERLIN).weekly(3, SUNDAY);
        assertThat(kept(march, rules, "2026-03-31T12:00"))
                .containsExactly("2026-03-15", "2026-03-22", "2026-03-29");
        assertThat(kept(march, rules, "2026-03-29T23:59"))
                .containsExactly(
                        "2026-03-08",
                        "2026-03-15",
                        "2026-03-22",
                        "2026-03-29",
                        "2026-03-30",
                        "2026-03-31");
        assertThat(kept(march, rules, "2026-04-06T00:00"))
                .containsExactly("2026-03-22", "2026-03-29");
    }

    @Test
    void theFirstPointAfterAMissedSundayStandsInForIt() {
        // 1 March 2026 is a Sunday.
        List<Candidate> points =
                points(
                        BERLIN,
                        "2026-02-28T02:00",
                        "2026-03-02T02:00",
                        "2026-03-03T02:00",
                        "2026-03-07T02:00",
                        "2026-03-08T02:00",
                        "2026-03-21T02:00",
                        "2026-03-22T02:00");
        Rules rules = Rules.in(BERLIN).weekly(4, SUNDAY);
        assertThat(kept(points, rules, "2026-03-22T12:00"))
                .containsExactly(
                        "2026-02-28", "2026-03-02", "2026-03-08", "2026-03-21", "2026-03-22");
        assertThat(kept(points, rules, "2026-03-29T23:00"))
                .containsExactly("2026-03-02", "2026-03-08", "2026-03-21", "2026-03-22");
        assertThat(kept(points, rules, "2026-03-30T00:00"))
                .containsExactly("2026-03-08", "2026-03-21", "2026-03-22");
        // That of 21 March stands in for 15 March.
        assertThat(kept(points, rules, "2026-04-13T00:00")).containsExactly("2026-03-22");
    }

    @Test
    void eachOfSeveralDaysOfTheWeekBeginsAPeriod() {
        // Monday 2, Thursday 5, Monday 9 March 2026.
        List<Candidate> points =
                points(
                        "UTC",
                        "2026-03-02T01:00",
                        "2026-03-03T01:00",
                        "2026-03-06T01:00",
                        "2026-03-07T01:00",
                        "2026-03-09T01:00");
        assertThat(untils(points, Rules.in("UTC").weekly(2, MONDAY, THURSDAY)))
                .containsExactly(
                        "2026-03-17T00:00:00Z",
                        "-",
                        "2026-03-20T00:00:00Z",
                        "-",
                        "2026-03-24T00:00:00Z");
    }

    @Test
    void theLastDayIsTheLastDayOfEveryMonth() {
        List<Candidate> points =
                points(
                        "UTC",
                        "2027-01-31T01:00",
                        "2027-02-28T01:00",
                        "2028-01-31T01:00",
                        "2028-02-28T01:00",
                        "2028-02-29T01:00",
                        "2028-03-31T01:00");
        assertThat(untils(points, Rules.in("UTC").monthly(1, new LastDay())))
                .containsExactly(
                        "2027-03-01T00:00:00Z",
                        "2027-04-01T00:00:00Z",
                        "2028-03-01T00:00:00Z",
                        // Of the period that began on 31 January it is the second.
                        "-",
                        "2028-04-01T00:00:00Z",
                        "2028-05-01T00:00:00Z");
    }

    @Test
    void aMissedDayOfTheMonthIsMadeUpForUntilTheNext() {
        List<Candidate> points =
                points(
                        "UTC",
                        "2026-01-14T01:00",
                        "2026-02-14T01:00",
                        "2026-02-16T01:00",
                        "2026-03-20T01:00",
                        "2026-03-21T01:00");
        assertThat(untils(points, Rules.in("UTC").monthly(12, new DayOfMonth(15))))
                .containsExactly(
                        "2026-12-16T00:00:00Z",
                        "2027-01-16T00:00:00Z",
                        "2027-02-16T00:00:00Z",
                        "2027-03-16T00:00:00Z",
                        "-");
    }

    @Test
    void knowsTheFirstAndTheLastDayOfAWeekInAMonth() {
        // The first Sundays of 2026: 1 March, 5 April, 3 May; the last Fridays: 27 March, 24 April,
        // 29 May.
        assertThat(
                        untils(
                                points(
                                        "UTC",
                                        "2026-03-01T01:00",
                                        "2026-04-04T01:00",
                                        "2026-04-05T01:00"),
                                Rules.in("UTC")
                                        .monthly(1, new Weekdays(Nth.FIRST, Set.of(SUNDAY)))))
                .containsExactly("2026-04-06T00:00:00Z", "-", "2026-05-04T00:00:00Z");
        assertThat(
                        untils(
                                points(
                                        "UTC",
                                        "2026-03-26T01:00",
                                        "2026-03-27T01:00",
                                        "2026-04-24T01:00"),
                                Rules.in("UTC").monthly(1, new Weekdays(Nth.LAST, Set.of(FRIDAY)))))
                .containsExactly(
                        "2026-03-28T00:00:00Z", "2026-04-25T00:00:00Z", "2026-05-30T00:00:00Z");
    }

    @Test
    void eachOfSeveralDaysInAMonthBeginsAPeriod() {
        // First Monday and Friday: 2 and 6 March, 6 and 3 April 2026.
        assertThat(
                        untils(
                                points(
                                        "UTC",
                                        "2026-03-04T01:00",
                                        "2026-03-06T01:00",
                                        "2026-04-03T01:00"),
                                Rules.in("UTC")
                                        .monthly(
                                                1,
                                                new Weekdays(Nth.FIRST, Set.of(MONDAY, FRIDAY)))))
                .containsExactly(
                        "2026-04-07T00:00:00Z", "2026-04-04T00:00:00Z", "2026-05-02T00:00:00Z");
    }

    @Test
    void aYearEndsOnTheRulesDayInALeapYearToo() {
        Yearly rule = new Yearly(10, Set.of(Month.FEBRUARY), new LastDay());
        assertThat(
                        untils(
                                points(
                                        "UTC",
                                        "2026-02-28T01:00",
                                        "2027-12-31T01:00",
                                        "2028-02-28T01:00",
                                        "2028-02-29T01:00"),
                                Rules.in("UTC").yearly(rule)))
                .containsExactly(
                        "2036-03-01T00:00:00Z",
                        "2037-03-01T00:00:00Z",
                        "-",
                        "2038-03-01T00:00:00Z");
    }

    @Test
    void eachOfSeveralMonthsBeginsAPeriodOfAYearlyRule() {
        Yearly rule = new Yearly(1, Set.of(Month.JANUARY, Month.JULY), new DayOfMonth(1));
        assertThat(
                        untils(
                                points(
                                        "UTC",
                                        "2025-12-31T01:00",
                                        "2026-06-30T01:00",
                                        "2026-07-01T01:00",
                                        "2026-07-02T01:00"),
                                Rules.in("UTC").yearly(rule)))
                .containsExactly(
                        "2026-07-02T00:00:00Z",
                        "2027-01-02T00:00:00Z",
                        "2027-07-02T00:00:00Z",
                        "-");
    }

    @Test
    void namesAllReasonsWithTheirDates() {
        Candidate point =
                new Candidate(
                        "p",
                        7,
                        Instant.parse("2026-03-01T01:00:00Z"),
                        Origin.SCHEDULED,
                        Optional.of(Instant.parse("2026-03-05T12:00:00Z")),
                        Optional.of("before the upgrade"),
                        Optional.of(Instant.parse("2026-03-04T12:00:00Z")));
        Rules rules =
                Rules.in("UTC")
                        .daily(7)
                        .weekly(4, SUNDAY)
                        .monthly(12, new DayOfMonth(1))
                        .yearly(new Yearly(3, Set.of(Month.MARCH), new DayOfMonth(1)));
        Verdict verdict = judge(point, rules, "2026-03-02T00:00:00Z");
        assertThat(verdict.until()).isEmpty();
        assertThat(verdict.reasons().stream().map(each -> each.text().code()))
                .containsExactly(
                        "retention.pinned",
                        "retention.locked",
                        "retention.own-date",
                        "retention.daily",
                        "retention.weekly",
                        "retention.monthly",
                        "retention.yearly");
        assertThat(
                        verdict.reasons().stream()
                                .map(each -> each.until().map(Instant::toString).orElse("-")))
                .containsExactly(
                        "-",
                        "2026-03-04T12:00:00Z",
                        "2026-03-05T12:00:00Z",
                        "2026-03-09T00:00:00Z",
                        "2026-03-30T00:00:00Z",
                        "2027-03-02T00:00:00Z",
                        "2029-03-02T00:00:00Z");
        assertThat(verdict.reasons().getFirst().text())
                .hasToString("it is pinned: before the upgrade");
        assertThat(verdict.reasons().get(4).text())
                .hasToString(
                        "the weekly rule keeps it until the end of 2026-03-29, as the first point since 2026-03-01");
        Verdict later = judge(point, rules, "2026-03-30T00:00:00Z");
        assertThat(later.reasons().stream().map(each -> each.text().code()))
                .containsExactly("retention.pinned", "retention.monthly", "retention.yearly");
    }

    @Test
    void theLatestIsTheOneWithTheHighestOrdinalWhateverItsTime() {
        Candidate older = Candidate.scheduled("older", 4, Instant.parse("2026-03-10T00:00:00Z"));
        Candidate latest = Candidate.scheduled("latest", 5, Instant.parse("2019-01-01T00:00:00Z"));
        List<Verdict> verdicts =
                Retention.judge(
                        List.of(older, latest),
                        Rules.in("UTC").daily(1).rules(),
                        Instant.parse("2026-04-01T00:00:00Z"));
        assertThat(verdicts)
                .containsExactly(
                        new Verdict(
                                older,
                                false,
                                Optional.of(Instant.parse("2026-03-12T00:00:00Z")),
                                List.of()),
                        new Verdict(latest, true, Optional.empty(), List.of(new Reason.Latest())));
    }

    @Test
    void bothOfTwoLatestPointsAreKept() {
        Instant at = Instant.parse("2019-01-01T00:00:00Z");
        List<Verdict> verdicts =
                Retention.judge(
                        List.of(Candidate.scheduled("a", 5, at), Candidate.scheduled("b", 5, at)),
                        Rules.in("UTC").daily(1).rules(),
                        Instant.parse("2026-04-01T00:00:00Z"));
        assertThat(verdicts).allMatch(Verdict::kept);
    }

    @Test
    void aPointOfTheFutureIsKeptAndSaysSo() {
        Instant at = Instant.parse("2030-01-01T00:00:00Z");
        Candidate point = Candidate.scheduled("p", 5, at);
        Rules sundays = Rules.in("UTC").weekly(1, SUNDAY);
        Verdict before = judge(point, sundays, "2029-12-31T23:59:59Z");
        assertThat(before.reasons()).contains(new Reason.InFuture(at));
        // A Tuesday, of the week since Sunday, 30 December.
        assertThat(before.until()).contains(Instant.parse("2030-01-07T00:00:00Z"));
        Verdict after = judge(point, sundays, "2030-01-01T00:00:00Z");
        assertThat(after.reasons()).hasSize(1).allMatch(each -> each instanceof Reason.Chosen);
    }

    @Test
    void timesThatNoCalendarHasAreJudgedToo() {
        Rules rules =
                Rules.in(BERLIN)
                        .daily(9999)
                        .weekly(5163, SUNDAY)
                        .monthly(1188, new LastDay())
                        .yearly(new Yearly(99, Set.of(Month.MARCH), new LastDay()));
        Candidate first = Candidate.scheduled("first", 1, Instant.MIN);
        Candidate last = Candidate.scheduled("last", 2, Instant.MAX.minusNanos(1));
        List<Verdict> verdicts =
                Retention.judge(
                        List.of(first, last, NEWEST),
                        rules.rules(),
                        Instant.parse("2026-01-01T00:00:00Z"));
        assertThat(verdicts.stream().map(Verdict::kept)).containsExactly(false, true, true);
    }

    @Test
    void locksAndDatesKeepUntilThenAndDoNotShorten() {
        Instant at = Instant.parse("2026-03-01T00:00:00Z");
        Instant end = Instant.parse("2026-03-04T12:00:00Z");
        Candidate locked =
                new Candidate(
                        "p",
                        1,
                        at,
                        Origin.SCHEDULED,
                        Optional.empty(),
                        Optional.empty(),
                        Optional.of(end));
        assertThat(judge(locked, Rules.in("UTC").daily(1), "2026-03-04T11:59:59Z").until())
                .contains(end);
        assertThat(judge(locked, Rules.in("UTC").daily(1), "2026-03-04T12:00:00Z").kept())
                .isFalse();
        assertThat(judge(locked, Rules.in("UTC").daily(9), "2026-03-04T12:00:00Z").until())
                .contains(Instant.parse("2026-03-11T00:00:00Z"));
    }

    @Test
    void aPointOnDemandTakesNoPartInTheRules() {
        Instant sunday = Instant.parse("2026-03-01T00:00:00Z");
        Candidate demanded =
                new Candidate(
                        "demanded",
                        1,
                        sunday,
                        Origin.ON_DEMAND,
                        Optional.of(Instant.parse("2026-03-03T00:00:00Z")),
                        Optional.empty(),
                        Optional.empty());
        Candidate open =
                new Candidate(
                        "open",
                        2,
                        sunday,
                        Origin.ON_DEMAND,
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty());
        Candidate monday = Candidate.scheduled("monday", 3, Instant.parse("2026-03-02T00:00:00Z"));
        List<Candidate> points = List.of(demanded, open, monday, NEWEST);
        Rules rules = Rules.in("UTC").weekly(1, SUNDAY);
        assertThat(kept(points, rules, "2026-03-02T23:00"))
                .containsExactly("demanded", "open", "monday");
        assertThat(kept(points, rules, "2026-03-03T00:00")).containsExactly("open", "monday");
        assertThat(kept(points, rules, "2036-03-03T00:00")).containsExactly("open");
    }

    @Test
    void aPinnedPointIsStillTheFirstOfItsPeriod() {
        Candidate sunday =
                new Candidate(
                        "sunday",
                        1,
                        Instant.parse("2026-03-01T00:00:00Z"),
                        Origin.SCHEDULED,
                        Optional.empty(),
                        Optional.of(""),
                        Optional.empty());
        Candidate monday = Candidate.scheduled("monday", 2, Instant.parse("2026-03-02T00:00:00Z"));
        assertThat(
                        kept(
                                List.of(sunday, monday, NEWEST),
                                Rules.in("UTC").weekly(1, SUNDAY),
                                "2026-03-03T00:00"))
                .containsExactly("sunday");
    }

    @Test
    void theNextPointTakesThePlaceOfOneThatWasDeletedByHand() {
        List<Candidate> points =
                points("UTC", "2026-03-01T01:00", "2026-03-02T01:00", "2026-03-03T01:00");
        Rules rules = Rules.in("UTC").weekly(4, SUNDAY);
        assertThat(kept(points, rules, "2026-03-04T00:00")).containsExactly("2026-03-01");
        assertThat(kept(points.subList(1, 4), rules, "2026-03-04T00:00"))
                .containsExactly("2026-03-02");
    }

    @Test
    void noPointAndOnePointAreJudged() {
        RetentionRules rules = Rules.in("UTC").daily(1).rules();
        Instant now = Instant.parse("2026-03-03T00:00:00Z");
        assertThat(Retention.judge(List.of(), rules, now)).isEmpty();
        Candidate only = Candidate.scheduled("p", 0, Instant.parse("2020-01-01T00:00:00Z"));
        assertThat(Retention.judge(List.of(only), rules, now))
                .containsExactly(
                        new Verdict(only, true, Optional.empty(), List.of(new Reason.Latest())));
    }

    @Test
    void refusesTwoPointsWithOneId() {
        RetentionRules rules = Rules.in("UTC").daily(1).rules();
        Candidate one = Candidate.scheduled("p", 1, Instant.EPOCH);
        Candidate other = Candidate.scheduled("p", 2, Instant.EPOCH);
        assertThatThrownBy(() -> Retention.judge(List.of(one, other), rules, Instant.EPOCH))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("id p");
    }

    @Test
    void aHundredThousandPointsTakeLessThanASecond() {
        List<Candidate> points = new ArrayList<>();
        Instant begin = Instant.parse("2000-01-01T00:00:00Z");
        for (int i = 0; i < 100_000; i++) {
            points.add(Candidate.scheduled("p" + i, i, begin.plusSeconds(3600L * i)));
        }
        Collections.shuffle(points, new Random(1));
        RetentionRules rules =
                Rules.in(BERLIN)
                        .daily(30)
                        .weekly(52, SUNDAY)
                        .monthly(60, new Weekdays(Nth.LAST, Set.of(MONDAY, FRIDAY)))
                        .yearly(new Yearly(10, Set.of(Month.MARCH), new LastDay()))
                        .rules();
        Instant now = begin.plusSeconds(3600L * 100_000);
        List<Verdict> verdicts = Retention.judge(points, rules, now);
        long fastest = Long.MAX_VALUE;
        // Others use the machine, too.
        for (int i = 0; i < 3; i++) {
            long started = System.nanoTime();
            assertThat(Retention.judge(points, rules, now)).isEqualTo(verdicts);
            fastest = Math.min(fastest, System.nanoTime() - started);
        }
        assertThat(verdicts.stream().filter(Verdict::kept).count()).isBetween(800L, 1000L);
        assertThat(Duration.ofNanos(fastest)).isLessThan(Duration.ofSeconds(1));
    }
}
