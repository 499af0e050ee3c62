package io.stillpoint.planning.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.text.Text;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Small cases, each of which can be followed by hand. Transfers are written as `id host store minutes deadline`, the
/// deadline in minutes from now; a byte takes a millisecond.
final class TransferQueueTest {
    private static final Instant NOW = Instant.parse("2026-01-05T00:00:00Z");
    private static final LimitsByTime FREE = LimitsByTime.always(LimitsByTime.UNLIMITED);

    private static Transfer transfer(String written, TransferRules rules) {
        List<String> part = List.of(written.strip().split(" "));
        return new Transfer(
                part.get(0),
                new Route(part.get(1), part.get(2)),
                minutes(Long.parseLong(part.get(4))),
                new Estimate(new ByteSize(Long.parseLong(part.get(3)) * 60_000), 1000),
                rules);
    }

    private static List<Transfer> transfers(String written) {
        if (written.isBlank()) {
            return List.of();
        }
        return List.of(written.split(",")).stream()
                .map(each -> transfer(each, TransferRules.NONE))
                .toList();
    }

    private static Instant minutes(long count) {
        return NOW.plus(Duration.ofMinutes(count));
    }

    private static TransferLimits limits(long total, long host, long store) {
        return new TransferLimits(
                LimitsByTime.always(total),
                TransferLimits.Each.of(LimitsByTime.always(host)),
                TransferLimits.Each.of(LimitsByTime.always(store)));
    }

    private static LimitsByTime window(String from, String to, long inside, long outside) {
        return new LimitsByTime(
                ZoneOffset.UTC,
                outside,
                List.of(
                        new LimitsByTime.Limit(
                                new TimeWindow(LocalTime.parse(from), LocalTime.parse(to)),
                                inside)));
    }

    private static TransferRules peak(String from, String to) {
        return new TransferRules(
                FREE,
                new PeakWindows(
                        ZoneId.of("UTC"),
                        List.of(new TimeWindow(LocalTime.parse(from), LocalTime.parse(to)))));
    }

    /// As `a 0 10, b 10 20 late`: begin and end in minutes.
    private static String shown(Plan plan) {
        List<String> parts = new ArrayList<>();
        for (Forecast each : plan.forecasts()) {
            parts.add(
                    each.transfer().id()
                            + " "
                            + minute(each.begin())
                            + " "
                            + minute(each.end())
                            + (each.misses() ? " late" : ""));
        }
        return String.join(", ", parts);
    }

