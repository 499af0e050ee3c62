package io.stillpoint.planning.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Slots at instants that were worked out by hand from the offsets of each zone.
final class ScheduleTest {
    private static SortedSet<LocalTime> times(String times) {
        return Arrays.stream(times.split(" "))
                .map(LocalTime::parse)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static Schedule schedule(String zone, Rhythm rhythm) {
        return new Schedule(ZoneId.of(zone), rhythm, Duration.ZERO);
    }

    private static Schedule hourly(String zone, int every, String from, Duration window) {
        return schedule(zone, new Rhythm.Hourly(every, LocalTime.parse(from), window));
    }

    private static List<String> dues(Schedule schedule, String from, String to) {
        return schedule.between(Instant.parse(from), Instant.parse(to), "nightly", "vm-1").stream()
                .map(slot -> slot.due().toString())
                .toList();
    }

    private static List<String> nextTwo(Schedule schedule, String after) {
        Slot first = schedule.next(Instant.parse(after), "nightly", "vm-1");
        Slot second = schedule.next(first.start(), "nightly", "vm-1");
        return List.of(first.due().toString(), second.due().toString());
    }

    /// The slot of the day on which the clock changes, and the one after it.
    @ParameterizedTest
    @CsvSource({
        "UTC, 02:30, 2026-01-01T02:29:59Z, 2026-01-01T02:30:00Z, 2026-01-02T02:30:00Z",
        "Asia/Kathmandu, 02:30, 2026-01-01T00:00:00Z, 2026-01-01T20:45:00Z, 2026-01-02T20:45:00Z",
        // Leaps from 02:00 to 03:00, and goes back from 03:00 to 02:00.
        "Europe/Berlin, 02:30, 2026-03-28T12:00:00Z, 2026-03-29T01:00:00Z, 2026-03-30T00:30:00Z",
        "Europe/Berlin, 02:30, 2026-10-24T12:00:00Z, 2026-10-25T00:30:00Z, 2026-10-26T01:30:00Z",
        "Europe/Berlin, 02:00, 2026-10-24T12:00:00Z, 2026-10-25T00:00:00Z, 2026-10-26T01:00:00Z",
        "Europe/Berlin, 03:00, 2026-10-24T12:00:00Z, 2026-10-25T02:00:00Z, 2026-10-26T02:00:00Z",
        "America/New_York, 02:30, 2026-03-07T12:00:00Z, 2026-03-08T07:00:00Z, 2026-03-09T06:30:00Z",
        "America/New_York, 01:30, 2026-10-31T12:00:00Z, 2026-11-01T05:30:00Z, 2026-11-02T06:30:00Z",
        // The southern hemisphere: back in April, ahead in September or October.
        "Australia/Sydney, 02:30, 2026-04-04T00:00:00Z, 2026-04-04T15:30:00Z, 2026-04-05T16:30:00Z",
        "Australia/Sydney, 02:30, 2026-10-03T00:00:00Z, 2026-10-03T16:00:00Z, 2026-10-04T15:30:00Z",
        // At midnight: back from 24:00 to 23:00, ahead from 00:00 to 01:00.
        "America/Santiago, 23:30, 2026-04-04T12:00:00Z, 2026-04-05T02:30:00Z, 2026-04-06T03:30:00Z",
        "America/Santiago, 00:30, 2026-09-05T12:00:00Z, 2026-09-06T04:00:00Z, 2026-09-07T03:30:00Z",
        "America/Sao_Paulo, 23:30, 2018-02-17T12:00:00Z, 2018-02-18T01:30:00Z, 2018-02-19T02:30:00Z",
        "America/Sao_Paulo, 00:30, 2018-11-03T12:00:00Z, 2018-11-04T03:00:00Z, 2018-11-05T02:30:00Z",
        "Africa/Cairo, 00:30, 2026-04-23T12:00:00Z, 2026-04-23T22:00:00Z, 2026-04-24T21:30:00Z",
        "Africa/Cairo, 23:30, 2026-10-29T12:00:00Z, 2026-10-29T20:30:00Z, 2026-10-30T21:30:00Z",
        // By half an hour.
        "Australia/Lord_Howe, 01:45, 2026-04-04T00:00:00Z, 2026-04-04T14:45:00Z, 2026-04-05T15:15:00Z",
        "Australia/Lord_Howe, 02:15, 2026-10-03T00:00:00Z, 2026-10-03T15:30:00Z, 2026-10-04T15:15:00Z",
        // Back for Ramadan, and ahead after it.
        "Africa/Casablanca, 02:30, 2026-02-14T12:00:00Z, 2026-02-15T01:30:00Z, 2026-02-16T02:30:00Z",
        "Africa/Casablanca, 02:30, 2026-03-21T12:00:00Z, 2026-03-22T02:00:00Z, 2026-03-23T01:30:00Z",
        // December 30 is left out: its slot is when the 31st begins.
        "Pacific/Apia, 08:00, 2011-12-29T18:00:00Z, 2011-12-30T10:00:00Z, 2011-12-30T18:00:00Z",
        "Pacific/Apia, 00:00, 2011-12-29T18:00:00Z, 2011-12-30T10:00:00Z, 2011-12-31T10:00:00Z",
    })
    void dailySlotsWhereTheClockChanges(
            String zone, String at, String after, String first, String second) {
        Schedule schedule = schedule(zone, new Rhythm.Daily(times(at)));
        assertThat(nextTwo(schedule, after)).containsExactly(first, second);
    }

    @Test
    void timesThatFallOnTheSameInstantAreOneSlot() {
        Schedule schedule =
                schedule("Europe/Berlin", new Rhythm.Daily(times("02:15 02:45 03:00 03:01")));
        assertThat(dues(schedule, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"))
                .containsExactly("2026-03-29T01:00:00Z", "2026-03-29T01:01:00Z");
    }

    /// St John's went back at 00:01 to 23:01 of the day before: an instant of October 28 after a slot of the 29th.
    @Test
    void slotOfTheNextDayIsFoundWhereTheClockWentBackOverMidnight() {
        Schedule schedule = schedule("America/St_Johns", new Rhythm.Daily(times("00:00")));
        assertThat(schedule.latest(Instant.parse("2006-10-29T02:40:00Z"), "nightly", "vm-1"))
                .map(Slot::due)
                .contains(Instant.parse("2006-10-29T02:30:00Z"));
        assertThat(schedule.next(Instant.parse("2006-10-29T02:40:00Z"), "nightly", "vm-1").due())
                .isEqualTo("2006-10-30T03:30:00Z");
        assertThat(dues(schedule, "2006-10-28T12:00:00Z", "2006-10-29T02:40:00Z"))
                .containsExactly("2006-10-29T02:30:00Z");
    }

    @Test
    void weeklySlotsAreOnTheirDaysOnly() {
        Rhythm rhythm =
                new Rhythm.Weekly(Set.of(DayOfWeek.SUNDAY, DayOfWeek.WEDNESDAY), times("02:30"));
        assertThat(
                        dues(
                                schedule("Europe/Berlin", rhythm),
                                "2026-03-24T00:00:00Z",
                                "2026-04-02T00:00:00Z"))
                .containsExactly(
                        "2026-03-25T01:30:00Z", "2026-03-29T01:00:00Z", "2026-04-01T00:30:00Z");
    }

    /// A Friday that Samoa did not have.
    @Test
    void weeklySlotOfADayThatIsLeftOutIsDueWhenTheNextOneBegins() {
        Rhythm rhythm = new Rhythm.Weekly(Set.of(DayOfWeek.FRIDAY), times("08:00"));
        assertThat(nextTwo(schedule("Pacific/Apia", rhythm), "2011-12-24T00:00:00Z"))
                .containsExactly("2011-12-30T10:00:00Z", "2012-01-05T18:00:00Z");
    }

    @Test
    void windowEndsBeforeTheSlotAtItsEnd() {
        Schedule schedule = hourly("UTC", 2, "08:00", Duration.ofHours(10));
        assertThat(dues(schedule, "2026-01-01T00:00:00Z", "2026-01-02T08:00:00Z"))
                .containsExactly(
                        "2026-01-01T08:00:00Z",
                        "2026-01-01T10:00:00Z",
                        "2026-01-01T12:00:00Z",
                        "2026-01-01T14:00:00Z",
                        "2026-01-01T16:00:00Z",
                        "2026-01-02T08:00:00Z");
        assertThat(
                        dues(
                                hourly("UTC", 2, "08:00", Duration.ofMinutes(121)),
                                "2026-01-01T00:00:00Z",
                                "2026-01-02T00:00:00Z"))
                .containsExactly("2026-01-01T08:00:00Z", "2026-01-01T10:00:00Z");
        assertThat(
                        dues(
                                hourly("UTC", 2, "08:00", Duration.ofMinutes(1)),
                                "2026-01-01T00:00:00Z",
                                "2026-01-02T00:00:00Z"))
                .containsExactly("2026-01-01T08:00:00Z");
    }

    @Test
    void windowGoesOnPastMidnight() {
        assertThat(
                        dues(
                                hourly("Europe/Berlin", 4, "20:00", Duration.ofHours(9)),
                                "2026-01-01T12:00:00Z",
                                "2026-01-02T12:00:00Z"))
                .containsExactly(
                        "2026-01-01T19:00:00Z", "2026-01-01T23:00:00Z", "2026-01-02T03:00:00Z");
    }

    /// Berlin, 2026-03-29: midnight to midnight is 23 hours.
    @Test
    void shortDayEndsAWindowThatIsLonger() {
        List<String> everyHour =
                dues(
                        hourly("Europe/Berlin", 1, "00:00", Duration.ofHours(24)),
                        "2026-03-28T22:59:59Z",
                        "2026-03-29T22:00:00Z");
        assertThat(everyHour)
                .hasSize(24)
                .startsWith("2026-03-28T23:00:00Z", "2026-03-29T00:00:00Z")
                .endsWith("2026-03-29T21:00:00Z", "2026-03-29T22:00:00Z");
        assertThat(
                        dues(
                                hourly("Europe/Berlin", 2, "00:00", Duration.ofHours(24)),
                                "2026-03-29T18:00:00Z",
                                "2026-03-30T00:00:00Z"))
                .containsExactly(
                        "2026-03-29T19:00:00Z",
                        "2026-03-29T21:00:00Z",
                        "2026-03-29T22:00:00Z",
                        "2026-03-30T00:00:00Z");
    }

    /// On March 29 the window opens late, at 03:00 instead of 02:15; the next one opens 23 hours and a quarter later.
    @Test
    void slotNearerThanHalfARhythmBeforeTheNextOpeningIsLeftOut() {
        assertThat(
                        dues(
                                hourly("Europe/Berlin", 1, "02:15", Duration.ofHours(24)),
                                "2026-03-29T22:00:00Z",
                                "2026-03-30T01:00:00Z"))
                .containsExactly("2026-03-29T23:00:00Z", "2026-03-30T00:15:00Z");
    }

    /// Berlin, 2026-10-25: midnight to midnight is 25 hours.
    @Test
    void longDayDoesNotLengthenAWindow() {
        List<String> everyHour =
                dues(
                        hourly("Europe/Berlin", 1, "00:00", Duration.ofHours(24)),
                        "2026-10-24T21:59:59Z",
                        "2026-10-25T23:00:00Z");
        assertThat(everyHour)
                .hasSize(25)
                .startsWith("2026-10-24T22:00:00Z", "2026-10-24T23:00:00Z")
                .endsWith("2026-10-25T21:00:00Z", "2026-10-25T23:00:00Z");
    }

    /// Lord Howe, 2026-10-04: midnight to midnight is 23 hours and a half.
    @Test
    void windowIsCutShortByHalfAnHour() {
        assertThat(
                        dues(
                                hourly("Australia/Lord_Howe", 1, "00:00", Duration.ofHours(24)),
                                "2026-10-04T11:00:00Z",
                                "2026-10-04T14:00:00Z"))
                .containsExactly(
                        "2026-10-04T11:30:00Z",
                        "2026-10-04T12:30:00Z",
                        "2026-10-04T13:00:00Z",
                        "2026-10-04T14:00:00Z");
    }

    /// Expected: Python, `int.from_bytes(sha256(b"7:nightlyvm-1").digest()[:8], "big") % 7200` and the like.
    @ParameterizedTest
    @CsvSource({
        "nightly, vm-1, 2542",
        "nightly, vm-2, 1044",
        "weekly, vm-1, 2098",
        "Büro, vm-1, 6985"
    })
    void jitterFollowsFromPolicyAndVmAlone(String policy, String vm, long seconds) {
        Schedule schedule =
                new Schedule(
                        ZoneId.of("UTC"), new Rhythm.Daily(times("22:00")), Duration.ofHours(2));
        for (String day : List.of("2026-01-01", "2026-07-01", "2031-02-03")) {
            Slot slot = schedule.next(Instant.parse(day + "T12:00:00Z"), policy, vm);
            assertThat(slot.due()).isEqualTo(day + "T22:00:00Z");
            assertThat(Duration.between(slot.due(), slot.start()))
                    .isEqualTo(Duration.ofSeconds(seconds));
            assertThat(slot.deadline())
                    .isEqualTo(Instant.parse(day + "T22:00:00Z").plusSeconds(86_400));
        }
    }

    @Test
    void slotIsNextUntilItStartsAndLatestFromThenOn() {
        Schedule schedule =
                new Schedule(
                        ZoneId.of("UTC"), new Rhythm.Daily(times("22:00")), Duration.ofHours(2));
        Instant start = Instant.parse("2026-01-01T22:00:00Z").plusSeconds(2_542);
        Instant before = start.minusNanos(1);
        assertThat(schedule.next(before, "nightly", "vm-1").start()).isEqualTo(start);
        assertThat(schedule.latest(before, "nightly", "vm-1"))
                .map(Slot::due)
                .contains(Instant.parse("2025-12-31T22:00:00Z"));
        assertThat(schedule.next(start, "nightly", "vm-1").due()).isEqualTo("2026-01-02T22:00:00Z");
        assertThat(schedule.latest(start, "nightly", "vm-1")).map(Slot::start).contains(start);
    }

    @Test
    void latestOfManyMissedSlotsIsTheLastOne() {
        Schedule schedule = schedule("Europe/Berlin", new Rhythm.Daily(times("22:00")));
        assertThat(schedule.latest(Instant.parse("2026-11-30T08:00:00Z"), "nightly", "vm-1"))
                .contains(
                        new Slot(
                                Instant.parse("2026-11-29T21:00:00Z"),
                                Instant.parse("2026-11-29T21:00:00Z")));
    }

    /// 10,000 VMs in 60 classes of equal size. Were they uniform, chi-square would be above 99.6 about once in 1,300 times.
    @Test
    void jitterSpreadsVmsEvenly() {
        Duration jitter = Duration.ofHours(1);
        Schedule schedule =
                new Schedule(ZoneId.of("UTC"), new Rhythm.Daily(times("22:00")), jitter);
        int[] minutes = new int[60];
        for (int i = 0; i < 10_000; i++) {
            Slot slot = schedule.next(Instant.parse("2026-01-01T12:00:00Z"), "nightly", "vm-" + i);
            Duration late = Duration.between(slot.due(), slot.start());
            assertThat(late).isLessThan(jitter).isGreaterThanOrEqualTo(Duration.ZERO);
            assertThat(late.toNanosPart()).isZero();
            minutes[(int) late.toMinutes()]++;
        }
        double expected = 10_000 / 60.0;
        double chiSquare =
                Arrays.stream(minutes)
                        .mapToDouble(found -> (found - expected) * (found - expected) / expected)
                        .sum();
        assertThat(chiSquare).isLessThan(99.6);
    }

    @Test
    void smallestJittersDelayNobody() {
        for (Duration jitter :
                List.of(Duration.ZERO, Duration.ofMillis(1), Duration.ofSeconds(1))) {
            Schedule schedule =
                    new Schedule(ZoneId.of("UTC"), new Rhythm.Daily(times("22:00")), jitter);
            Slot slot = schedule.next(Instant.parse("2026-01-01T12:00:00Z"), "nightly", "vm-1");
            assertThat(slot.start()).isEqualTo(slot.due());
        }
    }

    @Test
    void policyAndVmAreKeptApart() {
        Schedule schedule =
                new Schedule(
                        ZoneId.of("UTC"), new Rhythm.Daily(times("22:00")), Duration.ofHours(2));
        Instant after = Instant.parse("2026-01-01T12:00:00Z");
        assertThat(schedule.next(after, "a", "bc")).isNotEqualTo(schedule.next(after, "ab", "c"));
    }

    @Test
    void previewIsOpenAtItsBeginAndClosedAtItsEnd() {
        Schedule schedule = schedule("UTC", new Rhythm.Daily(times("22:00")));
        assertThat(dues(schedule, "2026-01-01T22:00:00Z", "2026-01-03T22:00:00Z"))
                .containsExactly("2026-01-02T22:00:00Z", "2026-01-03T22:00:00Z");
        assertThat(dues(schedule, "2026-01-03T22:00:00Z", "2026-01-03T22:00:00Z")).isEmpty();
        assertThat(dues(schedule, "2026-01-03T22:00:00Z", "2026-01-01T22:00:00Z")).isEmpty();
    }

    @Test
    void yearTwentyOneHundredWorks() {
        assertThat(
                        nextTwo(
                                schedule("Europe/Berlin", new Rhythm.Daily(times("02:30"))),
                                "2100-03-27T12:00:00Z"))
                .containsExactly("2100-03-28T01:00:00Z", "2100-03-29T00:30:00Z");
        // No leap year.
        assertThat(
                        nextTwo(
                                schedule("UTC", new Rhythm.Daily(times("00:00"))),
                                "2100-02-27T12:00:00Z"))
                .containsExactly("2100-02-28T00:00:00Z", "2100-03-01T00:00:00Z");
    }

    @Test
    void firstAndLastInstantsHaveTheirSlots() {
        Schedule schedule = schedule("Europe/Berlin", new Rhythm.Daily(times("22:00")));
        assertThat(schedule.latest(Schedule.FIRST, "nightly", "vm-1")).isEmpty();
        assertThat(schedule.next(Schedule.FIRST, "nightly", "vm-1").due())
                .isEqualTo("1970-01-01T21:00:00Z");
        assertThat(schedule.latest(Schedule.LAST, "nightly", "vm-1"))
                .map(Slot::due)
                .contains(Instant.parse("9999-11-30T21:00:00Z"));
        assertThat(schedule.next(Schedule.LAST, "nightly", "vm-1").due())
                .isEqualTo("9999-12-01T21:00:00Z");
    }

    @Test
    void rhythmsKeepCopiesInTheirNaturalOrder() {
        SortedSet<LocalTime> backwards = new TreeSet<>(times("08:00 20:00")).reversed();
        Rhythm.Daily daily = new Rhythm.Daily(new TreeSet<>(backwards));
        assertThat(new ArrayList<>(daily.at()))
                .containsExactly(LocalTime.of(8, 0), LocalTime.of(20, 0));
        SortedSet<LocalTime> changing = times("08:00");
        Rhythm.Daily first = new Rhythm.Daily(changing);
        changing.add(LocalTime.of(9, 0));
        assertThat(first).isEqualTo(new Rhythm.Daily(times("08:00")));
        assertThat(first.hashCode()).isEqualTo(new Rhythm.Daily(times("08:00")).hashCode());
    }

    @Test
    void noSlotStartsBeforeItIsDue() {
        Instant due = Instant.parse("2026-01-01T00:00:00Z");
        assertThatIllegalArgumentException().isThrownBy(() -> new Slot(due, due.minusNanos(1)));
    }
}
