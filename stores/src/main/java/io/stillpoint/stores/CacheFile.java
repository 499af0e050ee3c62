package io.stillpoint.stores;

import io.stillpoint.platform.natives.FolderHandle;
import io.stillpoint.vault.store.ObjectStore.StoredObject;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Set;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/// A copy of an object on a disk that nobody has to trust:
/// ```
/// file := content crc[4]{blocks} size:u64 magic[8] crc:u32
/// ```
/// with the CRC-32C of each 4,096 bytes of the content (the last may be shorter), and one over sums, size and magic. Every
/// read checks the blocks that it touches: blocks of an index segment start at the same multiples, so looking one up costs
/// no more than its own bytes.
final class CacheFile implements Closeable {
    private static final int BLOCK = 4096;
    private static final int SUM = Integer.BYTES;
    private static final long MAGIC = 0x5354494c4c43_4831L;
    private static final int TRAILER = 2 * Long.BYTES + SUM;

    private final FileChannel channel;
    private final long size;
    private final int[] sums;

    private CacheFile(FileChannel channel, long size, int[] sums) {
        this.channel = channel;
        this.size = size;
        this.sums = sums;
    }

    private static int blocks(long size) {
        return Math.toIntExact((size + BLOCK - 1) / BLOCK);
    }

    /// How long a file is that holds a content of this size.
    static long length(long size) {
        return size + (long) SUM * blocks(size) + TRAILER;
    }

    private static int crc(byte[] bytes, int at, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, at, length);
        return (int) crc.getValue();
    }

    /// Returns null if the file is no whole one; throws [IOException] if it can't be read.
    static @Nullable CacheFile open(Path file) throws IOException {
        FileChannel channel = opened(file);
        try {
            CacheFile opened = read(channel);
            if (opened == null) {
                channel.close();
            }
            return opened;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /// A plain file: others may have put a link or a pipe there.
    private static FileChannel opened(Path file) throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        try (FolderHandle within = FolderHandle.open(folder == null ? file : folder)) {
            return within.open(FolderHandle.name(file), StandardOpenOption.READ);
        }
    }

    private static @Nullable CacheFile read(FileChannel channel) throws IOException {
        long length = channel.size();
        ByteBuffer trailer = ByteBuffer.allocate(TRAILER);
        if (length < TRAILER || !fill(channel, trailer, length - TRAILER)) {
            return null;
        }
        long size = trailer.getLong();
        if (trailer.getLong() != MAGIC || size < 0 || size > length || length(size) != length) {
            return null;
        }
        ByteBuffer tail = ByteBuffer.allocate(blocks(size) * SUM + TRAILER);
        if (!fill(channel, tail, size)) {
            return null;
        }
        int checked = tail.capacity() - SUM;
        if (tail.getInt(checked) != crc(tail.array(), 0, checked)) {
            return null;
        }
        int[] sums = new int[blocks(size)];
        tail.asIntBuffer().get(sums);
        return new CacheFile(channel, size, sums);
    }

    private static boolean fill(FileChannel channel, ByteBuffer buffer, long at)
            throws IOException {
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, at + buffer.position()) < 0) {
                return false;
            }
        }
        buffer.flip();
        return true;
    }

    long size() {
        return size;
    }

    /// Reads a range within the content; returns whether it is what was written.
    boolean read(long offset, byte[] into, int at, int length) throws IOException {
        if (length == 0) {
            return true;
        }
        long first = offset / BLOCK;
        long end = Math.min(size, ((offset + length - 1) / BLOCK + 1) * BLOCK);
        long from = first * BLOCK;
        // Whole blocks go where they are wanted; others through a copy.
        boolean isAligned = from == offset && end == offset + length;
        byte[] bytes = isAligned ? into : new byte[Math.toIntExact(end - from)];
        int start = isAligned ? at : 0;
        int count = Math.toIntExact(end - from);
        if (!fill(channel, ByteBuffer.wrap(bytes, start, count).slice(), from)) {
            return false;
        }
        for (int done = 0; done < count; done += BLOCK) {
            int part = Math.min(BLOCK, count - done);
            if (crc(bytes, start + done, part) != sums[Math.toIntExact(first + done / BLOCK)]) {
                return false;
            }
        }
        if (!isAligned) {
            System.arraycopy(bytes, Math.toIntExact(offset - from), into, at, length);
        }
        return true;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    /// Writes a file; it is whole once [#finish] returns.
    static final class Writer implements Closeable {
        private final FileChannel channel;
        private final CRC32C crc = new CRC32C();
        private int[] sums = new int[64];
        private int blocks;
        private int inBlock;
        private long size;

        Writer(Path file) throws IOException {
            channel =
                    FileChannel.open(
                            file,
                            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                            PosixFilePermissions.asFileAttribute(
                                    PosixFilePermissions.fromString("rw-------")));
        }

        void write(byte[] from, int at, int length) throws IOException {
            ByteBuffer buffer = ByteBuffer.wrap(from, at, length);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
            for (int done = 0; done < length; ) {
                int part = Math.min(BLOCK - inBlock, length - done);
                crc.update(from, at + done, part);
                inBlock += part;
                done += part;
                if (inBlock == BLOCK) {
                    endBlock();
                }
            }
            size += length;
        }

        private void endBlock() {
            if (blocks == sums.length) {
                sums = Arrays.copyOf(sums, blocks * 2);
            }
            sums[blocks++] = (int) crc.getValue();
            crc.reset();
            inBlock = 0;
        }

        long size() {
            return size;
        }

        void finish() throws IOException {
            if (inBlock > 0) {
                endBlock();
            }
            ByteBuffer tail = ByteBuffer.allocate(blocks * SUM + TRAILER);
            for (int i = 0; i < blocks; i++) {
                tail.putInt(sums[i]);
            }
            tail.putLong(size).putLong(MAGIC);
            tail.putInt(CacheFile.crc(tail.array(), 0, tail.position())).flip();
            while (tail.hasRemaining()) {
                channel.write(tail);
            }
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }

    /// Copies an object into a new file.
    static void copy(StoredObject object, Path file) throws IOException {
        byte[] buffer = new byte[(int) Math.min(object.size(), 8 << 20)];
        try (Writer writer = new Writer(file)) {
            for (long at = 0; at < object.size(); at += buffer.length) {
                int length = (int) Math.min(buffer.length, object.size() - at);
                object.read(at, buffer, 0, length);
                writer.write(buffer, 0, length);
            }
            writer.finish();
        }
    }
}
