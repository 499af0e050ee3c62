package io.stillpoint.vault.fuzz;

import java.util.Arrays;

/// Takes an input apart from its start on; behind its end come zeros.
final class Bytes {
    private final byte[] input;
    private int at;

    Bytes(byte[] input) {
        this.input = input;
    }

    int u8() {
        return at < input.length ? Byte.toUnsignedInt(input[at++]) : 0;
    }

    int u16() {
        return u8() << 8 | u8();
    }

    int s32() {
        return u16() << 16 | u16();
    }

    long s64() {
        return (long) s32() << 32 | Integer.toUnsignedLong(s32());
    }

    /// At most so many bytes.
    byte[] take(int length) {
        byte[] taken = Arrays.copyOfRange(input, at, Math.min(input.length, at + length));
        at += taken.length;
        return taken;
    }

    byte[] rest() {
        return take(input.length);
    }

    boolean isEmpty() {
        return at >= input.length;
    }
}
