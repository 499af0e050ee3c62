package io.stillpoint.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.zip.Deflater;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class BytesTest {
    @ParameterizedTest
    @EnumSource(Bytes.class)
    void dependsOnTheSeedAlone(Bytes kind) {
        byte[] first = kind.of(100_000, 7);
        byte[] again = Bytes.RANDOM.of(100_000, 1);
        kind.fill(again, 7);
        assertThat(again).isEqualTo(first);
        if (kind != Bytes.ZERO) {
            assertThat(kind.of(100_000, 7)).isNotEqualTo(kind.of(100_000, 8));
        }
    }

    @Test
    void compressesLikeItsKind() {
        assertThat(compressed(Bytes.ZERO)).isLessThan(0.01);
        assertThat(compressed(Bytes.TEXT)).isBetween(0.05, 0.35);
        assertThat(compressed(Bytes.PAGES)).isBetween(0.1, 0.6);
        assertThat(compressed(Bytes.RANDOM)).isGreaterThan(0.99);
    }

    private static double compressed(Bytes kind) {
        byte[] bytes = kind.of(1 << 20, 1);
        try (Deflater deflater = new Deflater()) {
            deflater.setInput(bytes);
            deflater.finish();
            byte[] sink = new byte[1 << 16];
            while (!deflater.finished()) {
                deflater.deflate(sink);
            }
            return (double) deflater.getBytesWritten() / bytes.length;
        }
    }
}
