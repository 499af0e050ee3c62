package io.stillpoint.vault.pack;

import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import io.stillpoint.vault.crypto.ItemId;
import java.nio.ByteBuffer;
import java.util.Arrays;

/// Chunks as differences from others (section 5 of the format; `docs/decisions/0005-changes-against-predecessors.md`): the base's id,
/// then a zstd frame that has the base's bytes as its dictionary. For one thread at a time.
public final class DifferenceCodec implements AutoCloseable {
    static {
        ZstdLibrary.load();
    }

    /// Longest difference in bytes; a longer one is not worth reading two chunks for.
    public static final int LENGTH_MAX = 1 << 15;

    private static final int CHUNK = 1 << 16;
    private static final int SECTOR = 512;
    private static final byte[] ZEROS = new byte[SECTOR];
    // Of a dictionary that begins so, zstd would expect tables.
    private static final byte[] DICTIONARY_MAGIC = {0x37, (byte) 0xA4, 0x30, (byte) 0xEC};

    private final ZstdCompressCtx compressor = new ZstdCompressCtx();
    private final ZstdDecompressCtx decompressor = new ZstdDecompressCtx();
    private final byte[] difference = new byte[ItemId.LENGTH + CHUNK + CHUNK / 64];

    public DifferenceCodec() {
        Compression.DATA.configure(compressor);
        compressor.setContentSize(false).setChecksum(false).setDictID(false);
    }

    /// Makes a difference of 65,536 bytes from a base of as many, and returns its length in bytes, or 0 if the chunk had
    /// better be stored whole. The difference is in [#bytes] from its start on until the next call.
    public int make(ItemId baseId, byte[] base, byte[] chunk, int at) {
        if (startsLikeADictionary(base) || !isHalfTheSame(base, chunk, at)) {
            return 0;
        }
        baseId.write(ByteBuffer.wrap(difference));
        compressor.loadDict(base);
        int length;
        try {
            length =
                    ItemId.LENGTH
                            + compressor.compressByteArray(
                                    difference,
                                    ItemId.LENGTH,
                                    difference.length - ItemId.LENGTH,
                                    chunk,
                                    at,
                                    CHUNK);
        } catch (ZstdException e) {
            return 0;
        }
        return length <= LENGTH_MAX ? length : 0;
    }

    /// What [#make] made.
    public byte[] bytes() {
        return difference;
    }

    /// The base of a difference of `length` bytes.
    public static ItemId base(byte[] from, int at) {
        return ItemId.read(ByteBuffer.wrap(from, at, ItemId.LENGTH));
    }

    /// Writes the 65,536 bytes of the chunk to `into`, from index `at` on. Returns false if the bytes are no difference
    /// from this base; `into` holds nothing of use then.
    public boolean apply(byte[] from, byte[] base, byte[] into, int at) {
        int length = from.length;
        if (length <= ItemId.LENGTH || length > LENGTH_MAX || startsLikeADictionary(base)) {
            return false;
        }
        try {
            decompressor.loadDict(base);
            return decompressor.decompressByteArray(
                            into, at, CHUNK, from, ItemId.LENGTH, length - ItemId.LENGTH)
                    == CHUNK;
        } catch (ZstdException e) {
            return false;
        }
    }

    private static boolean startsLikeADictionary(byte[] base) {
        return Arrays.equals(base, 0, DICTIONARY_MAGIC.length, DICTIONARY_MAGIC, 0, 4);
    }

    /// Zeros cost nothing in a whole chunk either, so they count for neither side.
    private static boolean isHalfTheSame(byte[] base, byte[] chunk, int at) {
        int filled = 0;
        int same = 0;
        for (int i = 0; i < CHUNK; i += SECTOR) {
            if (!Arrays.equals(ZEROS, 0, SECTOR, chunk, at + i, at + i + SECTOR)) {
                filled++;
                same += Arrays.equals(base, i, i + SECTOR, chunk, at + i, at + i + SECTOR) ? 1 : 0;
            }
        }
        return same * 2 >= filled;
    }

    @Override
    public void close() {
        compressor.close();
        decompressor.close();
    }
}
