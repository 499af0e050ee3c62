package io.stillpoint.vault.pack;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Processors;
import io.stillpoint.vault.crypto.Checksum;
import io.stillpoint.vault.crypto.ObjectHeader;
import io.stillpoint.vault.crypto.Sealer;
import io.stillpoint.vault.store.ObjectStore.StoredObject;
import java.nio.ByteBuffer;
import javax.crypto.SecretKey;

/// Checks a pack without any key: its frames' checksums, and that they fill it without gap.
public final class PackCheck {
    private final StoredObject object;
    private final Where where;
    private final Cancellation cancellation;
    private byte[] frame = new byte[1 << 16];

    public PackCheck(StoredObject object, Where where, Cancellation cancellation) {
        this.object = object;
        this.where = where;
        this.cancellation = cancellation;
    }

    /// Throws kind `DAMAGED`. The object's header was read before.
    public void run() {
        PackTrailer trailer = PackTrailer.read(object, where);
        long at = ObjectHeader.LENGTH;
        int frames = 0;
        while (at < trailer.directoryOffset()) {
            cancellation.check();
            at += checkFrame(at, trailer.directoryOffset());
            frames++;
        }
        if (at != trailer.directoryOffset()
                || frames != trailer.frames()
                || checkFrame(at, at + trailer.directoryLength()) != trailer.directoryLength()) {
            throw where.damaged("directory");
        }
    }

    /// Returns the frame's length.
    private int checkFrame(long at, long end) {
        if (end - at < FrameCodec.OVERHEAD) {
            throw where.damaged("frame at " + at);
        }
        Processors.aside(() -> object.read(at, frame, 0, FrameCodec.HEADER));
        long length = FrameCodec.HEADER + Integer.toUnsignedLong(ByteBuffer.wrap(frame).getInt());
        if (length > end - at || length > FrameCodec.LENGTH_MAX) {
            throw where.damaged("frame at " + at);
        }
        if (frame.length < length) {
            frame = new byte[(int) length];
        }
        Processors.aside(() -> object.read(at, frame, 0, (int) length));
        if (!FrameCodec.isSound(frame, 0, (int) length)) {
            throw where.damaged("checksum of the frame at " + at);
        }
        return (int) length;
    }

    /// The end of a pack (section 5 of the format).
    ///
    /// @param directoryLength its whole length in bytes
    /// @param frames before the directory
    record PackTrailer(long directoryOffset, int directoryLength, int frames, byte[] bytes) {
        /// Whether a holder of the key wrote it.
        boolean isAuthentic(SecretKey key, byte[] header) {
            return new Sealer()
                    .isSigned(
                            key,
                            directoryOffset + directoryLength,
                            PackBuffer.signed(header, bytes, 0),
                            bytes,
                            3 * Integer.BYTES);
        }

        static PackTrailer read(StoredObject object, Where where) {
            if (object.size() < ObjectHeader.LENGTH + FrameCodec.OVERHEAD + PackBuffer.TRAILER) {
                throw where.damaged("trailer");
            }
            byte[] bytes = new byte[PackBuffer.TRAILER];
            long trailerAt = object.size() - PackBuffer.TRAILER;
            object.read(trailerAt, bytes, 0, bytes.length);
            ByteBuffer trailer = ByteBuffer.wrap(bytes);
            long offset = Integer.toUnsignedLong(trailer.getInt());
            int length = trailer.getInt();
            int frames = trailer.getInt();
            if (trailer.getInt(PackBuffer.TRAILER - Integer.BYTES)
                            != Checksum.of(bytes, 0, PackBuffer.TRAILER - Integer.BYTES)
                    || length < FrameCodec.OVERHEAD
                    || length > FrameCodec.LENGTH_MAX
                    // Before its tag is looked at, what it asks of the heap is in proportion to
                    // what
                    // there is.
                    || frames < 0
                    || frames > offset / FrameCodec.OVERHEAD
                    || offset + length != trailerAt) {
                throw where.damaged("trailer");
            }
            return new PackTrailer(offset, length, frames, bytes);
        }
    }
}
