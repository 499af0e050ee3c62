package io.stillpoint.vault.crypto;

import java.nio.ByteBuffer;
import java.util.HexFormat;

/// The 32-byte id of a chunk or node: a keyed hash of its content. Ordered as unsigned bytes.
///
/// @param a the first eight bytes, big-endian; `b`, `c` and `d` those that follow
public record ItemId(long a, long b, long c, long d) implements Comparable<ItemId> {
    /// Length in bytes.
    public static final int LENGTH = 32;

    /// Reads 32 bytes from the buffer's position on.
    public static ItemId read(ByteBuffer from) {
        return new ItemId(from.getLong(), from.getLong(), from.getLong(), from.getLong());
    }

    /// Parses 64 hexadecimal digits, else throws [IllegalArgumentException].
    public static ItemId parse(String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex);
        if (bytes.length != LENGTH) {
            throw new IllegalArgumentException("not an item id: " + hex);
        }
        return read(ByteBuffer.wrap(bytes));
    }

    public void write(ByteBuffer to) {
        to.putLong(a).putLong(b).putLong(c).putLong(d);
    }

    @Override
    public int compareTo(ItemId other) {
        int order = Long.compareUnsigned(a, other.a);
        if (order == 0) {
            order = Long.compareUnsigned(b, other.b);
        }
        if (order == 0) {
            order = Long.compareUnsigned(c, other.c);
        }
        return order == 0 ? Long.compareUnsigned(d, other.d) : order;
    }

    /// Ids are uniformly distributed already.
    @Override
    public int hashCode() {
        return Long.hashCode(a);
    }

    /// 64 lower-case hexadecimal digits.
    @Override
    public String toString() {
        HexFormat hex = HexFormat.of();
        return hex.toHexDigits(a) + hex.toHexDigits(b) + hex.toHexDigits(c) + hex.toHexDigits(d);
    }
}
