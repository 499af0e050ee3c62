package io.stillpoint.vault.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/// Changes inputs, the same way for the same seed.
final class Mutator {
    private static final int LENGTH_MAX = 1 << 16;

    private static final long[] NUMBERS = {
        0,
        1,
        -1,
        2,
        7,
        8,
        16,
        31,
        32,
        33,
        63,
        64,
        127,
        128,
        255,
        256,
        4080,
        4096,
        65_535,
        65_536,
        1 << 23,
        (1 << 24) - 1,
        1 << 24,
        Integer.MAX_VALUE,
        Integer.MIN_VALUE,
        1L << 32,
        1L << 60,
        Long.MAX_VALUE,
        Long.MIN_VALUE
    };

    private static final String[] WORDS = {
        "{",
        "}",
        "[",
        "]",
        "\"",
        ",",
        ":",
        "null",
        "true",
        "-1",
        "1e999",
        "9223372036854775807",
        "9223372036854775808",
        "0.5",
        "\"\"",
        "\\u0000",
        "\\ud800",
        "{}",
        "[]",
        "+1000000000-12-31T23:59:59.999999999Z",
        "-1000000000-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z",
        "/../",
        "\u00ff\u00ff"
    };

    private final Random random;

    Mutator(long seed) {
        random = new Random(seed);
    }

    byte[] mutated(List<byte[]> pool) {
        byte[] bytes = pool.get(random.nextInt(pool.size())).clone();
        for (int changes = 1 + random.nextInt(4); changes > 0; changes--) {
            bytes = changed(bytes, pool);
        }
        return bytes.length > LENGTH_MAX ? Arrays.copyOf(bytes, LENGTH_MAX) : bytes;
    }

    private byte[] changed(byte[] bytes, List<byte[]> pool) {
        int at = bytes.length == 0 ? 0 : random.nextInt(bytes.length);
        int part = bytes.length == 0 ? 0 : random.nextInt(Math.min(64, bytes.length - at) + 1);
        return switch (random.nextInt(9)) {
            case 0 -> flipped(bytes, at);
            case 1 -> number(bytes, at);
            case 2 -> replaced(bytes, at, part, new byte[0]);
            case 3 -> replaced(bytes, at, 0, Arrays.copyOfRange(bytes, at, at + part));
            case 4 -> replaced(bytes, at, 0, random(random.nextInt(16)));
            case 5 -> replaced(bytes, at, part, random(part));
            case 6 -> replaced(bytes, at, random.nextInt(2) * Math.min(part, 8), word());
            case 7 -> spliced(bytes, at, pool.get(random.nextInt(pool.size())));
            default -> Arrays.copyOf(bytes, at);
        };
    }

    private static byte[] replaced(byte[] bytes, int at, int length, byte[] by) {
        byte[] result = Arrays.copyOf(bytes, bytes.length - length + by.length);
        System.arraycopy(by, 0, result, at, by.length);
        System.arraycopy(bytes, at + length, result, at + by.length, bytes.length - at - length);
        return result;
    }

    private byte[] flipped(byte[] bytes, int at) {
        byte[] result = bytes.clone();
        if (result.length > 0) {
            result[at] ^= (byte) (1 << random.nextInt(8));
        }
        return result;
    }

    /// Writes a number that is likely to be at some edge, one to eight bytes wide.
    private byte[] number(byte[] bytes, int at) {
        long value = NUMBERS[random.nextInt(NUMBERS.length)];
        int width = 1 << random.nextInt(4);
        byte[] result = bytes.clone();
        for (int i = 0; i < width && at + i < result.length; i++) {
            result[at + i] = (byte) (value >>> (8 * (width - 1 - i)));
        }
        return result;
    }

    private static byte[] spliced(byte[] bytes, int at, byte[] other) {
        return at >= other.length
                ? bytes
                : FuzzTarget.joined(
                        Arrays.copyOf(bytes, at), Arrays.copyOfRange(other, at, other.length));
    }

    private byte[] random(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private byte[] word() {
        return WORDS[random.nextInt(WORDS.length)].getBytes(StandardCharsets.ISO_8859_1);
    }
}
