package io.stillpoint.planning.queue;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.ByteSize;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// What holds for any transfers and limits: seeded instances, each named by its seed.
final class TransferQueuePropertyTest {
    /// In the night in which Berlin's clocks go back.
    private static final Instant NOW = Instant.parse("2026-10-24T18:00:00Z");

    private static final LimitsByTime FREE = LimitsByTime.always(LimitsByTime.UNLIMITED);

    private static TransferLimits totalOf(long limit) {
        return new TransferLimits(
                LimitsByTime.always(limit),
                TransferLimits.Each.of(FREE),
                TransferLimits.Each.of(FREE));
    }

    private static LimitsByTime limit(Random random, int least, int most, int unit) {
        List<LimitsByTime.Limit> windows = new ArrayList<>();
        for (int i = random.nextInt(3); i > 0; i--) {
            windows.add(
                    new LimitsByTime.Limit(
                            window(random), (long) unit * random.nextInt(least, most + 1)));
        }
        return new LimitsByTime(
                ZoneId.of("Europe/Berlin"), (long) unit * random.nextInt(1, most + 1), windows);
    }

    private static TimeWindow window(Random random) {
        return new TimeWindow(
                LocalTime.of(random.nextInt(24), random.nextInt(60)),
                LocalTime.of(random.nextInt(24), 30));
    }

    private static TransferLimits limits(Random random, int least) {
        return new TransferLimits(
                limit(random, least, 5, 1),
                new TransferLimits.Each(
                        limit(random, least, 3, 1), Map.of("h1", limit(random, least, 4, 1))),
                new TransferLimits.Each(
                        limit(random, least, 3, 1), Map.of("s1", limit(random, least, 4, 1))));
    }

    private static Transfer transfer(Random random, int id, TransferRules rules) {
        return new Transfer(
                "t" + id,
                new Route("h" + random.nextInt(4), "s" + random.nextInt(3)),
                NOW.plus(Duration.ofMinutes(random.nextInt(-60, 3000))),
                new Estimate(
                        new ByteSize(random.nextInt(1, 400) * 60_000L * 6),
                        1000L * random.nextInt(1, 7)),
                rules);
    }

    private static List<Transfer> transfers(
            Random random, int count, Function<Random, TransferRules> rules) {
        return IntStream.range(0, count)
                .mapToObj(id -> transfer(random, id, rules.apply(random)))
                .toList();
    }

    private static TransferRules slowed(Random random) {
        return new TransferRules(limit(random, 1, 5, 1000), PeakWindows.NONE);
    }

    private static TransferRules peaked(Random random) {
        LocalTime from = LocalTime.of(random.nextInt(24), random.nextInt(60));
        TimeWindow window = new TimeWindow(from, from.plusMinutes(random.nextInt(1, 12 * 60)));
        return new TransferRules(
                FREE,
                random.nextInt(3) == 0
                        ? PeakWindows.NONE
                        : new PeakWindows(ZoneId.of("Europe/Berlin"), List.of(window)));
    }

    private static Map<String, Replay.Run> replay(TransferLimits limits, List<Transfer> all) {
        return Replay.of(limits, all.stream().map(each -> new Replay.Arrival(NOW, each)).toList());
    }

    /// Under one limit, of transfers of one length that are all there, as many are in time as in the best order of all; if
    /// some order meets all deadlines, this one does.
    @Test
    void noOrderMeetsMoreDeadlinesOfEqualTransfers() {
        int allMet = 0;
        for (int seed = 0; seed < 400; seed++) {
            Random random = new Random(seed);
            int count = random.nextInt(1, 8);
            int places = random.nextInt(1, 4);
            Estimate estimate = new Estimate(new ByteSize(600_000), 1000);
            List<Transfer> all =
                    IntStream.range(0, count)
                            .mapToObj(id ->
                                    new Transfer(
                                            "t" + id,
                                            new Route("h", "s"),
                                            NOW.plus(
                                                    Duration.ofMinutes(
                                                            random.nextInt(5, 12 * count))),
                                            estimate,
                                            TransferRules.NONE))
                            .toList();
            long met =
                    replay(totalOf(places), all).values().stream()
                            .filter(each -> !each.misses())
                            .count();
            int best = mostInTime(all, places);
            assertThat(met).as("seed %d: %s", seed, all).isEqualTo(best);
            allMet += best == count ? 1 : 0;
        }
        assertThat(allMet).as("instances in which all can be met").isBetween(50, 350);
    }

