package io.stillpoint.planning.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.aggregator.ArgumentsAccessor;
import org.junit.jupiter.params.provider.CsvSource;

/// Limits follow the clock on the wall, whatever daylight saving does to it.
final class LimitsByTimeTest {
    private static LimitsByTime limits(String zone, String from, String to) {
        return new LimitsByTime(
                ZoneId.of(zone), 9, List.of(new LimitsByTime.Limit(window(from, to), 1)));
    }

    private static TimeWindow window(String from, String to) {
        return new TimeWindow(LocalTime.parse(from), LocalTime.parse(to));
    }

    /// On days whose clock leaps ahead or back, in both hemispheres, at midnight, by half an hour, and by a whole day.
    @ParameterizedTest
    @CsvSource({
        "UTC, 08:00, 18:00, 2026-01-01T07:59:59Z, 9, 2026-01-01T08:00:00Z",
        "UTC, 08:00, 18:00, 2026-01-01T08:00:00Z, 1, 2026-01-01T18:00:00Z",
        "UTC, 22:00, 06:00, 2026-01-01T23:00:00Z, 1, 2026-01-02T06:00:00Z",
        "UTC, 22:00, 06:00, 2026-01-01T05:00:00Z, 1, 2026-01-01T06:00:00Z",
        // Leaps from 02:00 to 03:00: one hour is left of two.
        "Europe/Berlin, 02:00, 04:00, 2026-03-29T00:59:59Z, 9, 2026-03-29T01:00:00Z",
        "Europe/Berlin, 02:00, 04:00, 2026-03-29T01:00:00Z, 1, 2026-03-29T02:00:00Z",
        // Leapt over: nothing is left.
        "Europe/Berlin, 02:15, 02:45, 2026-03-28T20:00:00Z, 9, 2026-03-30T00:15:00Z",
        // Begins in the leap.
        "Europe/Berlin, 02:30, 04:00, 2026-03-29T00:00:00Z, 9, 2026-03-29T01:00:00Z",
        // Goes back from 03:00 to 02:00: three hours instead of two.
        "Europe/Berlin, 02:00, 04:00, 2026-10-25T00:00:00Z, 1, 2026-10-25T03:00:00Z",
        // Shown twice: twice open.
        "Europe/Berlin, 02:15, 02:45, 2026-10-25T00:15:00Z, 1, 2026-10-25T00:45:00Z",
        "Europe/Berlin, 02:15, 02:45, 2026-10-25T00:45:00Z, 9, 2026-10-25T01:15:00Z",
        "Australia/Sydney, 02:00, 04:00, 2026-10-03T15:00:00Z, 9, 2026-10-03T16:00:00Z",
        "Australia/Sydney, 02:00, 04:00, 2026-10-03T16:00:00Z, 1, 2026-10-03T17:00:00Z",
        "Australia/Sydney, 02:00, 04:00, 2026-04-04T15:00:00Z, 1, 2026-04-04T18:00:00Z",
        "Australia/Lord_Howe, 01:45, 03:00, 2026-04-04T14:45:00Z, 1, 2026-04-04T15:00:00Z",
        "America/Havana, 23:00, 00:30, 2026-03-08T04:00:00Z, 1, 2026-03-08T05:00:00Z",
        "Pacific/Apia, 08:00, 09:00, 2011-12-29T19:00:00Z, 9, 2011-12-30T18:00:00Z",
    })
    void limitAndItsNextChange(ArgumentsAccessor row) {
        LimitsByTime limits = limits(text(row, 0), text(row, 1), text(row, 2));
        Instant at = Instant.parse(text(row, 3));
        assertThat(limits.at(at)).isEqualTo(Long.parseLong(text(row, 4)));
        assertThat(limits.nextChange(at)).isEqualTo(Instant.parse(text(row, 5)));
    }

    private static String text(ArgumentsAccessor row, int column) {
        return Objects.requireNonNull(row.getString(column));
    }

    @Test
    void wholeDayNeverChanges() {
        LimitsByTime limits = limits("Europe/Berlin", "00:00", "00:00");
        assertThat(limits.at(Instant.EPOCH)).isEqualTo(1);
        assertThat(limits.nextChange(Instant.EPOCH)).isEqualTo(Instant.MAX);
        assertThat(LimitsByTime.always(3).nextChange(Instant.EPOCH)).isEqualTo(Instant.MAX);
    }

    @Test
    void lowestOfOverlappingWindowsCounts() {
        LimitsByTime limits =
                new LimitsByTime(
                        ZoneId.of("UTC"),
                        1,
                        List.of(
                                new LimitsByTime.Limit(window("08:00", "18:00"), 5),
                                new LimitsByTime.Limit(window("10:00", "12:00"), 7),
                                new LimitsByTime.Limit(window("11:00", "13:00"), 3)));
        assertThat(limits.at(Instant.parse("2026-01-01T10:30:00Z"))).isEqualTo(5);
        assertThat(limits.at(Instant.parse("2026-01-01T12:30:00Z"))).isEqualTo(3);
        // A window may raise what is otherwise allowed.
        assertThat(limits.at(Instant.parse("2026-01-01T07:00:00Z"))).isEqualTo(1);
        assertThat(limits.nextChange(Instant.parse("2026-01-01T08:00:00Z")))
                .isEqualTo(Instant.parse("2026-01-01T11:00:00Z"));
    }

    @Test
    void refusesWhatIsNoLimit() {
        assertThatIllegalArgumentException().isThrownBy(() -> LimitsByTime.always(-1));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new TransferRules(LimitsByTime.always(0), PeakWindows.NONE));
    }

    /// Against a look at every quarter of an hour around the leaps of a year.
    @Test
    void nextChangeIsTheFirstMomentWithAnotherLimit() {
        Random random = new Random(7);
        List<String> zones =
                List.of(
                        "Europe/Berlin",
                        "Australia/Sydney",
                        "Australia/Lord_Howe",
                        "America/Havana",
                        "America/Santiago",
                        "Asia/Kathmandu",
                        "Africa/Casablanca");
        for (int i = 0; i < 300; i++) {
            ZoneId zone = ZoneId.of(zones.get(random.nextInt(zones.size())));
            List<LimitsByTime.Limit> windows = new ArrayList<>();
            for (int k = random.nextInt(4); k >= 0; k--) {
                windows.add(
                        new LimitsByTime.Limit(
                                new TimeWindow(quarter(random), quarter(random)),
                                random.nextInt(3)));
            }
            LimitsByTime limits = new LimitsByTime(zone, 5, windows);
            Instant leap =
                    zone.getRules().nextTransition(Instant.parse("2026-01-01T00:00:00Z")) == null
                            ? Instant.parse("2026-06-01T00:00:00Z")
                            : zone.getRules()
                                    .nextTransition(Instant.parse("2026-01-01T00:00:00Z"))
                                    .getInstant();
            Instant from = leap.minus(Duration.ofMinutes(15L * random.nextInt(200)));
            Instant expected = Instant.MAX;
            for (int step = 1; step <= 4 * 24 * 3; step++) {
                Instant at = from.plus(Duration.ofMinutes(15L * step));
                if (limits.at(at) != limits.at(from)) {
                    expected = at;
                    break;
                }
            }
            assertThat(limits.nextChange(from)).as("%s from %s", limits, from).isEqualTo(expected);
        }
    }

    private static LocalTime quarter(Random random) {
        return LocalTime.of(random.nextInt(24), 15 * random.nextInt(4));
    }
}
