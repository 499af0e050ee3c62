package io.stillpoint.planning.queue;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.ByteSize;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Whether scratch space lasts.
final class AdmissionTest {
    private static final Instant NOW = Instant.parse("2026-01-05T00:00:00Z");

    private static Instant second(long count) {
        return count < 0 ? Instant.MAX : NOW.plusSeconds(count);
    }

    /// Written as `taken rate most until`, in bytes and seconds from now; -1: nobody knows until when.
    private static List<HeldScratch> held(String written) {
        return written.isBlank()
                ? List.of()
                : Arrays.stream(written.split(",")).map(AdmissionTest::one).toList();
    }

    private static HeldScratch one(String written) {
        List<Long> part = Arrays.stream(written.strip().split(" ")).map(Long::valueOf).toList();
        return new HeldScratch(
                new ByteSize(part.get(0)),
                new GuestWrites(part.get(1), new ByteSize(part.get(2))),
                second(part.get(3)));
    }

    private static Admission ask(Instant now, ScratchSpace space, HeldScratch wish) {
        return Admission.of(now, space, new Admission.Wish("web", wish.writes(), wish.until()));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                // free | held | wish | when to try again, 0 if it is admitted
                "100 | | 0 1 999 100 | 0",
                "99 | | 0 1 999 100 | 3600",
                // No more than its disks hold.
                "50 | | 0 9 50 100 | 0",
                "50 | | 0 9 50 -1 | 0",
                "49 | | 0 9 50 -1 | 3600",
                // What others may still take counts, and is given back at their end.
                "100 | 10 1 999 50 | 0 1 999 50 | 0",
                "100 | 10 1 999 51 | 0 1 999 51 | 51",
                "100 | 10 1 30 60 | 0 1 999 60 | 0",
                // It comes back in time: 100 - 2 * 40 before the release, then 20 + 50 - 60.
                "100 | 10 1 999 40 | 0 1 999 100 | 0",
                // Not in time.
                "60 | 90 1 999 40 | 0 1 999 100 | 40",
                // The second release is enough, the first is not.
                "10 | 5 0 0 40, 60 0 0 70 | 0 1 999 70 | 70",
                // One that should have been released already stays.
                "10 | 90 0 0 -0 | 0 1 999 20 | 3600",
                "10 | 90 0 0 -1 | 0 1 999 20 | 3600",
            })
    void admitsWhatLasts(long free, String held, String wish, long tryAgain) {
        ScratchSpace space =
                new ScratchSpace("h", new ByteSize(free), held(held == null ? "" : held));
        Admission answer = ask(NOW, space, one(wish));
        switch (answer) {
            case Admission.Admitted() -> assertThat(tryAgain).isZero();
            case Admission.Refused(_, Instant at) ->
                    assertThat(at).isEqualTo(NOW.plusSeconds(tryAgain)).isAfter(NOW);
        }
    }

    @Test
    void tellsWhy() {
        ScratchSpace space = new ScratchSpace("h", new ByteSize(2048), held("9000 1 9999 90"));
        assertThat(ask(NOW, space, one("0 40 99999 100")))
                .isInstanceOfSatisfying(
                        Admission.Refused.class,
                        each ->
                                assertThat(each.reason())
                                        .hasToString(
                                                "no snapshot of web is taken now: until its transfer has ended it is"
                                                        + " expected to take 3.91 KiB of the scratch space of host h, which"
                                                        + " has 2.00 KiB free; 1 other snapshots are held there and may"
                                                        + " take more. It is tried again when one of them is released."));
        space = new ScratchSpace("h", new ByteSize(2048), List.of());
        assertThat(ask(NOW, space, one("0 40 99999 100")))
                .isInstanceOfSatisfying(
                        Admission.Refused.class,
                        each -> assertThat(each.reason().code()).isEqualTo("queue.scratch-small"));
    }

    /// A host over some hours, second by second: snapshots are asked for at random, guests write as estimated at most, and
    /// snapshots end as forecast at the latest. However full it is, the space never runs out; and who comes back at the time
    /// that was told is admitted, unless somebody else was first.
    @Test
    void spaceNeverRunsOutAndTheToldTimeIsRight() {
        int admitted = 0;
        int cameBack = 0;
        for (int seed = 0; seed < 200; seed++) {
            Random random = new Random(seed);
            boolean slower = seed % 2 == 0;
            Host host = new Host(random.nextInt(500, 3000));
            HeldScratch refused = null;
            Instant back = Instant.MAX;
            for (int second = 0; second < 1500; second++) {
                Instant now = second(second);
                host.pass(now, slower ? random : null);
                assertThat(host.free).as("seed %d, second %d", seed, second).isNotNegative();
                if (refused != null && !slower && !now.isBefore(back)) {
                    HeldScratch again =
                            new HeldScratch(
                                    refused.taken(),
                                    refused.writes(),
                                    now.plus(Duration.between(refused.until(), NOW).negated()));
                    assertThat(ask(now, host.space(), again))
                            .as("seed %d, second %d", seed, second)
                            .isInstanceOf(Admission.Admitted.class);
                    host.held.add(again);
                    refused = null;
                    cameBack++;
                } else if (refused == null && random.nextInt(10) == 0) {
                    HeldScratch wish = wish(random, second);
                    switch (ask(now, host.space(), wish)) {
                        case Admission.Admitted() -> {
                            host.held.add(wish);
                            admitted++;
                        }
                        case Admission.Refused(_, Instant at) -> {
                            if (!host.held.isEmpty() && host.lasts(at)) {
                                // Nobody else comes until then. Its length is kept as distance from
                                // NOW.
                                refused =
                                        new HeldScratch(
                                                wish.taken(),
                                                wish.writes(),
                                                NOW.plus(Duration.between(now, wish.until())));
                                back = at;
                            }
                        }
                    }
                }
            }
        }
        assertThat(admitted).isGreaterThan(1000);
        assertThat(cameBack).isGreaterThan(200);
    }

    private static HeldScratch wish(Random random, int second) {
        return new HeldScratch(
                new ByteSize(0),
                new GuestWrites(random.nextInt(10), new ByteSize(random.nextInt(1, 800))),
                second(second + random.nextInt(1, 300)));
    }

    /// The truth about a host's scratch space.
    private static final class Host {
        private long free;
        private List<HeldScratch> held = new ArrayList<>();

        Host(long free) {
            this.free = free;
        }

        ScratchSpace space() {
            return new ScratchSpace("h", new ByteSize(free), held);
        }

        /// A time at which something is released, not the hour for when nothing helps.
        boolean lasts(Instant at) {
            return held.stream().anyMatch(each -> each.until().equals(at));
        }

        /// One second passes.
        ///
        /// @param random draws how much less guests write; null if they write as estimated
        void pass(Instant now, @Nullable Random random) {
            List<HeldScratch> stay = new ArrayList<>();
            for (HeldScratch each : held) {
                long grown = each.grown(now.minusSeconds(1), now);
                long real = random == null ? grown : random.nextLong(grown + 1);
                free -= real;
                assertThat(free).isNotNegative();
                HeldScratch after =
                        new HeldScratch(
                                new ByteSize(each.taken().bytes() + real),
                                each.writes(),
                                each.until());
                boolean early = random != null && random.nextInt(200) == 0;
                if (early || !after.until().isAfter(now)) {
                    free += after.taken().bytes();
                } else {
                    stay.add(after);
                }
            }
            held = stay;
        }
    }

    @Test
    void moreSpaceOrFewerWritesNeverRefuse() {
        for (int seed = 0; seed < 500; seed++) {
            Random random = new Random(seed);
            List<HeldScratch> held = new ArrayList<>();
            for (int i = random.nextInt(8); i > 0; i--) {
                held.add(wish(random, 0));
            }
            HeldScratch wish = wish(random, 0);
            long free = random.nextInt(2000);
            boolean before = admitted(free, held, wish);
            boolean more = admitted(free + random.nextInt(500), held, wish);
            HeldScratch less =
                    new HeldScratch(
                            wish.taken(),
                            new GuestWrites(
                                    random.nextLong(wish.writes().bytesPerSecond() + 1),
                                    wish.writes().most()),
                            wish.until());
            assertThat(more || !before).as("seed %d", seed).isTrue();
            assertThat(admitted(free, held, less) || !before).as("seed %d", seed).isTrue();
        }
    }

    private static boolean admitted(long free, List<HeldScratch> held, HeldScratch wish) {
        return ask(NOW, new ScratchSpace("h", new ByteSize(free), held), wish)
                instanceof Admission.Admitted;
    }
}
