package io.stillpoint.vault;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.vault.point.Clocks;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/// Neither clock is trusted alone, whichever of them leaps.
final class ClocksTest {
    private static final Instant TRUE = Instant.parse("2026-11-27T02:00:00Z");
    private static final Duration LEAP = Duration.ofDays(60);

    @Test
    void aLeapOfEitherClockAheadLetsNothingBeDeletedEarlier() {
        assertThat(new Clocks(TRUE, TRUE.plus(LEAP)).earlier()).isEqualTo(TRUE);
        assertThat(new Clocks(TRUE.plus(LEAP), TRUE).earlier()).isEqualTo(TRUE);
    }

    @Test
    void aLeapOfEitherClockBackShortensNoPromise() {
        assertThat(new Clocks(TRUE, TRUE.minus(LEAP)).later()).isEqualTo(TRUE);
        assertThat(new Clocks(TRUE.minus(LEAP), TRUE).later()).isEqualTo(TRUE);
    }

    @Test
    void whileTheyAgreeTheStoresCounts() {
        Instant host = TRUE.plus(Clocks.TOLERANCE);
        Clocks clocks = new Clocks(host, TRUE);
        assertThat(clocks.agree()).isTrue();
        assertThat(clocks.earlier()).isEqualTo(TRUE);
        assertThat(clocks.later()).isEqualTo(TRUE);
        assertThat(new Clocks(host.plusMillis(1), TRUE).agree()).isFalse();
    }
}
