package io.stillpoint.vault.index;

import io.stillpoint.vault.pack.Compression;
import io.stillpoint.vault.pack.FrameCodec;
import io.stillpoint.vault.pack.Where;
import io.stillpoint.vault.store.ObjectStore.StoredObject;
import java.nio.ByteBuffer;
import javax.crypto.SecretKey;

/// Reads a segment's tables from one end to the other. Holds one frame of them.
final class TableReader implements AutoCloseable {
    private final StoredObject object;
    private final Where where;
    private final SecretKey key;
    private final long end;
    private final FrameCodec codec = new FrameCodec(Compression.METADATA);
    private final ByteBuffer plain;
    private long at;
    private long left;

    /// @param at where the tables begin
    /// @param end where they must end
    /// @param length of their plain bytes; a multiple of eight
    TableReader(StoredObject object, Where where, SecretKey key, long at, long end, long length) {
        this.object = object;
        this.where = where;
        this.key = key;
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
            throw where.damaged("tables");
        }
        object.read(at, head, 0, head.length);
        long length = FrameCodec.HEADER + Integer.toUnsignedLong(ByteBuffer.wrap(head).getInt());
        int size = (int) Math.min(Segment.TABLE_FRAME, left);
        // Nobody signed the length: what is asked of the heap has a bound.
        if (length > Math.min(end - at, 2L * Segment.TABLE_FRAME)
                || FrameCodec.plainLength(head, 0, where) != size) {
            throw where.damaged("tables");
        }
        byte[] frame = new byte[(int) length];
        object.read(at, frame, 0, frame.length);
        codec.open(key, at, frame, 0, frame.length, plain.array(), where);
        plain.clear().limit(size);
        at += length;
        left -= size;
    }

    /// Checks that nothing is left.
    void requireEnd() {
        if (left != 0 || plain.hasRemaining() || at != end) {
            throw where.damaged("tables");
        }
    }

    @Override
    public void close() {
        codec.close();
    }
}
