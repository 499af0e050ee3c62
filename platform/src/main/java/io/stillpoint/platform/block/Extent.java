package io.stillpoint.platform.block;

/// A range of bytes of a disk.
///
/// @param offset where it starts, in bytes from the start of the disk
/// @param length its length in bytes, at least 1
public record Extent(long offset, long length) {
    public Extent {
        if (offset < 0 || length < 1 || offset > Long.MAX_VALUE - length) {
            throw new IllegalArgumentException(
                    "no extent: offset " + offset + ", length " + length);
        }
    }

    /// The offset of the first byte behind this extent.
    public long end() {
        return offset + length;
    }
}
