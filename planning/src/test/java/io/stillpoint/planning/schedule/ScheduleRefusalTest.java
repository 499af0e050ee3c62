package io.stillpoint.planning.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// What can't be is refused, in words that say what was found and what is possible.
final class ScheduleRefusalTest {
    private static SortedSet<LocalTime> times(String times) {
        return Arrays.stream(times.split(" "))
                .map(LocalTime::parse)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static Schedule schedule(String zone, Rhythm rhythm) {
        return new Schedule(ZoneId.of(zone), rhythm, Duration.ZERO);
    }

    private static void refused(String code, Runnable what) {
        assertThatThrownBy(what::run)
                .isInstanceOfSatisfying(
                        ScheduleException.class,
                        e -> {
                            assertThat(e.code()).isEqualTo(code);
                            assertThat(e.retryable()).isFalse();
                        });
    }

    private static void refused(String code, String words, Runnable what) {
        refused(code, what);
        assertThatThrownBy(what::run).hasMessage(words);
    }

    @Test
    void zonesWithoutDaylightSavingRulesAreRefused() {
        for (String zone : List.of("Z", "+01:00", "UTC+01:00", "GMT-3")) {
            refused(
                    "schedule.zone",
                    "\""
                            + ZoneId.of(zone)
                            + "\" is no zone of the IANA time zone database. Name one such as"
                            + " Europe/Berlin, or UTC.",
                    () -> schedule(zone, new Rhythm.Daily(times("22:00"))));
        }
    }

    @Test
    void jitterOutsideItsBoundsIsRefused() {
        Rhythm rhythm = new Rhythm.Daily(times("22:00"));
        ZoneId zone = ZoneId.of("UTC");
        refused(
                "schedule.jitter",
                "The jitter is 2:00:01 (hours, minutes, seconds); possible: 0:00:00 to 2:00:00.",
                () -> new Schedule(zone, rhythm, Duration.ofSeconds(7_201)));
        refused(
                "schedule.jitter",
                "The jitter is -0:00:01 (hours, minutes, seconds); possible: 0:00:00 to 2:00:00.",
                () -> new Schedule(zone, rhythm, Duration.ofSeconds(-1)));
        for (Duration extreme :
                List.of(
                        Duration.ofSeconds(Long.MIN_VALUE),
                        Duration.ofSeconds(Long.MAX_VALUE, 999_999_999))) {
            refused("schedule.jitter", () -> new Schedule(zone, rhythm, extreme));
        }
    }

    @Test
    void hourlyRhythmsThatCanNotBeAreRefused() {
        LocalTime from = LocalTime.of(8, 0);
        Duration day = Duration.ofHours(24);
        for (int every : List.of(Integer.MIN_VALUE, -1, 0, 3, 5, 7, 24)) {
            refused("schedule.every", () -> new Rhythm.Hourly(every, from, day));
        }
        refused(
                "schedule.every",
                "Every 3 hours is not possible; possible: 1, 2, 4, 6, 8, 12.",
                () -> new Rhythm.Hourly(3, from, day));
        for (Duration window :
                List.of(Duration.ZERO, Duration.ofSeconds(59), day.plusNanos(1), day.negated())) {
            refused("schedule.window", () -> new Rhythm.Hourly(1, from, window));
        }
        refused(
                "schedule.window",
                "The window is 25:30:00 long (hours, minutes, seconds); possible: 0:01:00 to 24:00:00.",
                () -> new Rhythm.Hourly(1, from, Duration.ofMinutes(1_530)));
        refused(
                "schedule.fraction",
                "The time 08:00:01 has seconds; only whole minutes are possible.",
                () -> new Rhythm.Hourly(1, from.plusSeconds(1), day));
    }

    @Test
    void timesAndDaysThatCanNotBeAreRefused() {
        SortedSet<LocalTime> none = new TreeSet<>();
        SortedSet<LocalTime> tooMany =
                IntStream.range(0, 25)
                        .mapToObj(i -> LocalTime.of(0, i))
                        .collect(Collectors.toCollection(TreeSet::new));
        Set<DayOfWeek> sunday = Set.of(DayOfWeek.SUNDAY);
        refused(
                "schedule.times",
                "The schedule has 0 times of day; possible: 1 to 24.",
                () -> new Rhythm.Daily(none));
        refused("schedule.times", () -> new Rhythm.Daily(tooMany));
        refused("schedule.times", () -> new Rhythm.Weekly(sunday, none));
        refused("schedule.fraction", () -> new Rhythm.Daily(times("08:00 08:00:00.5")));
        refused("schedule.fraction", () -> new Rhythm.Weekly(sunday, times("08:00:30")));
        refused(
                "schedule.no-day",
                "The schedule has no day of the week; it needs at least one.",
                () -> new Rhythm.Weekly(Set.of(), times("08:00")));
    }

    @Test
    void previewOfMoreThanTenThousandSlotsIsRefused() {
        Schedule schedule =
                schedule("UTC", new Rhythm.Hourly(1, LocalTime.MIDNIGHT, Duration.ofHours(24)));
        Instant from = Instant.parse("2026-01-01T00:00:00Z");
        Instant to = from.plus(Duration.ofHours(10_000));
        assertThat(schedule.between(from, to, "nightly", "vm-1")).hasSize(10_000);
        refused(
                "schedule.too-many-slots",
                () -> schedule.between(from, to.plus(Duration.ofHours(1)), "nightly", "vm-1"));
        refused(
                "schedule.too-many-slots",
                () -> schedule.between(Schedule.FIRST, Schedule.LAST, "nightly", "vm-1"));
    }

    @Test
    void instantsFarAwayAreRefused() {
        Schedule schedule = schedule("Europe/Berlin", new Rhythm.Daily(times("22:00")));
        Instant now = Instant.parse("2026-01-01T00:00:00Z");
        for (Instant each :
                List.of(
                        Instant.MIN,
                        Schedule.FIRST.minusNanos(1),
                        Schedule.LAST.plusNanos(1),
                        Instant.MAX)) {
            refused("schedule.instant", () -> schedule.next(each, "nightly", "vm-1"));
            refused("schedule.instant", () -> schedule.latest(each, "nightly", "vm-1"));
            refused("schedule.instant", () -> schedule.between(each, now, "nightly", "vm-1"));
            refused("schedule.instant", () -> schedule.between(now, each, "nightly", "vm-1"));
        }
    }
}
