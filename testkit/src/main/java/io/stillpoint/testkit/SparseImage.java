package io.stillpoint.testkit;

import io.stillpoint.platform.ByteSize;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// A raw disk image with holes, made on the host.
public final class SparseImage {
    private final Path file;

    private SparseImage(Path file) {
        this.file = file;
    }

    /// A new image that is one hole. Fails if the file exists.
    public static SparseImage create(Path file, ByteSize size) {
        try (FileChannel channel =
                FileChannel.open(
                        file,
                        StandardOpenOption.CREATE_NEW,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.SPARSE)) {
            if (size.bytes() > 0) {
                // A file system gives no block to what was never written, and this one byte makes
                // at most one.
                channel.write(ByteBuffer.allocate(1), size.bytes() - 1);
            }
            return new SparseImage(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Writes bytes at an offset.
    public SparseImage write(long offset, byte[] bytes) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            for (long at = offset; buffer.hasRemaining(); ) {
                at += channel.write(buffer, at);
            }
            return this;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Writes `length` bytes of a kind at an offset.
    public SparseImage write(long offset, Bytes kind, int length, long seed) {
        return write(offset, kind.of(length, seed));
    }

    /// Makes an empty ext4 file system on the whole image, with the host's `mke2fs`.
    public SparseImage ext4() {
        HostCommand.run("/sbin/mke2fs", "-q", "-F", "-t", "ext4", file.toString());
        return this;
    }

    public Path file() {
        return file;
    }
}
