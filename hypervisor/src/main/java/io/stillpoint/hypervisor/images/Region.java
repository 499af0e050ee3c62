package io.stillpoint.hypervisor.images;

import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Iterator;

/// A part of a disk, read as structures. What lies behind its end reads as zeros, so that no length that a guest wrote
/// leads outside.
///
/// @param start in bytes from the start of the disk
record Region(BlockSource source, long start, long length) {
    private static final int PIECE = 1 << 20;

    /// More than this is not read to find out whether all of it is zeros.
    private static final long SEARCHED_MAX = 64L << 20;

    Region {
        if (start < 0 || length < 0 || start > source.size() - length) {
            throw new IllegalArgumentException(start + "+" + length + " of " + source.size());
        }
    }

    static Region of(BlockSource source) {
        return new Region(source, 0, source.size());
    }

    /// Whether such a part lies within this.
    boolean contains(long offset, long size) {
        return offset >= 0 && size >= 0 && offset <= length && size <= length - offset;
    }

    Region part(long offset, long size) {
        if (!contains(offset, size)) {
            throw new IllegalArgumentException(offset + "+" + size + " of " + length);
        }
        return new Region(source, start + offset, size);
    }

    byte[] bytes(long offset, int count) {
        byte[] bytes = new byte[count];
        if (offset >= 0 && offset < length) {
            source.read(start + offset, bytes, 0, (int) Math.min(count, length - offset));
        }
        return bytes;
    }

    int u8(long offset) {
        return bytes(offset, 1)[0] & 0xff;
    }

    int u16(long offset) {
        return (int) little(offset, 2);
    }

    long u32(long offset) {
        return little(offset, 4);
    }

    long u64(long offset) {
        return little(offset, 8);
    }

    int u16big(long offset) {
        return (int) big(offset, 2);
    }

    long u32big(long offset) {
        return big(offset, 4);
    }

    long u64big(long offset) {
        return big(offset, 8);
    }

    /// @param magic each character is a byte
    boolean has(long offset, String magic) {
        byte[] expected = magic.getBytes(StandardCharsets.ISO_8859_1);
        return contains(offset, expected.length)
                && Arrays.equals(bytes(offset, expected.length), expected);
    }

    /// Whether all of it is zeros; no where that would take long to find out.
    boolean isZero() {
        long searched = 0;
        Iterator<Extent> extents = source.dataExtents();
        while (extents.hasNext()) {
            Extent extent = extents.next();
            long end = Math.min(extent.end(), start + length);
            for (long at = Math.max(extent.offset(), start); at < end; at += PIECE) {
                int count = (int) Math.min(PIECE, end - at);
                byte[] piece = new byte[count];
                source.read(at, piece, 0, count);
                searched += count;
                if (!isZero(piece) || searched > SEARCHED_MAX) {
                    return false;
                }
            }
        }
        return true;
    }

    private static boolean isZero(byte[] bytes) {
        for (byte each : bytes) {
            if (each != 0) {
                return false;
            }
        }
        return true;
    }

    private long little(long offset, int count) {
        byte[] bytes = bytes(offset, count);
        long value = 0;
        for (int i = count - 1; i >= 0; i--) {
            value = (value << 8) | (bytes[i] & 0xff);
        }
        return value;
    }

    private long big(long offset, int count) {
        long value = 0;
        for (byte each : bytes(offset, count)) {
            value = (value << 8) | (each & 0xff);
        }
        return value;
    }
}