    /// Tries all orders.
    private static int mostInTime(List<Transfer> all, int places) {
        return mostInTime(new ArrayList<>(all), 0, places);
    }

    private static int mostInTime(List<Transfer> order, int fixed, int places) {
        if (fixed == order.size()) {
            int met = 0;
            for (int i = 0; i < fixed; i++) {
                Instant end = NOW.plus(Duration.ofMinutes(10L * (i / places + 1)));
                met += end.isAfter(order.get(i).deadline()) ? 0 : 1;
            }
            return met;
        }
        int best = 0;
        for (int i = fixed; i < order.size() && best < order.size(); i++) {
            Collections.swap(order, fixed, i);
            best = Math.max(best, mostInTime(order, fixed + 1, places));
            Collections.swap(order, fixed, i);
        }
        return best;
    }

    @Test
    void forecastsComeTrueIfRatesStayAndNothingComes() {
        for (int seed = 0; seed < 300; seed++) {
            Random random = new Random(seed);
            TransferLimits limits = limits(random, 0);
            List<Transfer> all =
                    transfers(random, random.nextInt(1, 40), TransferQueuePropertyTest::slowed);
            Plan plan = new TransferQueue(limits).plan(NOW, all, List.of());
            Map<String, Replay.Run> runs = replay(limits, all);
            for (Forecast each : plan.forecasts()) {
                Replay.Run run = runs.get(each.transfer().id());
                if (run == null) {
                    // Limits of 0 all day.
                    assertThat(each.begin())
                            .as("seed %d, %s", seed, each)
                            .isAfterOrEqualTo(Replay.lastOf(NOW));
                    continue;
                }
                assertThat(each.begin()).as("seed %d, %s", seed, each).isEqualTo(run.begin());
                assertThat(each.end()).as("seed %d, %s", seed, each).isEqualTo(run.end());
            }
        }
    }

    @Test
    void noLimitIsExceededAndNoPlaceIsWasted() {
        for (int seed = 0; seed < 300; seed++) {
            Random random = new Random(seed);
            TransferLimits limits = limits(random, 1);
            List<Replay.Arrival> arrivals =
                    transfers(random, random.nextInt(1, 40), TransferQueuePropertyTest::peaked)
                            .stream()
                            .map(each ->
                                    new Replay.Arrival(
                                            NOW.plus(Duration.ofMinutes(random.nextInt(900))),
                                            each))
                            .toList();
            List<Replay.Run> runs = List.copyOf(Replay.of(limits, arrivals).values());
            assertThat(runs).as("seed %d: each begins", seed).hasSameSizeAs(arrivals);
            Map<String, Instant> came = new HashMap<>();
            arrivals.forEach(each -> came.put(each.transfer().id(), each.at()));
            for (Replay.Run each : runs) {
                assertThat(room(limits, runs, each, each.begin()))
                        .as("seed %d: limits when %s begins", seed, each)
                        .isNotNegative();
                idle(limits, runs, each, came, seed);
            }
        }
    }

    /// While it waited outside of a peak there was no room for it, at any moment at which something ended.
    private static void idle(
            TransferLimits limits,
            List<Replay.Run> runs,
            Replay.Run run,
            Map<String, Instant> came,
            int seed) {
        Instant from = came.get(run.transfer().id());
        for (Replay.Run other : runs) {
            Instant at = other.end();
            if (from != null && !at.isBefore(from) && at.isBefore(run.begin())) {
                boolean free =
                        !run.transfer().rules().peak().at(at) && room(limits, runs, run, at) > 0;
                assertThat(free).as("seed %d: room for %s at %s", seed, run, at).isFalse();
            }
        }
    }

    /// How many more may run at this instant on the way of this one, itself included if it runs.
    private static long room(
            TransferLimits limits, List<Replay.Run> runs, Replay.Run run, Instant at) {
        Route route = run.transfer().route();
        long[] room = {
            limits.total().at(at),
            limits.hosts().of(route.host()).at(at),
            limits.stores().of(route.store()).at(at)
        };
        for (Replay.Run each : runs) {
            if (!each.begin().isAfter(at) && each.end().isAfter(at)) {
                room[0]--;
                room[1] -= each.transfer().route().host().equals(route.host()) ? 1 : 0;
                room[2] -= each.transfer().route().store().equals(route.store()) ? 1 : 0;
            }
        }
        return Arrays.stream(room).min().orElseThrow();
    }