    private static String minute(Instant instant) {
        return instant.equals(Instant.MAX)
                ? "never"
                : Long.toString(Duration.between(NOW, instant).toMinutes());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                // Earliest deadline first, and by name where they are equal.
                "1 9 9 | a h s 10 50, b h s 10 40, c h s 10 40 | | a 20 30, b 0 10, c 10 20",
                // What a host's limit stops does not stop those behind it.
                "2 1 9 | a h s 10 40, b h s 10 50, c g s 10 60 | | a 0 10, b 10 20, c 0 10",
                // The same for a store.
                "2 9 1 | a h s 10 40, b g s 10 50, c g t 10 60 | | a 0 10, b 10 20, c 0 10",
                // Freed by host and store at once, taken by the earliest of both.
                "9 1 1 | a h s 10 90, b h t 10 50, c g s 10 60 | r h s 5 99 | r 0 5, a 15 25, b 5 15, c 5 15",
                // What runs counts, even above the limit.
                "1 9 9 | a h s 10 50 | r h s 5 99, q h s 7 99 | r 0 5, q 0 7, a 7 17",
                // One that can't meet its deadline steps back behind those of a day later.
                "1 9 9 | a h s 10 5, b h s 10 20, c h s 10 1446 | | a 10 20 late, b 0 10, c 20 30",
                // Found only when its turn comes: not begun in vain before others.
                "1 9 9 | a h s 10 15, b h s 10 16, c h s 10 20 | | a 0 10, b 20 30 late, c 10 20",
                // A second time it does not step back: else it would never begin.
                "1 9 9 | a h s 10 -1500, b h s 10 30 | | a 0 10 late, b 10 20",
                // No limit lets it begin.
                "1 0 9 | a h s 10 30 | | a never never late",
                "0 9 9 | a h s 10 30 | r g s 5 99 | r 0 5, a never never late",
            })
    void beginsAndEnds(String limit, String waiting, String running, String expected) {
        List<Long> of = List.of(limit.split(" ")).stream().map(Long::valueOf).toList();
        Plan plan =
                new TransferQueue(limits(of.get(0), of.get(1), of.get(2)))
                        .plan(NOW, transfers(waiting), transfers(running == null ? "" : running));
        assertThat(shown(plan)).isEqualTo(expected);
        assertThat(plan.begin().stream().map(Transfer::id))
                .containsExactlyInAnyOrderElementsOf(
                        plan.forecasts().stream()
                                .filter(each -> each.begin().equals(NOW))
                                .map(each -> each.transfer().id())
                                .filter(id -> waiting.contains(id + " "))
                                .toList());
    }

    @Test
    void limitsByTimeOfDayOpenAndClose() {
        TransferLimits limits =
                new TransferLimits(
                        window("00:00", "01:00", 1, 2),
                        new TransferLimits.Each(FREE, Map.of("h", window("00:00", "02:00", 0, 9))),
                        TransferLimits.Each.of(FREE));
        Plan plan =
                new TransferQueue(limits)
                        .plan(
                                NOW,
                                transfers("a g s 90 999, b g s 90 999, c h s 10 200"),
                                List.of());
        // One until 01:00, two from then on; host h only from 02:00 on.
        assertThat(shown(plan)).isEqualTo("a 0 90, b 60 150, c 120 130");
        assertThat(plan.askAgain()).isEqualTo(minutes(60));
    }

    @Test
    void nothingBeginsInItsPeakUnlessItWouldBeLate() {
        TransferQueue queue = new TransferQueue(limits(9, 9, 9));
        Transfer patient = transfer("a h s 60 1000", peak("00:00", "10:00"));
        Transfer tight = transfer("b h s 60 650", peak("00:00", "10:00"));
        Transfer other = transfer("c h s 60 2000", TransferRules.NONE);
        Plan plan = queue.plan(NOW, List.of(patient, tight, other), List.of());
        // b would end at 660 if it waited.
        assertThat(shown(plan)).isEqualTo("a 600 660, b 0 60, c 0 60");
        assertThat(plan.askAgain()).isEqualTo(minutes(60));
        assertThat(plan.forecasts().getFirst().waitsFor())
                .isEqualTo(Text.of(Gate.class, "queue.peak", minutes(600)));
        assertThat(plan.forecasts().getLast().waitsFor().isEmpty()).isTrue();
        // Not late, but a quarter of its length must be left.
        Transfer near = transfer("d h s 60 670", peak("00:00", "10:00"));
        assertThat(queue.plan(NOW, List.of(near), List.of()).begin()).containsExactly(near);
        // One that runs goes on.
        assertThat(shown(queue.plan(NOW, List.of(), List.of(patient)))).isEqualTo("a 0 60");
    }

    /// Alone it could wait for the end of the peak; with what waits before it, it can't.
    @Test
    void whoWouldBeLateBehindOthersBeginsInThePeak() {
        Transfer first = transfer("a h s 60 690", peak("00:00", "10:00"));
        Transfer second = transfer("b h s 60 700", peak("00:00", "10:00"));
        Plan plan = new TransferQueue(limits(1, 9, 9)).plan(NOW, List.of(first, second), List.of());
        assertThat(shown(plan)).isEqualTo("a 600 660, b 0 60");
    }

    @Test
    void peakWithoutEndStopsNobodyForEver() {
        Transfer always = transfer("a h s 60 700", peak("00:00", "00:00"));
        Plan plan = new TransferQueue(limits(1, 9, 9)).plan(NOW, List.of(always), List.of());
        assertThat(plan.begin()).containsExactly(always);
    }

    @Test
    void bandwidthByTimeOfDayMakesForecastsLonger() {
        TransferRules slow =
                new TransferRules(window("01:00", "02:00", 500, 2000), PeakWindows.NONE);
        Transfer transfer = transfer("a h s 100 999", slow);
        // 60 minutes at full rate, 60 at half, 10 at full.
        Plan plan = new TransferQueue(limits(1, 1, 1)).plan(NOW, List.of(transfer), List.of());
        assertThat(shown(plan)).isEqualTo("a 0 130");
        // The bandwidth has to be set anew.
        assertThat(plan.askAgain()).isEqualTo(minutes(60));
    }

    @Test
    void tellsWhatEachWaitsFor() {
        Plan plan =
                new TransferQueue(limits(3, 2, 2))
                        .plan(
                                NOW,
                                transfers("a h s 9 99, b i s 9 98, c h t 9 97, d i t 9 96"),
                                transfers("r h s 9 99, q h t 9 99, p i s 9 99"));
        assertThat(plan.begin()).isEmpty();
        assertThat(plan.forecasts().getLast().waitsFor())
                .hasToString("3 transfers run, as many as the limit allows at this time");
        plan =
                new TransferQueue(limits(9, 2, 2))
                        .plan(
                                NOW,
                                transfers("a h u 9 99, b i s 9 98"),
                                transfers("r h s 9 99, q h t 9 99, p i s 9 99"));
        assertThat(plan.forecasts().get(3).waitsFor())
                .hasToString(
                        "host h has 2 transfers running, as many as its limit allows at this time");
        assertThat(plan.forecasts().get(4).waitsFor())
                .hasToString(
                        "2 transfers to store s are running, as many as its limit allows at this time");
    }

    @Test
    void asksToBeAskedWhenSomeoneIsAboutToBeLate() {
        Plan plan =
                new TransferQueue(limits(1, 9, 9))
                        .plan(NOW, transfers("a h s 10 40"), transfers("r h s 60 99"));
        assertThat(plan.askAgain()).isEqualTo(minutes(30).plusMillis(1));
        assertThat(plan.forecasts().getLast().misses()).isTrue();
    }

    @Test
    void nothingToDoNeverAsks() {
        Plan plan = new TransferQueue(limits(1, 1, 1)).plan(NOW, List.of(), List.of());
        assertThat(plan.askAgain()).isEqualTo(Instant.MAX);
        assertThat(plan.forecasts()).isEmpty();
    }

    @Test
    void refusesTwoOfOneId() {
        TransferQueue queue = new TransferQueue(limits(1, 1, 1));
        List<Transfer> one = transfers("a h s 1 9");
        assertThatIllegalArgumentException().isThrownBy(() -> queue.plan(NOW, one, one));
    }
}
