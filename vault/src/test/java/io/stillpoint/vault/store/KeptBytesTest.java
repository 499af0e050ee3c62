package io.stillpoint.vault.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

final class KeptBytesTest {
    private static final int BOUND = 1000;

    private final KeptBytes<Integer, String> kept = new KeptBytes<>(BOUND);

    @Test
    void theLeastRecentlyUsedGoesFirst() {
        kept.put(1, "one", 400);
        kept.put(2, "two", 400);
        assertThat(kept.get(1)).isEqualTo("one");
        kept.put(3, "three", 400);
        assertThat(kept.get(2)).isNull();
        assertThat(kept.get(1)).isEqualTo("one");
        assertThat(kept.get(3)).isEqualTo("three");
        assertThat(kept.bytes()).isEqualTo(800);
    }

    @Test
    void whatIsPutAgainCountsOnce() {
        kept.put(1, "one", 400);
        kept.put(1, "another", 600);
        assertThat(kept.get(1)).isEqualTo("another");
        assertThat(kept.bytes()).isEqualTo(600);
    }

    @Test
    void whatIsTooLargeIsNotKeptAndDrivesNothingOut() {
        kept.put(1, "one", 400);
        kept.put(2, "huge", BOUND + 1);
        assertThat(kept.get(2)).isNull();
        assertThat(kept.get(1)).isEqualTo("one");
    }

    @Test
    void itNeverGrowsBeyondItsBound() {
        Random random = new Random(1);
        for (int i = 0; i < 10_000; i++) {
            kept.put(random.nextInt(300), "value", random.nextInt(BOUND));
            assertThat(kept.bytes()).isBetween(0L, (long) BOUND);
        }
        kept.clear();
        assertThat(kept.bytes()).isZero();
    }
}
