package io.stillpoint.vault.store;

import io.stillpoint.platform.Randomness;
import java.nio.ByteBuffer;
import java.util.HexFormat;

/// The 16 random bytes that identify an object.
///
/// @param high the first eight bytes, big-endian
/// @param low the last eight bytes
public record ObjectId(long high, long low) implements Comparable<ObjectId> {
    /// Length in bytes.
    public static final int LENGTH = 16;

    public static ObjectId random(Randomness randomness) {
        return read(ByteBuffer.wrap(randomness.bytes(LENGTH)));
    }

    /// Reads 16 bytes from the buffer's position on.
    public static ObjectId read(ByteBuffer from) {
        return new ObjectId(from.getLong(), from.getLong());
    }

    /// Parses exactly 32 lower-case hexadecimal digits, else throws [IllegalArgumentException].
    public static ObjectId parse(String hex) {
        if (!hex.matches("[0-9a-f]{32}")) {
            throw new IllegalArgumentException("not an id: " + hex);
        }
        return new ObjectId(
                HexFormat.fromHexDigitsToLong(hex, 0, 16),
                HexFormat.fromHexDigitsToLong(hex, 16, 32));
    }

    public void write(ByteBuffer to) {
        to.putLong(high).putLong(low);
    }

    public byte[] bytes() {
        return ByteBuffer.allocate(LENGTH).putLong(high).putLong(low).array();
    }

    @Override
    public int compareTo(ObjectId other) {
        int first = Long.compareUnsigned(high, other.high);
        return first != 0 ? first : Long.compareUnsigned(low, other.low);
    }

    /// 32 lower-case hexadecimal digits.
    @Override
    public String toString() {
        return HexFormat.of().toHexDigits(high) + HexFormat.of().toHexDigits(low);
    }
}
