package io.stillpoint.vault.pack;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import io.stillpoint.vault.crypto.Checksum;
import io.stillpoint.vault.crypto.Sealer;
import io.stillpoint.vault.crypto.Slice;
import java.nio.ByteBuffer;
import javax.crypto.SecretKey;

/// Makes and opens frames (section 5 of the format): compressed, encrypted, checksummed. Owns its buffers and
/// contexts; for one thread at a time.
public final class FrameCodec implements AutoCloseable {
    static {
        ZstdLibrary.load();
    }

    /// The plain bytes of a frame at most, but for directories.
    public static final int PLAIN_MAX = 4 << 20;

    /// Length of a frame's header in bytes.
    public static final int HEADER = 16;

    /// What a frame of incompressible bytes takes more than they do.
    public static final int OVERHEAD = HEADER + Sealer.TAG;

    private static final int AUTHENTICATED = 12;
    private static final int STORED = 0;
    private static final int ZSTD = 1;
    static final int LENGTH_MAX = 1 << 24;

    private final Sealer sealer = new Sealer();
    private final ZstdCompressCtx compressor = new ZstdCompressCtx();
    private final ZstdDecompressCtx decompressor = new ZstdDecompressCtx();
    private byte[] compressed = new byte[0];
    private byte[] decrypted = new byte[0];

    public FrameCodec(Compression compression) {
        compression.configure(compressor);
        // The frame's header tells the size and CRC and tag guard it: no need to say so twice.
        compressor.setContentSize(false).setChecksum(false).setDictID(false);
    }

    /// What goes into a frame, before encryption. Valid until the codec is used again.
    record Payload(byte[] bytes, int length, int plainLength, int method) {
        /// Length of the whole frame in bytes.
        int frameLength() {
            return OVERHEAD + length;
        }
    }

    /// Compresses, if that saves anything.
    Payload pack(byte[] plain, int length) {
        int bound = (int) Zstd.compressBound(length);
        if (compressed.length < bound) {
            compressed = new byte[bound];
        }
        int size = compressor.compressByteArray(compressed, 0, bound, plain, 0, length);
        return size < length
                ? new Payload(compressed, size, length, ZSTD)
                : new Payload(plain, length, length, STORED);
    }

    /// Writes the whole frame to `to`, from index `at` on.
    ///
    /// @param offset the frame's place in its object
    void seal(SecretKey key, long offset, Payload payload, byte[] to, int at) {
        int stored = payload.length + Sealer.TAG;
        ByteBuffer header = ByteBuffer.wrap(to, at, HEADER);
        header.putInt(stored).putInt(payload.plainLength).putInt(payload.method << 24);
        Slice authenticated = new Slice(to, at, AUTHENTICATED);
        Slice sealed = new Slice(to, at + HEADER, stored);
        sealer.seal(
                key, offset, authenticated, new Slice(payload.bytes, 0, payload.length), sealed);
        header.putInt(Checksum.of(authenticated, sealed));
    }

    /// A whole frame of these bytes, for objects written once.
    public byte[] frame(SecretKey key, long offset, byte[] plain, int length) {
        Payload payload = pack(plain, length);
        byte[] frame = new byte[payload.frameLength()];
        seal(key, offset, payload, frame, 0);
        return frame;
    }

    /// Checks a frame's checksum, without a key.
    ///
    /// @param frame the whole frame from index `at` on, `length` bytes
    static boolean isSound(byte[] frame, int at, int length) {
        if (length < OVERHEAD) {
            return false;
        }
        ByteBuffer header = ByteBuffer.wrap(frame, at, HEADER);
        int stored = header.getInt();
        return stored == length - HEADER
                && header.getInt(at + AUTHENTICATED)
                        == Checksum.of(
                                new Slice(frame, at, AUTHENTICATED),
                                new Slice(frame, at + HEADER, stored));
    }

    /// The plain length that a frame's header claims. Throws kind `DAMAGED` if it can't be.
    public static int plainLength(byte[] frame, int at, Where where) {
        int plain = ByteBuffer.wrap(frame).getInt(at + Integer.BYTES);
        if (plain < 0 || plain >= LENGTH_MAX) {
            throw where.damaged("frame length");
        }
        return plain;
    }

    /// Opens a whole frame. Returns how many plain bytes were put into `into`, from its start
    /// on; it must have room for [#plainLength]. Throws kind `DAMAGED`.
    ///
    /// @param offset the frame's place in its object
    public int open(SecretKey key, long offset, Slice frame, byte[] into, Where where) {
        byte[] bytes = frame.bytes();
        int at = frame.at();
        ByteBuffer header = ByteBuffer.wrap(bytes, at, frame.length());
        if (frame.length() < OVERHEAD || header.getInt() != frame.length() - HEADER) {
            throw where.damaged("frame at " + offset);
        }
        int plain = plainLength(bytes, at, where);
        int method = bytes[at + 8];
        int payload = frame.length() - OVERHEAD;
        if (method == ZSTD && decrypted.length < payload) {
            decrypted = new byte[payload];
        }
        byte[] to = method == ZSTD ? decrypted : into;
        if ((method != ZSTD && (method != STORED || plain != payload))
                || !sealer.open(
                        key,
                        offset,
                        new Slice(bytes, at, AUTHENTICATED),
                        new Slice(bytes, at + HEADER, payload + Sealer.TAG),
                        new Slice(to, 0, payload))) {
            throw where.damaged("frame at " + offset);
        }
        if (method == ZSTD) {
            decompress(payload, into, plain, offset, where);
        }
        return plain;
    }

    private void decompress(int payload, byte[] into, int plain, long offset, Where where) {
        try {
            int size = decompressor.decompressByteArray(into, 0, plain, decrypted, 0, payload);
            if (size != plain) {
                throw where.damaged("length of the frame at " + offset);
            }
        } catch (ZstdException e) {
            throw where.damaged("compression of the frame at " + offset);
        }
    }

    /// What its buffers take on the heap now, in bytes.
    long bytes() {
        return (long) compressed.length + decrypted.length;
    }

    @Override
    public void close() {
        compressor.close();
        decompressor.close();
    }
}
