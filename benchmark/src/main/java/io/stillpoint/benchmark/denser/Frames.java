package io.stillpoint.benchmark.denser;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// Frames as in section 5 of the vault's format, but not encrypted, in one file.
final class Frames implements AutoCloseable {
    /// Header and tag of a frame, and its line in the directory.
    static final int OVERHEAD = 16 + 16 + 8;

    /// What an item takes in a pack's directory and in the index.
    static final int ITEM = 35 + 48;

    private static final int PLAIN_MAX = 4 << 20;
    private static final int ITEMS_MAX = 255;

    private final FileChannel file;
    private final ZstdCompressCtx compressor = new ZstdCompressCtx();
    private final ZstdDecompressCtx decompressor = new ZstdDecompressCtx();
    private final byte[] plain = new byte[PLAIN_MAX];
    private final byte[] packed = new byte[(int) Zstd.compressBound(PLAIN_MAX)];
    private Frame open = new Frame();
    private long end;

    final Cpu compressing = new Cpu();
    final Cpu decompressing = new Cpu();

    /// A frame; while it is open, `stored` is 0.
    static final class Frame {
        long offset;
        int plain;
        int stored;
        int items;
        boolean isPacked;
    }

    Frames(Path path) throws IOException {
        file =
                FileChannel.open(
                        path,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.DELETE_ON_CLOSE,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE);
        compressor.setLevel(3).setContentSize(false).setChecksum(false);
    }

    /// Adds bytes to a frame, as its last ones.
    Frame add(byte[] item, int length) throws IOException {
        if (open.plain + length > PLAIN_MAX || open.items == ITEMS_MAX) {
            finish();
        }
        System.arraycopy(item, 0, plain, open.plain, length);
        open.plain += length;
        open.items++;
        return open;
    }

    void finish() throws IOException {
        if (open.plain == 0) {
            return;
        }
        Frame frame = open;
        int size =
                compressing.spend(() ->
                        compressor.compressByteArray(
                                packed, 0, packed.length, plain, 0, frame.plain));
        frame.isPacked = size < frame.plain;
        frame.offset = end;
        int length = frame.isPacked ? size : frame.plain;
        frame.stored = length + OVERHEAD;
        file.write(ByteBuffer.wrap(frame.isPacked ? packed : plain, 0, length), end);
        end += length;
        open = new Frame();
    }

    byte[] read(Frame frame) throws IOException {
        int length = frame.stored - OVERHEAD;
        byte[] stored = new byte[length];
        Content.read(file, frame.offset, stored, length);
        if (!frame.isPacked) {
            return stored;
        }
        byte[] bytes = new byte[frame.plain];
        decompressing.spend(() ->
                decompressor.decompressByteArray(bytes, 0, frame.plain, stored, 0, stored.length));
        return bytes;
    }

    @Override
    public void close() throws IOException {
        compressor.close();
        decompressor.close();
        file.close();
    }
}
