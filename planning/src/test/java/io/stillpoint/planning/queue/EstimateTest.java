package io.stillpoint.planning.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.stillpoint.platform.ByteSize;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/// What is expected of transfers and guests, from earlier ones.
final class EstimateTest {
    private static final ByteSize LEFT = new ByteSize(1000);

    private static Estimate.Earlier earlier(long moved, long seconds) {
        return new Estimate.Earlier(new ByteSize(moved), Duration.ofSeconds(seconds));
    }

    @Test
    void firstTransferGoesAtTheDefaultRate() {
        assertThat(Estimate.waiting(LEFT, List.of(), 7)).isEqualTo(new Estimate(LEFT, 7));
        assertThat(Estimate.waiting(LEFT, List.of(earlier(0, 3)), 7).bytesPerSecond()).isEqualTo(7);
        assertThat(Estimate.expected(LEFT, List.of())).isEqualTo(LEFT);
    }

    @Test
    void laterOnesGoAsTheLatestDid() {
        // Large ones weigh more, and a sixth does not count.
        List<Estimate.Earlier> all =
                List.of(
                        earlier(100, 1),
                        earlier(800, 3),
                        earlier(0, 1),
                        earlier(50, 2),
                        earlier(50, 3),
                        earlier(1_000_000, 1));
        assertThat(Estimate.waiting(LEFT, all, 7).bytesPerSecond()).isEqualTo(100);
        assertThat(Estimate.expected(LEFT, all)).isEqualTo(new ByteSize(800));
    }

    @Test
    void whatIsMeasuredOutweighsTheEstimate() {
        Estimate before = new Estimate(LEFT, 100);
        assertThat(rateAfter(before, 0, 0)).isEqualTo(100);
        assertThat(rateAfter(before, 30 * 300, 30)).isEqualTo(200);
        assertThat(rateAfter(before, 3000 * 300, 3000)).isEqualTo(298);
        // It stalls.
        assertThat(rateAfter(before, 0, 30)).isEqualTo(50);
        assertThat(rateAfter(before, 0, 1_000_000)).isEqualTo(1);
    }

    private static long rateAfter(Estimate before, long moved, long seconds) {
        return before.running(LEFT, new ByteSize(moved), Duration.ofSeconds(seconds))
                .bytesPerSecond();
    }

    @Test
    void guestsWriteAsTheFastestOfLateAndAQuarterMore() {
        ByteSize most = new ByteSize(1 << 30);
        assertThat(GuestWrites.of(List.of(), most))
                .isEqualTo(new GuestWrites(GuestWrites.FIRST, most));
        List<GuestWrites.Earlier> earlier =
                List.of(
                        new GuestWrites.Earlier(new ByteSize(100), Duration.ofSeconds(10)),
                        new GuestWrites.Earlier(new ByteSize(400), Duration.ofSeconds(10)),
                        new GuestWrites.Earlier(new ByteSize(400), Duration.ZERO));
        assertThat(GuestWrites.of(earlier, most)).isEqualTo(new GuestWrites(50, most));
    }

    @Test
    void refusesRatesThatAreNone() {
        assertThatIllegalArgumentException().isThrownBy(() -> new Estimate(LEFT, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> new GuestWrites(-1, LEFT));
    }
}
