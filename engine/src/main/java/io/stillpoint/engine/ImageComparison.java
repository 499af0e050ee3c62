package io.stillpoint.engine;

import io.stillpoint.platform.block.BlockTarget;
import io.stillpoint.platform.natives.SparseFile;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.BitSet;

/// Takes what a restore writes, and compares it with a raw image that is there instead of writing it. What the restore does
/// not write must be zeros. Safe for use by several threads; the lock covers which grains were compared.
final class ImageComparison implements BlockTarget {
    private static final int GRAIN_LOG2 = 16;

    /// Grains of one set of bits: 4 TiB.
    private static final int SET_LOG2 = 26;

    private static final int PIECE = 1 << 20;
    private static final byte[] ZEROS = new byte[PIECE];

    private final Path image;
    private final FileChannel channel;
    private final long size;
    private final BitSet[] compared;
    private volatile boolean isOther;

    private ImageComparison(Path image, FileChannel channel, long size) {
        this.image = image;
        this.channel = channel;
        this.size = size;
        compared = new BitSet[Math.toIntExact((size >>> GRAIN_LOG2 >>> SET_LOG2) + 1)];
        Arrays.setAll(compared, _ -> new BitSet());
    }

    /// @param size of the disk in bytes
    static ImageComparison of(Path image, long size) throws IOException {
        return new ImageComparison(
                image,
                FileChannel.open(image, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS),
                size);
    }

    /// Whether the image is as long as the disk.
    boolean isAsLong() throws IOException {
        return channel.size() == size;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public void write(long offset, byte[] from, int at, int length) {
        if (isOther) {
            return;
        }
        try {
            byte[] there = read(offset, length);
            if (!Arrays.equals(there, 0, length, from, at, at + length)) {
                isOther = true;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        noteCompared(offset >>> GRAIN_LOG2, (offset + length - 1) >>> GRAIN_LOG2);
    }

    private byte[] read(long offset, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, offset + buffer.position()) < 0) {
                throw new EOFException(image.toString());
            }
        }
        return buffer.array();
    }

    private synchronized void noteCompared(long first, long last) {
        for (long grain = first; grain <= last; grain++) {
            compared[(int) (grain >>> SET_LOG2)].set((int) (grain & ((1 << SET_LOG2) - 1)));
        }
    }

    private synchronized boolean isCompared(long grain) {
        return compared[(int) (grain >>> SET_LOG2)].get((int) (grain & ((1 << SET_LOG2) - 1)));
    }

    /// Whether the image holds what was written, and zeros everywhere else. To be asked when the restore is over.
    boolean isSame() throws IOException {
        try (SparseFile holes = SparseFile.open(image)) {
            boolean knowsHoles = holes.knowsHoles();
            long at = 0;
            while (!isOther && at < size) {
                at = knowsHoles ? holes.nextData(at) : at;
                if (at < 0 || at >= size) {
                    break;
                }
                long grain = at >>> GRAIN_LOG2;
                long begin = grain << GRAIN_LOG2;
                int length = (int) Math.min(1 << GRAIN_LOG2, size - begin);
                if (!isCompared(grain)
                        && !Arrays.equals(read(begin, length), 0, length, ZEROS, 0, length)) {
                    isOther = true;
                }
                at = begin + length;
            }
        }
        return !isOther;
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            // It was only read.
        }
    }
}
