package io.stillpoint.vault.index;

import io.stillpoint.vault.crypto.Slice;
import io.stillpoint.vault.pack.Compression;
import io.stillpoint.vault.pack.FrameCodec;
import java.nio.ByteBuffer;

/// Reads a segment's tables from one end to the other. Holds one frame of them.
final class TableReader implements AutoCloseable {
    private final SegmentFile file;
    private final long end;
    private final FrameCodec codec = new FrameCodec(Compression.METADATA);
    private final ByteBuffer plain;
    private long at;
    private long left;

    /// @param at where the tables begin
    /// @param end where they must end
    /// @param length of their plain bytes; a multiple of eight
    TableReader(SegmentFile file, long at, long end, long length) {
        this.file = file;
        this.at = at;
        this.end = end;
        left = length;
        plain = ByteBuffer.allocate((int) Math.min(Segment.TABLE_FRAME, length)).limit(0);
    }

    long next() {
        if (!plain.hasRemaining()) {
            readFrame();
        }
        return plain.getLong();
    }

    /// Fills the whole array.
    void next(long[] into) {
        for (int done = 0; done < into.length; ) {
            if (!plain.hasRemaining()) {
                readFrame();
            }
            int count = Math.min(plain.remaining() / Long.BYTES, into.length - done);
            plain.asLongBuffer().get(into, done, count);
            plain.position(plain.position() + count * Long.BYTES);
            done += count;
        }
    }

    private void readFrame() {
        byte[] head = new byte[FrameCodec.HEADER];
        if (end - at < FrameCodec.OVERHEAD) {
            throw file.where().damaged("tables");
        }
        file.object().read(at, head, 0, head.length);
        long length = FrameCodec.HEADER + Integer.toUnsignedLong(ByteBuffer.wrap(head).getInt());
        int size = (int) Math.min(Segment.TABLE_FRAME, left);
        // Nobody signed the length: what is asked of the heap has a bound.
        if (length > Math.min(end - at, 2L * Segment.TABLE_FRAME)
                || FrameCodec.plainLength(head, 0, file.where()) != size) {
            throw file.where().damaged("tables");
        }
        byte[] frame = new byte[(int) length];
        file.object().read(at, frame, 0, frame.length);
        codec.open(file.key(), at, Slice.of(frame), plain.array(), file.where());
        plain.clear().limit(size);
        at += length;
        left -= size;
    }

    /// Checks that nothing is left.
    void requireEnd() {
        if (left != 0 || plain.hasRemaining() || at != end) {
            throw file.where().damaged("tables");
        }
    }

    @Override
    public void close() {
        codec.close();
    }
}
