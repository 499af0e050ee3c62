package io.stillpoint.planning.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.zone.ZoneOffsetTransition;
import java.time.zone.ZoneRules;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/// What holds for any schedule in each zone of the time zone database: seeded instances, each named by zone and seed. Half
/// of them are where the zone's clock changes.
final class SchedulePropertyTest {
    private static final int SEEDS = 6;
    private static final Duration AROUND = Duration.ofDays(4);

    /// @param around an instant of interest
    private record Instance(String name, Schedule schedule, Instant around, String vm) {
        private Slot next(Instant after) {
            return schedule.next(after, "policy", vm);
        }

        private Optional<Slot> latest(Instant upTo) {
            return schedule.latest(upTo, "policy", vm);
        }

        private List<Slot> slots() {
            return schedule.between(around.minus(AROUND), around.plus(AROUND), "policy", vm);
        }
    }

    private static List<Instance> instances() {
        List<Instance> instances = new ArrayList<>();
        for (String id : new TreeSet<>(ZoneId.getAvailableZoneIds())) {
            ZoneId zone = ZoneId.of(id);
            for (int seed = 0; seed < SEEDS; seed++) {
                Random random = new Random(31L * id.hashCode() + seed);
                Duration jitter =
                        Duration.ofSeconds(random.nextBoolean() ? 0 : random.nextInt(7_201));
                Schedule schedule = new Schedule(zone, rhythm(random), jitter);
                Instant around = around(random, zone.getRules());
                String name = id + ", seed " + seed + ": " + schedule + " around " + around;
                instances.add(new Instance(name, schedule, around, "vm-" + seed));
            }
        }
        return instances;
    }

    private static Instant around(Random random, ZoneRules rules) {
        // To the year 2101.
        Instant any =
                Instant.ofEpochSecond(1_000_000 + (long) (random.nextDouble() * 4_133_900_000L));
        ZoneOffsetTransition change = rules.nextTransition(any);
        if (change == null) {
            change = rules.previousTransition(any);
        }
        boolean usable =
                change != null
                        && change.getInstant().isAfter(Instant.ofEpochSecond(1_000_000))
                        && random.nextBoolean();
        return usable && change != null ? change.getInstant() : any;
    }

    private static Rhythm rhythm(Random random) {
        return switch (random.nextInt(3)) {
            case 0 ->
                    new Rhythm.Hourly(
                            List.of(1, 2, 4, 6, 8, 12).get(random.nextInt(6)),
                            time(random),
                            random.nextBoolean()
                                    ? Duration.ofHours(24)
                                    : Duration.ofMinutes(random.nextInt(1, 1_441)));
            case 1 -> new Rhythm.Daily(times(random));
            default -> new Rhythm.Weekly(days(random), times(random));
        };
    }

    private static SortedSet<LocalTime> times(Random random) {
        SortedSet<LocalTime> times = new TreeSet<>();
        for (int i = random.nextInt(24); i >= 0; i--) {
            times.add(time(random));
        }
        return times;
    }

    /// Often in the hours in which clocks change.
    private static LocalTime time(Random random) {
        return LocalTime.of(random.nextInt(random.nextBoolean() ? 4 : 24), 15 * random.nextInt(4));
    }

    private static Set<DayOfWeek> days(Random random) {
        Set<DayOfWeek> days = EnumSet.of(DayOfWeek.of(random.nextInt(1, 8)));
        for (int i = random.nextInt(4); i > 0; i--) {
            days.add(DayOfWeek.of(random.nextInt(1, 8)));
        }
        return days;
    }

    @Test
    void nextIsLaterAndThenLatest() {
        for (Instance each : instances()) {
            Instant after = each.around();
            for (int i = 0; i < 3; i++) {
                Slot next = each.next(after);
                assertThat(next.start()).as(each.name()).isAfter(after);
                assertThat(each.latest(next.start())).as(each.name()).contains(next);
                Instant before = next.start().minusNanos(1);
                assertThat(each.next(before)).as(each.name()).isEqualTo(next);
                assertThat(each.latest(before)).as(each.name()).isPresent().isNotEqualTo(next);
                assertThat(each.latest(before).map(slot -> each.next(slot.start())))
                        .as(each.name())
                        .contains(next);
                after = next.start();
            }
        }
    }

    @Test
    void betweenIsNextRepeated() {
        for (Instance each : instances()) {
            List<Slot> repeated = new ArrayList<>();
            Slot next = each.next(each.around().minus(AROUND));
            while (!next.start().isAfter(each.around().plus(AROUND))) {
                repeated.add(next);
                next = each.next(next.start());
            }
            assertThat(each.slots()).as(each.name()).isEqualTo(repeated);
        }
    }

    @Test
    void jitterMovesAllSlotsOfAVmByTheSame() {
        for (Instance each : instances()) {
            List<Duration> late =
                    each.slots().stream()
                            .map(slot -> Duration.between(slot.due(), slot.start()))
                            .distinct()
                            .toList();
            assertThat(late).as(each.name()).hasSizeLessThan(2);
            assertThat(late)
                    .as(each.name())
                    .allMatch(found ->
                            found.isZero() || found.compareTo(each.schedule().jitter()) < 0);
        }
    }

