package io.stillpoint.vault.crypto;

import java.util.Objects;

/// A range of an array's bytes. The array is shared, not copied.
public record Slice(byte[] bytes, int at, int length) {
    public static final Slice NONE = of(new byte[0]);

    public Slice {
        Objects.checkFromIndexSize(at, length, bytes.length);
    }

    /// The whole array.
    public static Slice of(byte[] bytes) {
        return new Slice(bytes, 0, bytes.length);
    }
}
