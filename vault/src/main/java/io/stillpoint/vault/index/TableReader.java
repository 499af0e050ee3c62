package io.stillpoint.vault.index;

import io.stillpoint.vault.pack.Compression;
import io.stillpoint.vault.pack.FrameCodec;
import io.stillpoint.vault.pack.Where;
import io.stillpoint.vault.store.ObjectStore.StoredObject;
import java.nio.ByteBuffer;
import javax.crypto.SecretKey;

/// Reads the frames of a segment's tables one after the other.
final class TableReader implements AutoCloseable {
    private final StoredObject object;
    private final Where where;
    private final SecretKey key;
    private final FrameCodec codec = new FrameCodec(Compression.METADATA);
    private int frameLength;

    TableReader(StoredObject object, Where where, SecretKey key) {
        this.object = object;
        this.where = where;
        this.key = key;
    }

    /// Reads the frame at `offset`, which must end at `end` or before. Returns how many bytes are in `into`.
    int read(long offset, long end, byte[] into) {
        byte[] head = new byte[FrameCodec.HEADER];
        if (end - offset < FrameCodec.OVERHEAD) {
            throw where.damaged("tables");
        }
        object.read(offset, head, 0, head.length);
        long length = FrameCodec.HEADER + Integer.toUnsignedLong(ByteBuffer.wrap(head).getInt());
        if (length > end - offset || FrameCodec.plainLength(head, 0, where) > into.length) {
            throw where.damaged("tables");
        }
        frameLength = (int) length;
        byte[] frame = new byte[frameLength];
        object.read(offset, frame, 0, frameLength);
        return codec.open(key, offset, frame, 0, frameLength, into, where);
    }

    /// The whole length in bytes of the frame read last.
    int frameLength() {
        return frameLength;
    }

    @Override
    public void close() {
        codec.close();
    }
}
