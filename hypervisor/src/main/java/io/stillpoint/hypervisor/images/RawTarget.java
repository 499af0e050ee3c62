package io.stillpoint.hypervisor.images;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// A raw image file or block device.
final class RawTarget implements RestoreTarget {
    private static final int ZEROS_BYTES = 1 << 20;

    private final Path path;
    private final FileChannel channel;
    private final @Nullable PartialFile file;
    private final long size;

    private RawTarget(Path path, FileChannel channel, @Nullable PartialFile file, long size) {
        this.path = path;
        this.channel = channel;
        this.file = file;
        this.size = size;
    }

    static RawTarget create(Path path, long size) {
        return Files.exists(path) && !Files.isRegularFile(path) && !Files.isDirectory(path)
                ? onDevice(path, size)
                : newFile(path, size);
    }

    private static RawTarget newFile(Path path, long size) {
        PartialFile file = PartialFile.create(path);
        boolean done = false;
        try {
            if (size > 0) {
                // The last byte gives the file its size; all before it is a hole.
                file.channel().write(ByteBuffer.allocate(1), size - 1);
            }
            done = true;
            return new RawTarget(path, file.channel(), file, size);
        } catch (IOException e) {
            throw ImageErrors.failed(path, e);
        } finally {
            if (!done) {
                file.close();
            }
        }
    }

    /// A device has a past: it is filled with zeros, as a new disk would be.
    private static RawTarget onDevice(Path path, long size) {
        try {
            FileChannel channel =
                    FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
            boolean done = false;
            try {
                if (channel.size() < size) {
                    throw ImageErrors.of(
                            "restore.device-too-small",
                            path,
                            Long.toString(channel.size()),
                            Long.toString(size));
                }
                ByteBuffer zeros = ByteBuffer.allocateDirect(ZEROS_BYTES);
                for (long at = 0; at < size; at += zeros.position()) {
                    zeros.clear().limit((int) Math.min(ZEROS_BYTES, size - at));
                    channel.write(zeros, at);
                }
                done = true;
                return new RawTarget(path, channel, null, size);
            } finally {
                if (!done) {
                    channel.close();
                }
            }
        } catch (IOException e) {
            throw ImageErrors.failed(path, e);
        }
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
                channel.write(buffer, offset + buffer.position() - at);
            }
        } catch (IOException e) {
            throw ImageErrors.failed(path, e);
        }
    }

    @Override
    public void flush() {
        try {
            channel.force(true);
        } catch (IOException e) {
            throw ImageErrors.failed(path, e);
        }
    }

    @Override
    public void commit() {
        if (file != null) {
            file.commit();
        }
    }

    @Override
    public void close() {
        if (file != null) {
            file.close();
            return;
        }
        try {
            channel.close();
        } catch (IOException e) {
            throw ImageErrors.failed(path, e);
        }
    }
}
