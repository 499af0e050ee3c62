package io.stillpoint.planning.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScheduleTest {
    private static final String POLICY = "gold";
    private static final String VM = "web";

    private static TreeSet<LocalTime> at(String... times) {
        TreeSet<LocalTime> set = new TreeSet<>();
        for (String time : times) {
            set.add(LocalTime.parse(time));
        }
        return set;
    }

    private static Schedule daily(String zone, String... times) {
        return new Schedule(ZoneId.of(zone), new Rhythm.Daily(at(times)), Duration.ZERO);
    }

    private static Schedule hourly(String zone, int every, String from, int hours) {
        return new Schedule(
                ZoneId.of(zone),
                new Rhythm.Hourly(every, LocalTime.parse(from), Duration.ofHours(hours)),
                Duration.ZERO);
    }

    private static List<String> dues(Schedule schedule, String from, String to) {
        return schedule.between(Instant.parse(from), Instant.parse(to), POLICY, VM).stream()
                .map(slot -> slot.due().toString())
                .toList();
    }

    /// Exact instants around each change of the clocks, written by hand.
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                // Spring: 02:30 is leapt over; the leap ends at 01:00Z. Autumn: 02:30 comes twice,
                // first at +02:00.
                "Europe/Berlin|02:30|2026-03-27T12:00:00Z|2026-03-30T12:00:00Z|2026-03-28T01:30:00Z 2026-03-29T01:00:00Z 2026-03-30T00:30:00Z",
                "Europe/Berlin|02:30|2026-10-23T12:00:00Z|2026-10-26T12:00:00Z|2026-10-24T00:30:00Z 2026-10-25T00:30:00Z 2026-10-26T01:30:00Z",
                "America/New_York|02:30|2026-03-07T00:00:00Z|2026-03-09T12:00:00Z|2026-03-07T07:30:00Z 2026-03-08T07:00:00Z 2026-03-09T06:30:00Z",
                "America/New_York|01:30|2026-10-31T00:00:00Z|2026-11-02T12:00:00Z|2026-10-31T05:30:00Z 2026-11-01T05:30:00Z 2026-11-02T06:30:00Z",
                // The other hemisphere.
                "Australia/Sydney|02:30|2026-10-02T20:00:00Z|2026-10-04T20:00:00Z|2026-10-03T16:00:00Z 2026-10-04T15:30:00Z",
                "Australia/Sydney|02:30|2026-04-03T20:00:00Z|2026-04-05T20:00:00Z|2026-04-04T15:30:00Z 2026-04-05T16:30:00Z",
                // Half an hour.
                "Australia/Lord_Howe|02:15|2026-10-02T20:00:00Z|2026-10-04T20:00:00Z|2026-10-03T15:30:00Z 2026-10-04T15:15:00Z",
                // Midnight is leapt over.
                "America/Sao_Paulo|00:00|2018-11-02T12:00:00Z|2018-11-05T12:00:00Z|2018-11-03T03:00:00Z 2018-11-04T03:00:00Z 2018-11-05T02:00:00Z",
                // A day is left out.
                "Pacific/Apia|08:00|2011-12-29T00:00:00Z|2011-12-31T20:00:00Z|2011-12-29T18:00:00Z 2011-12-30T18:00:00Z 2011-12-31T18:00:00Z",
                "Asia/Kathmandu|00:15|2026-01-01T00:00:00Z|2026-01-02T00:00:00Z|2026-01-01T18:30:00Z",
                "UTC|02:00|2026-01-01T00:00:00Z|2026-01-02T12:00:00Z|2026-01-01T02:00:00Z 2026-01-02T02:00:00Z"
            })
    void localTimeMeansOneInstant(
            String zone, String time, String from, String to, String expected) {
        assertThat(dues(daily(zone, time), from, to)).containsExactly(expected.split(" "));
    }

    @Test
    void timesThatMeanOneInstantMakeOneSlot() {
        assertThat(
                        dues(
                                daily("Europe/Berlin", "02:15", "02:45", "03:00"),
                                "2026-03-28T12:00:00Z",
                                "2026-03-29T12:00:00Z"))
                .containsExactly("2026-03-29T01:00:00Z");
    }

    @Test
    void weeklyKnowsItsDays() {
        Schedule schedule =
                new Schedule(
                        ZoneId.of("Europe/Berlin"),
                        new Rhythm.Weekly(
                                EnumSet.of(DayOfWeek.SUNDAY, DayOfWeek.WEDNESDAY), at("23:30")),
                        Duration.ZERO);
        assertThat(dues(schedule, "2026-11-20T00:00:00Z", "2026-11-30T00:00:00Z"))
                .containsExactly(
                        "2026-11-22T22:30:00Z", "2026-11-25T22:30:00Z", "2026-11-29T22:30:00Z");
    }

    @Test
    void onlyDayOfTheWeekThatAZoneLeftOutIsSkipped() {
        Schedule schedule =
                new Schedule(
                        ZoneId.of("Pacific/Apia"),
                        new Rhythm.Weekly(Set.of(DayOfWeek.FRIDAY), at("12:00")),
                        Duration.ZERO);
        // 2011-12-30 was to be a Friday.
        assertThat(dues(schedule, "2011-12-22T00:00:00Z", "2012-01-07T12:00:00Z"))
                .containsExactly("2011-12-23T22:00:00Z", "2012-01-05T22:00:00Z");
    }

    @Test
    void hoursPassEvenlyInTheWindow() {
        assertThat(
                        dues(
                                hourly("Europe/Berlin", 4, "08:00", 12),
                                "2026-11-26T23:00:00Z",
                                "2026-11-27T23:00:00Z"))
                .containsExactly(
                        "2026-11-27T07:00:00Z", "2026-11-27T11:00:00Z", "2026-11-27T15:00:00Z");
    }

    @Test
    void dayOf23HoursEndsTheWindowAtTheNextOpening() {
        assertThat(
                        dues(
                                hourly("Europe/Berlin", 6, "00:00", 24),
                                "2026-03-28T22:00:00Z",
                                "2026-03-30T00:00:00Z"))
                .containsExactly(
                        "2026-03-28T23:00:00Z",
                        "2026-03-29T05:00:00Z",
                        "2026-03-29T11:00:00Z",
                        "2026-03-29T17:00:00Z",
                        "2026-03-29T22:00:00Z");
    }

    @Test
    void dayOf25HoursHasNoSlotBeyondItsWindow() {
        assertThat(
                        dues(
                                hourly("Europe/Berlin", 12, "00:00", 24),
                                "2026-10-24T20:00:00Z",
                                "2026-10-26T00:00:00Z"))
                .containsExactly(
                        "2026-10-24T22:00:00Z", "2026-10-25T10:00:00Z", "2026-10-25T23:00:00Z");
    }

    @Test
    void missedSlotsAreMadeUpForByTheLatestAlone() {
        Schedule schedule = daily("UTC", "02:00", "14:00");
        assertThat(schedule.latest(Instant.parse("2026-11-27T13:59:59Z"), POLICY, VM))
                .contains(slot("2026-11-27T02:00:00Z"));
        assertThat(schedule.latest(Instant.parse("2026-11-27T14:00:00Z"), POLICY, VM))
                .contains(slot("2026-11-27T14:00:00Z"));
        assertThat(slot("2026-11-27T14:00:00Z").deadline())
                .isEqualTo(Instant.parse("2026-11-28T14:00:00Z"));
    }

    private static Slot slot(String due) {
        return new Slot(Instant.parse(due), Instant.parse(due));
    }

    @Test
    void jitterIsTheSameForAVmAndSpreadEvenly() {
        Schedule schedule =
                new Schedule(ZoneOffset.UTC, new Rhythm.Daily(at("02:00")), Duration.ofMinutes(30));
        int[] counts = new int[10];
        for (int i = 0; i < 10_000; i++) {
            String vm = "vm-" + i;
            Slot slot = schedule.next(Instant.parse("2026-11-27T12:00:00Z"), POLICY, vm);
            long late = Duration.between(slot.due(), slot.start()).toSeconds();
            assertThat(late).isBetween(0L, 1799L);
            counts[(int) (late / 180)]++;
            Slot later = schedule.next(Instant.parse("2027-03-01T12:00:00Z"), POLICY, vm);
            assertThat(Duration.between(later.due(), later.start()).toSeconds()).isEqualTo(late);
        }
        // 1,000 each are expected; the standard deviation is 30.
        assertThat(java.util.Arrays.stream(counts).boxed())
                .allSatisfy(count -> assertThat(count).isBetween(850, 1150));
        assertThat(schedule.late("gold", VM)).isNotEqualTo(schedule.late("silver", VM));
    }

    /// In every zone there is, and around the changes of its clocks.
    @Test
    void slotsFollowEachOtherInEveryZone() {
        Random random = new Random(7);
        for (String id : ZoneId.getAvailableZoneIds()) {
            ZoneId zone = ZoneId.of(id);
            Schedule schedule =
                    new Schedule(zone, rhythm(random), Duration.ofMinutes(random.nextInt(121)));
            Instant at = Instant.ofEpochSecond(random.nextLong(0, 4_102_444_800L));
            var change = zone.getRules().nextTransition(at);
            if (change != null) {
                at = change.getInstant().minus(Duration.ofDays(2));
            }
            Instant end = at.plus(Duration.ofDays(21));
            List<Slot> slots = new ArrayList<>();
            for (Slot slot = schedule.next(at, POLICY, VM);
                    slot.start().isBefore(end);
                    slot = schedule.next(slot.start(), POLICY, VM)) {
                if (!slots.isEmpty()) {
                    assertThat(slot.start()).as(id).isAfter(slots.getLast().start());
                    assertThat(schedule.latest(slot.start().minusMillis(1), POLICY, VM))
                            .as(id)
                            .contains(slots.getLast());
                }
                assertThat(schedule.latest(slot.start(), POLICY, VM)).as(id).contains(slot);
                slots.add(slot);
            }
            assertThat(schedule.between(at, end.minusMillis(1), POLICY, VM))
                    .as(id)
                    .isEqualTo(slots);
            assertThat(slots.size()).as(id).isBetween(2, 21 * 24 + 2);
        }
    }

    private static Rhythm rhythm(Random random) {
        TreeSet<LocalTime> at = new TreeSet<>();
        for (int i = random.nextInt(1, 4); i > 0; i--) {
            at.add(LocalTime.of(random.nextInt(24), random.nextInt(60)));
        }
        return switch (random.nextInt(3)) {
            case 0 -> new Rhythm.Daily(at);
            case 1 -> new Rhythm.Weekly(EnumSet.of(DayOfWeek.of(random.nextInt(1, 8))), at);
            default ->
                    new Rhythm.Hourly(
                            new int[] {1, 2, 4, 6, 8, 12}[random.nextInt(6)],
                            at.getFirst(),
                            Duration.ofMinutes(random.nextInt(1, 1441)));
        };
    }

    @Test
    void whatMakesNoSenseIsRefused() {
        assertThatThrownBy(() -> hourly("UTC", 5, "00:00", 24))
                .hasMessageContaining("every 5 hours");
        assertThatThrownBy(() -> hourly("UTC", 4, "00:00", 25)).hasMessageContaining("24 hours");
        assertThatThrownBy(() -> hourly("UTC", 4, "00:00", 0)).hasMessageContaining("1 minute");
        assertThatThrownBy(() -> daily("UTC")).hasMessageContaining("1 to 24");
        assertThatThrownBy(() -> daily("UTC", "02:00:30")).hasMessageContaining("02:00:30");
        assertThatThrownBy(() -> daily("+02:00", "02:00")).hasMessageContaining("Europe/Berlin");
        assertThatThrownBy(() -> new Rhythm.Weekly(Set.of(), at("02:00")))
                .hasMessageContaining("at least one day");
        assertThatThrownBy(() ->
                        new Schedule(
                                ZoneOffset.UTC, new Rhythm.Daily(at("02:00")), Duration.ofHours(3)))
                .isInstanceOf(ScheduleException.class)
                .hasMessageContaining("2 hours");
    }

    @Test
    void timesThatNoScheduleMeansAreRefused() {
        Schedule schedule = daily("UTC", "02:00");
        for (Instant at :
                List.of(Instant.MIN, Instant.MAX, Instant.parse("9999-01-01T00:00:00Z"))) {
            assertThatThrownBy(() -> schedule.next(at, POLICY, VM))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() ->
                        hourly("UTC", 1, "00:00", 24)
                                .between(
                                        Instant.parse("2026-01-01T00:00:00Z"),
                                        Instant.parse("2028-01-01T00:00:00Z"),
                                        POLICY,
                                        VM))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("10000");
    }
}
