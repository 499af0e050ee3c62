package io.stillpoint.platform;

import java.security.SecureRandom;
import java.util.HexFormat;

/// Where unpredictable bytes come from. Passed in, so that simulations can seed it.
@FunctionalInterface
public interface Randomness {
    /// Fills the whole array.
    void fill(byte[] bytes);

    /// `count` fresh bytes.
    default byte[] bytes(int count) {
        byte[] bytes = new byte[count];
        fill(bytes);
        return bytes;
    }

    /// `count` fresh bytes as lower-case hexadecimal digits.
    default String hex(int count) {
        return HexFormat.of().formatHex(bytes(count));
    }

    /// The operating system's generator; fit for keys.
    static Randomness secure() {
        return new SecureRandom()::nextBytes;
    }
}
