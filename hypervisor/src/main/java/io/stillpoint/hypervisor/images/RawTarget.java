package io.stillpoint.hypervisor.images;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;

/// A raw image file.
final class RawTarget implements RestoreTarget {
    private final Path path;
    private final PartialFile file;
    private final long size;

    private RawTarget(Path path, PartialFile file, long size) {
        this.path = path;
        this.file = file;
        this.size = size;
    }

    static RawTarget create(Path path, long size) {
        PartialFile file = PartialFile.create(path);
        boolean done = false;
        try {
            if (size > 0) {
                // The last byte gives the file its size; all before it is a hole.
                file.channel().write(ByteBuffer.allocate(1), size - 1);
            }
            done = true;
            return new RawTarget(path, file, size);
        } catch (IOException e) {
            throw ImageErrors.failed(path, e);
        } finally {
            if (!done) {
                file.close();
            }
        }
    }

    @Override
    public Optional<Path> partial() {
        return Optional.of(file.partial());
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public void write(long offset, byte[] from, int at, int length) {
        Objects.checkFromIndexSize(offset, length, size);
        ByteBuffer buffer = ByteBuffer.wrap(from, at, length);
        try {
            while (buffer.hasRemaining()) {
                file.channel().write(buffer, offset + buffer.position() - at);
            }
        } catch (IOException e) {
            throw ImageErrors.isFull(file.partial())
                    ? ImageErrors.noSpace(path, e)
                    : ImageErrors.failed(path, e);
        }
    }

    @Override
    public void flush() {
        try {
            file.channel().force(true);
        } catch (IOException e) {
            throw ImageErrors.failed(path, e);
        }
    }

    @Override
    public void commit() {
        file.commit();
    }

    @Override
    public void close() {
        file.close();
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