    @Test
    void nothingBeginsInAPeakThatHasTime() {
        for (int seed = 0; seed < 200; seed++) {
            Random random = new Random(seed);
            List<Transfer> all =
                    transfers(random, 20, TransferQueuePropertyTest::peaked).stream()
                            .map(each ->
                                    new Transfer(
                                            each.id(),
                                            each.route(),
                                            NOW.plus(Duration.ofDays(29)),
                                            each.estimate(),
                                            each.rules()))
                            .toList();
            for (Replay.Run each : replay(limits(random, 1), all).values()) {
                assertThat(each.transfer().rules().peak().at(each.begin()))
                        .as("seed %d, %s", seed, each)
                        .isFalse();
            }
        }
    }

    @Test
    void sameQuestionInAnyOrderHasTheSameAnswer() {
        for (int seed = 0; seed < 100; seed++) {
            Random random = new Random(seed);
            TransferQueue queue = new TransferQueue(limits(random, 0));
            List<Transfer> all =
                    new ArrayList<>(transfers(random, 40, TransferQueuePropertyTest::peaked));
            List<Transfer> running = List.copyOf(all.subList(0, 4));
            List<Transfer> waiting = all.subList(4, all.size());
            Plan plan = queue.plan(NOW, waiting, running);
            List<Transfer> shuffled = new ArrayList<>(waiting);
            Collections.shuffle(shuffled, random);
            Plan again = queue.plan(NOW, shuffled, running.reversed());
            assertThat(again.begin()).as("seed %d", seed).isEqualTo(plan.begin());
            assertThat(again.forecasts())
                    .as("seed %d", seed)
                    .containsExactlyInAnyOrderElementsOf(plan.forecasts());
            assertThat(again.askAgain()).isEqualTo(plan.askAgain());
        }
    }

    /// One place, always something urgent that comes: twice the work that there is time for. What was there first begins
    /// nevertheless, within its deadline and the step back of a day.
    @Test
    void nobodyWaitsForEver() {
        List<Replay.Arrival> arrivals = new ArrayList<>();
        Estimate hour = new Estimate(new ByteSize(3_600_000), 1000);
        for (int id = 0; id < 200; id++) {
            Instant at = NOW.plus(Duration.ofMinutes(30L * id));
            arrivals.add(
                    new Replay.Arrival(
                            at,
                            new Transfer(
                                    "t" + id,
                                    new Route("h", "s"),
                                    at.plus(Duration.ofHours(24)),
                                    hour,
                                    TransferRules.NONE)));
        }
        Map<String, Replay.Run> runs = Replay.of(totalOf(1), arrivals);
        assertThat(runs).hasSize(200);
        for (int id = 0; id < 90; id++) {
            Replay.Run run = Objects.requireNonNull(runs.get("t" + id));
            // All that comes less than two days after it may pass it, no more: 96 hours of work.
            assertThat(run.begin())
                    .isBefore(NOW.plus(Duration.ofMinutes(30L * id + (48 + 96) * 60)));
        }
    }

    /// Ten thousand transfers are planned in well under a second, whatever stops them.
    @Test
    void isFastWithManyTransfers() {
        Random random = new Random(1);
        TransferRules[] rules =
                IntStream.range(0, 20).mapToObj(_ -> peaked(random)).toArray(TransferRules[]::new);
        List<Transfer> all =
                IntStream.range(0, 10_000)
                        .mapToObj(id ->
                                new Transfer(
                                        "t" + id,
                                        new Route(
                                                "h" + random.nextInt(300), "s" + random.nextInt(6)),
                                        NOW.plus(Duration.ofMinutes(random.nextInt(60, 3000))),
                                        new Estimate(
                                                new ByteSize(random.nextInt(1, 1 << 30)), 1 << 20),
                                        rules[random.nextInt(rules.length)]))
                        .toList();
        TransferLimits limits =
                new TransferLimits(
                        LimitsByTime.always(60),
                        TransferLimits.Each.of(LimitsByTime.always(2)),
                        TransferLimits.Each.of(LimitsByTime.always(12)));
        TransferQueue queue = new TransferQueue(limits);
        long begin = System.nanoTime();
        Plan plan = queue.plan(NOW, all, List.of());
        long took = (System.nanoTime() - begin) / 1_000_000;
        assertThat(plan.forecasts()).hasSize(10_000);
        System.out.printf("10,000 transfers planned in %d ms, cold%n", took);
        assertThat(took).as("milliseconds, cold").isLessThan(5_000);
    }
}
