package io.stillpoint.vault.index;

import io.stillpoint.vault.pack.Compression;
import io.stillpoint.vault.pack.FrameCodec;
import java.nio.ByteBuffer;
import java.util.Arrays;
import javax.crypto.SecretKey;

/// Writes a segment's tables, eight bytes at a time, in frames of 4 MiB plain each but the last.
final class TableWriter implements AutoCloseable {
    private final SecretKey key;
    private final Sink sink;
    private final FrameCodec codec = new FrameCodec(Compression.METADATA);
    private final ByteBuffer plain;
    private long left;
    private long at;

    /// Where frames go.
    @FunctionalInterface
    interface Sink {
        void write(byte[] bytes, int length);
    }

    /// @param at where the tables begin
    /// @param length of their plain bytes; a multiple of eight
    TableWriter(SecretKey key, long at, long length, Sink sink) {
        this.key = key;
        this.sink = sink;
        this.at = at;
        left = length;
        plain = ByteBuffer.allocate((int) Math.min(Segment.TABLE_FRAME, length));
    }

    void put(long value) {
        plain.putLong(value);
        left -= Long.BYTES;
        if (!plain.hasRemaining() || left == 0) {
            // The codec may hand back the array it was given.
            byte[] content = Arrays.copyOf(plain.array(), plain.position());
            byte[] frame = codec.frame(key, at, content, content.length);
            sink.write(frame, frame.length);
            at += frame.length;
            plain.clear();
        }
    }

    @Override
    public void close() {
        codec.close();
    }
}
