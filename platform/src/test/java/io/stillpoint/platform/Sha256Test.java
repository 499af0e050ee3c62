package io.stillpoint.platform;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/// The vectors of FIPS 180-4's examples.
class Sha256Test {
    private static final String OF_ABC =
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    @Test
    void isAsTheStandardSays() throws IOException {
        byte[] abc = "abc".getBytes(StandardCharsets.US_ASCII);
        assertThat(Sha256.hex(abc)).isEqualTo(OF_ABC);
        assertThat(Sha256.of("abc")).isEqualTo(HexFormat.of().parseHex(OF_ABC));
        assertThat(Sha256.hex("abc", 8)).isEqualTo(OF_ABC.substring(0, 16));
        assertThat(Sha256.hex(new ByteArrayInputStream(abc))).isEqualTo(OF_ABC);
        assertThat(
                        Sha256.hex(
                                new ByteArrayInputStream(
                                        "a".repeat(1_000_000).getBytes(StandardCharsets.US_ASCII))))
                .isEqualTo("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
}
