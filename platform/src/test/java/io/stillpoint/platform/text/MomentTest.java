package io.stillpoint.platform.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;

final class MomentTest {
    private static final Instant WINTER = Instant.parse("2026-01-02T03:04:05.678Z");

    @Test
    void timesCarryTheirZone() {
        assertThat(Moment.text(WINTER, ZoneOffset.UTC)).isEqualTo("2026-01-02 03:04:05 +00:00");
        ZoneId berlin = ZoneId.of("Europe/Berlin");
        assertThat(Moment.text(WINTER, berlin)).isEqualTo("2026-01-02 04:04:05 +01:00");
        Instant summer = Instant.parse("2026-07-02T03:04:05Z");
        assertThat(Moment.text(summer, berlin)).isEqualTo("2026-07-02 05:04:05 +02:00");
    }
}
