package io.stillpoint.benchmark.denser;

import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import java.util.Arrays;

/// Makes and applies the plain bytes of a changed chunk: the id of the one before, then a bitmap and the units that
/// changed, or what zstd makes of it with the one before as dictionary.
final class DeltaCodec implements AutoCloseable {
    private static final int CHUNK = History.CHUNK;
    private static final int ID = 32;
    private static final int LEVEL = 3;

    private final Way way;
    private final ZstdCompressCtx compressor = new ZstdCompressCtx();
    private final ZstdDecompressCtx decompressor = new ZstdDecompressCtx();

    DeltaCodec(Way way) {
        this.way = way;
        compressor.setLevel(LEVEL).setContentSize(false).setChecksum(false).setDictID(false);
    }

    /// Returns the length of what was put into `into`; 0 if too much changed.
    int encode(byte[] base, byte[] chunk, byte[] baseId, byte[] into) {
        int unit = way.unit();
        int bitmap = way.kind() == Way.Kind.DICTIONARY ? 0 : (CHUNK / unit + 7) / 8;
        System.arraycopy(baseId, 0, into, 0, ID);
        Arrays.fill(into, ID, ID + bitmap, (byte) 0);
        int to = ID + bitmap;
        int changed = 0;
        for (int at = 0; at < CHUNK; at += unit) {
            if (Arrays.equals(base, at, at + unit, chunk, at, at + unit)) {
                continue;
            }
            changed += unit;
            if (changed > way.limit()) {
                return 0;
            }
            if (bitmap > 0) {
                into[ID + at / unit / 8] |= (byte) (1 << (at / unit % 8));
                for (int i = 0; i < unit; i++) {
                    into[to + i] =
                            way.kind() == Way.Kind.XOR
                                    ? (byte) (chunk[at + i] ^ base[at + i])
                                    : chunk[at + i];
                }
                to += unit;
            }
        }
        if (bitmap > 0) {
            return to;
        }
        compressor.loadDict(base);
        return to + compressor.compressByteArray(into, to, into.length - to, chunk, 0, CHUNK);
    }

    /// Makes of the chunk before the one after.
    ///
    /// @param item what [#encode] made, from index `at` on
    void apply(byte[] chunk, byte[] item, int at, int length) {
        if (way.kind() == Way.Kind.DICTIONARY) {
            decompressor.loadDict(chunk);
            byte[] after = new byte[CHUNK];
            decompressor.decompressByteArray(after, 0, CHUNK, item, at + ID, length - ID);
            System.arraycopy(after, 0, chunk, 0, CHUNK);
            return;
        }
        int unit = way.unit();
        int units = CHUNK / unit;
        int from = at + ID + (units + 7) / 8;
        for (int u = 0; u < units; u++) {
            if ((item[at + ID + u / 8] >>> (u % 8) & 1) == 0) {
                continue;
            }
            for (int i = 0; i < unit; i++) {
                int to = u * unit + i;
                chunk[to] =
                        way.kind() == Way.Kind.XOR
                                ? (byte) (chunk[to] ^ item[from + i])
                                : item[from + i];
            }
            from += unit;
        }
    }

    @Override
    public void close() {
        compressor.close();
        decompressor.close();
    }
}
