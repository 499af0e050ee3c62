package io.stillpoint.vault.pack;

import io.stillpoint.vault.crypto.Slice;

/// Reads single frames of packs into a buffer of its own. For one thread at a time.
public final class FrameReader implements AutoCloseable {
    /// What its buffers take at most in bytes: a frame as it lies in the store, deciphered, and plain.
    public static final long MEMORY = 3L * FrameCodec.PLAIN_MAX;

    private final FrameCodec codec = new FrameCodec(Compression.METADATA);
    private byte[] frame = new byte[0];
    private byte[] plain = new byte[0];

    /// Reads and opens a frame, and returns how many bytes [#plain] holds from its start on. Throws kind
    /// `DAMAGED`.
    ///
    /// @param length the frame's whole length in bytes
    public int read(PackFile pack, long offset, int length) {
        fetch(pack, offset, length);
        return open(pack, offset, length);
    }

    /// As [#read], and checks the frame's checksum too.
    public int readChecked(PackFile pack, long offset, int length) {
        fetch(pack, offset, length);
        if (!FrameCodec.isSound(frame, 0, length)) {
            throw pack.where().damaged("checksum of the frame at " + offset);
        }
        return open(pack, offset, length);
    }

    private int open(PackFile pack, long offset, int length) {
        int size = FrameCodec.plainLength(frame, 0, pack.where());
        if (plain.length < size) {
            plain = new byte[size];
        }
        return codec.open(pack.key(), offset, new Slice(frame, 0, length), plain, pack.where());
    }

    private void fetch(PackFile pack, long offset, int length) {
        if (length < FrameCodec.OVERHEAD || offset + length > pack.size()) {
            throw pack.where().damaged("frame at " + offset);
        }
        if (frame.length < length) {
            frame = new byte[length];
        }
        pack.read(offset, frame, length);
    }

    /// Has the next frame read into this buffer, unless it is too small; then into a larger one. The caller keeps the
    /// buffer used before.
    public void lend(byte[] buffer) {
        plain = buffer;
    }

    /// The plain bytes of the frame read last; overwritten by the next.
    public byte[] plain() {
        return plain;
    }

    /// What its buffers take on the heap now, in bytes.
    public long bytes() {
        return (long) frame.length + plain.length + codec.bytes();
    }

    @Override
    public void close() {
        codec.close();
    }
}