    /// Each local time of each day has its instant, by a search of its own through the zone's offsets, and there is no slot
    /// besides.
    @Test
    void dailyAndWeeklySlotsAreWhereTheClockFirstShowsTheirTimesOrLaterOnes() {
        for (Instance each : instances()) {
            Set<Instant> expected = new TreeSet<>();
            Rhythm rhythm = each.schedule().rhythm();
            if (rhythm instanceof Rhythm.Daily daily) {
                expected.addAll(expected(each, EnumSet.allOf(DayOfWeek.class), daily.at()));
            } else if (rhythm instanceof Rhythm.Weekly weekly) {
                expected.addAll(expected(each, weekly.on(), weekly.at()));
            } else {
                continue;
            }
            Instant from = each.around().minus(Duration.ofDays(2));
            Instant to = each.around().plus(Duration.ofDays(2));
            assertThat(each.slots().stream().map(Slot::due).filter(d -> isIn(d, from, to)))
                    .as(each.name())
                    .containsExactlyElementsOf(
                            expected.stream().filter(due -> isIn(due, from, to)).toList());
        }
    }

    private static boolean isIn(Instant instant, Instant from, Instant to) {
        return instant.isAfter(from) && instant.isBefore(to);
    }

    private static Set<Instant> expected(
            Instance instance, Set<DayOfWeek> days, Collection<LocalTime> times) {
        Set<Instant> expected = new TreeSet<>();
        LocalDate middle = LocalDate.ofInstant(instance.around(), ZoneOffset.UTC);
        for (int day = -4; day <= 4; day++) {
            LocalDate date = middle.plusDays(day);
            if (days.contains(date.getDayOfWeek())) {
                for (LocalTime time : times) {
                    expected.add(first(instance.schedule().zone(), date.atTime(time)));
                }
            }
        }
        return expected;
    }

    /// Goes from one change of the clock to the next until it shows the time or a later one.
    private static Instant first(ZoneId zone, LocalDateTime local) {
        Instant begin = local.toInstant(ZoneOffset.UTC).minus(Duration.ofDays(2));
        while (true) {
            ZoneOffset offset = zone.getRules().getOffset(begin);
            if (!LocalDateTime.ofInstant(begin, offset).isBefore(local)) {
                return begin;
            }
            ZoneOffsetTransition change = zone.getRules().nextTransition(begin);
            Instant shown = local.toInstant(offset);
            if (change == null || shown.isBefore(change.getInstant())) {
                return shown;
            }
            begin = change.getInstant();
        }
    }

    /// No two of an hourly rhythm are nearer than half of its hours, and nearer than its hours only before an opening.
    @Test
    void hourlySlotsKeepTheirDistance() {
        int cut = 0;
        for (Instance each : instances()) {
            if (!(each.schedule().rhythm() instanceof Rhythm.Hourly hourly)) {
                continue;
            }
            ZoneId zone = each.schedule().zone();
            Duration every = Duration.ofHours(hourly.every());
            List<Instant> dues = each.slots().stream().map(Slot::due).toList();
            for (int i = 1; i < dues.size(); i++) {
                Duration distance = Duration.between(dues.get(i - 1), dues.get(i));
                assertThat(distance).as(each.name()).isGreaterThanOrEqualTo(every.dividedBy(2));
                if (distance.compareTo(every) < 0) {
                    cut++;
                    LocalDate date = LocalDate.ofInstant(dues.get(i), zone);
                    assertThat(dues.get(i))
                            .as(each.name())
                            .isIn(openings(zone, date, 1, hourly.from()));
                }
            }
        }
        assertThat(cut).as("windows cut short").isGreaterThan(20);
    }

    /// Whole numbers of rhythms after each opening, in its window, and not too near to the next opening.
    @Test
    void hourlySlotsAreAllThoseInTheWindowsOfOpenings() {
        for (Instance each : instances()) {
            if (!(each.schedule().rhythm() instanceof Rhythm.Hourly hourly)) {
                continue;
            }
            LocalDate middle = LocalDate.ofInstant(each.around(), ZoneOffset.UTC);
            List<Instant> openings = openings(each.schedule().zone(), middle, 5, hourly.from());
            long window = hourly.window().toSeconds();
            long every = Duration.ofHours(hourly.every()).toSeconds();
            List<Instant> expected = new ArrayList<>();
            for (int i = 1; i < openings.size(); i++) {
                long open = Duration.between(openings.get(i - 1), openings.get(i)).toSeconds();
                for (long at = 0; at < window && at + every / 2 <= open; at += every) {
                    expected.add(openings.get(i - 1).plusSeconds(at));
                }
            }
            Instant from = each.around().minus(Duration.ofDays(2));
            Instant to = each.around().plus(Duration.ofDays(2));
            assertThat(each.slots().stream().map(Slot::due).filter(d -> isIn(d, from, to)))
                    .as(each.name())
                    .containsExactlyElementsOf(
                            expected.stream().filter(due -> isIn(due, from, to)).toList());
        }
    }

    /// The distinct ones of so many days before and after a date, in their order.
    private static List<Instant> openings(ZoneId zone, LocalDate date, int days, LocalTime from) {
        Set<Instant> openings = new TreeSet<>();
        for (int day = -days; day <= days; day++) {
            openings.add(first(zone, date.plusDays(day).atTime(from)));
        }
        return List.copyOf(openings);
    }
}
