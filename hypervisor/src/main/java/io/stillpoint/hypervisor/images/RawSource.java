package io.stillpoint.hypervisor.images;

import io.stillpoint.platform.Processors;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.platform.natives.SparseFile;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// A raw image or block device. Holes of a sparse file are skipped; a device has none that could be asked for.
final class RawSource implements BlockSource {
    private final Path file;
    private final FileChannel channel;
    private final SparseFile holes;
    private final long size;

    private final boolean knowsHoles;

    private RawSource(Path file, FileChannel channel, SparseFile holes, long size)
            throws IOException {
        this.file = file;
        this.channel = channel;
        this.holes = holes;
        this.size = size;
        knowsHoles = holes.knowsHoles();
    }

    static RawSource open(Path file) {
        try {
            FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
            boolean done = false;
            try {
                // Also right for a block device, whose attributes say 0.
                long size = channel.size();
                RawSource source = opened(file, channel, size);
                done = true;
                return source;
            } finally {
                if (!done) {
                    channel.close();
                }
            }
        } catch (IOException e) {
            throw ImageErrors.failed(file, e);
        }
    }

    private static RawSource opened(Path file, FileChannel channel, long size) throws IOException {
        SparseFile holes = SparseFile.open(file);
        try {
            return new RawSource(file, channel, holes, size);
        } catch (IOException e) {
            holes.close();
            throw e;
        }
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public void read(long offset, byte[] into, int at, int length) {
        Objects.checkFromIndexSize(offset, length, size);
        Processors.aside(() -> readNow(offset, into, at, length));
    }

    private void readNow(long offset, byte[] into, int at, int length) {
        ByteBuffer buffer = ByteBuffer.wrap(into, at, length);
        try {
            while (buffer.hasRemaining()) {
                long position = offset + buffer.position() - at;
                if (channel.read(buffer, position) < 0) {
                    throw new EOFException("ends at " + position + " instead of " + size);
                }
            }
        } catch (IOException e) {
            throw ImageErrors.failed(file, e);
        }
    }

    @Override
    public Iterator<Extent> dataExtents() {
        return new DataRanges();
    }

    @Override
    public void close() {
        holes.close();
        try {
            channel.close();
        } catch (IOException e) {
            throw ImageErrors.failed(file, e);
        }
    }

    private final class DataRanges implements Iterator<Extent> {
        private long position;
        private @Nullable Extent next;

        @Override
        public boolean hasNext() {
            if (next == null && position < size) {
                next = find();
            }
            return next != null;
        }

        @Override
        public Extent next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            Extent found = Objects.requireNonNull(next);
            next = null;
            return found;
        }

        private @Nullable Extent find() {
            if (!knowsHoles) {
                // A block device, most often: all of it is read, and zeros are not stored.
                position = size;
                return new Extent(0, size);
            }
            try {
                long start = holes.nextData(position);
                if (start < 0 || start >= size) {
                    position = size;
                    return null;
                }
                long end = Math.min(holes.nextHole(start), size);
                if (end <= start) {
                    // Shrunk between the two calls; reading will say so.
                    end = size;
                }
                position = end;
                return new Extent(start, end - start);
            } catch (IOException e) {
                throw ImageErrors.failed(file, e);
            }
        }
    }
}
