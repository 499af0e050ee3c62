package io.stillpoint.vault.index;

import io.stillpoint.vault.crypto.Checksum;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.ObjectHeader;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.crypto.Sealer;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.pack.FrameCodec;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.pack.Where;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.ObjectStore.StoredObject;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;
import javax.crypto.SecretKey;
import org.jspecify.annotations.Nullable;

/// One sorted, immutable part of the index (section 7 of the format), looked up in place: on the heap are its list
/// of packs and eight bytes for every 85 entries. Safe for use by several threads, each with its own
/// [BlockBuffer].
final class Segment implements AutoCloseable {
    static final int BLOCK = 4096;
    static final int ENTRY = 48;
    static final int ENTRIES_PER_BLOCK = 85;
    static final int TRAILER = 24;
    static final int TABLE_FRAME = FrameCodec.PLAIN_MAX;

    private final StoredObject object;
    private final Where where;
    private final SecretKey key;
    private final long entries;
    private final ObjectId[] packs;
    private final long[] fences;

    /// Where one thread decrypts blocks to.
    static final class BlockBuffer {
        final Sealer sealer = new Sealer();
        final byte[] sealed = new byte[BLOCK];
        final ByteBuffer plain = ByteBuffer.allocate(BLOCK - Sealer.TAG);
    }

    private Segment(
            StoredObject object,
            Where where,
            SecretKey key,
            long entries,
            ObjectId[] packs,
            long[] fences) {
        this.object = object;
        this.where = where;
        this.key = key;
        this.entries = entries;
        this.packs = packs;
        this.fences = fences;
    }

    /// Opens a segment and reads its tables. Throws kinds `MISSING`, `DAMAGED`, `TOO_NEW`.
    static Segment open(ObjectStore store, VaultKeys keys, ObjectName name) {
        StoredObject object = store.open(name);
        try {
            Where where = new Where(store.description(), name);
            byte[] header = new byte[ObjectHeader.LENGTH];
            object.read(0, header, 0, header.length);
            ObjectHeader.read(header, EnumSet.of(ObjectKind.INDEX), name, store.description());
            SecretKey key = keys.objectKey(ObjectKind.INDEX, name.id());
            return read(object, where, key);
        } catch (RuntimeException | Error e) {
            object.close();
            throw e;
        }
    }

    private static Segment read(StoredObject object, Where where, SecretKey key) {
        long trailerAt = object.size() - TRAILER;
        if (trailerAt < BLOCK) {
            throw where.damaged("trailer");
        }
        byte[] bytes = new byte[TRAILER];
        object.read(trailerAt, bytes, 0, TRAILER);
        ByteBuffer trailer = ByteBuffer.wrap(bytes);
        long entries = trailer.getLong();
        int packCount = trailer.getInt();
        int blocks = trailer.getInt();
        trailer.getInt();
        long tablesAt = (1L + blocks) * BLOCK;
        if (trailer.getInt() != Checksum.of(bytes, 0, TRAILER - Integer.BYTES)
                || packCount < 0
                || blocks < 0
                || entries < 0
                || blocks != (entries + ENTRIES_PER_BLOCK - 1) / ENTRIES_PER_BLOCK
                || tablesAt > trailerAt) {
            throw where.damaged("trailer");
        }
        long length = (long) packCount * ObjectId.LENGTH + (long) blocks * Long.BYTES;
        // Nobody signed the trailer: what is asked of the heap is in proportion to what there is.
        if (length / 100 > trailerAt - tablesAt) {
            throw where.damaged("tables");
        }
        ByteBuffer tables = tables(object, where, key, tablesAt, trailerAt, length);
        ObjectId[] packs = new ObjectId[packCount];
        Arrays.setAll(packs, i -> ObjectId.read(tables));
        long[] fences = IntStream.range(0, blocks).mapToLong(i -> tables.getLong()).toArray();
        return new Segment(object, where, key, entries, packs, fences);
    }

    private static ByteBuffer tables(
            StoredObject object, Where where, SecretKey key, long from, long to, long length) {
        if (length > Integer.MAX_VALUE - 8) {
            throw where.damaged("tables");
        }
        ByteBuffer tables = ByteBuffer.allocate((int) length);
        byte[] plain = new byte[(int) Math.min(TABLE_FRAME, length)];
        try (TableReader reader = new TableReader(object, where, key)) {
            for (long at = from; at < to; at += reader.frameLength()) {
                int size = reader.read(at, to, plain);
                if (size > tables.remaining()) {
                    throw where.damaged("tables");
                }
                tables.put(plain, 0, size);
            }
        }
        if (tables.hasRemaining()) {
            throw where.damaged("tables");
        }
        return tables.flip();
    }

    ObjectName name() {
        return object.name();
    }

    long entries() {
        return entries;
    }

    int blocks() {
        return fences.length;
    }

    List<ObjectId> packs() {
        return List.of(packs);
    }

    /// The first of the item's places that is accepted, or null if there is none in this segment.
    @Nullable Place find(ItemId id, BlockBuffer buffer, Predicate<Place> accepted) {
        int block = lastFenceUpTo(id.a());
        // An item's places may begin in the block before.
        for (; block >= 0; block--) {
            Place place = findIn(block, id, buffer, accepted);
            if (place != null || fences[block] != id.a()) {
                return place;
            }
        }
        return null;
    }

    private int lastFenceUpTo(long prefix) {
        int low = 0;
        int high = fences.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (Long.compareUnsigned(fences[middle], prefix) <= 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low - 1;
    }

    private @Nullable Place findIn(
            int block, ItemId id, BlockBuffer buffer, Predicate<Place> accepted) {
        ByteBuffer plain = load(block, buffer);
        int count = entriesIn(block);
        for (int i = firstNotBelow(id, plain, count); i < count; i++) {
            if (!ItemId.read(plain.position(i * ENTRY)).equals(id)) {
                return null;
            }
            Place place = place(plain);
            if (accepted.test(place)) {
                return place;
            }
        }
        return null;
    }

    private static int firstNotBelow(ItemId id, ByteBuffer plain, int count) {
        int low = 0;
        int high = count;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (ItemId.read(plain.position(middle * ENTRY)).compareTo(id) < 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    int entriesIn(int block) {
        return block < fences.length - 1
                ? ENTRIES_PER_BLOCK
                : (int) (entries - (long) block * ENTRIES_PER_BLOCK);
    }

    /// Decrypts a block and returns its entries, from position 0 on.
    ByteBuffer load(int block, BlockBuffer buffer) {
        long offset = (1L + block) * BLOCK;
        object.read(offset, buffer.sealed, 0, BLOCK);
        if (!buffer.sealer.open(
                key, offset, Sealer.Aad.NONE, buffer.sealed, 0, BLOCK, buffer.plain.array(), 0)) {
            throw where.damaged("block " + block);
        }
        return buffer.plain.clear();
    }

    /// Reads a place from the buffer's position on, behind the id.
    Place place(ByteBuffer entry) {
        int pack = entry.getInt();
        long frameOffset = Integer.toUnsignedLong(entry.getInt());
        long packed = entry.getLong();
        if (pack < 0 || pack >= packs.length) {
            throw where.damaged("pack number");
        }
        return new Place(
                packs[pack],
                frameOffset,
                (int) (packed >>> 40),
                (int) (packed >>> 16) & 0xFFFFFF,
                ((int) packed & 0xFFFF) + 1);
    }

    /// Checks every byte of the segment against its checksum.
    void checkWhole() {
        checkWhole(object, where);
    }

    /// As [#checkWhole()], for one that need not be open, without a key.
    static void checkWhole(StoredObject object, Where where) {
        CRC32C crc = new CRC32C();
        byte[] buffer = new byte[1 << 20];
        long end = object.size() - TRAILER;
        if (end < BLOCK) {
            throw where.damaged("trailer");
        }
        for (long at = 0; at < end; at += buffer.length) {
            int length = (int) Math.min(buffer.length, end - at);
            object.read(at, buffer, 0, length);
            crc.update(buffer, 0, length);
        }
        object.read(end, buffer, 0, TRAILER);
        ByteBuffer trailer = ByteBuffer.wrap(buffer);
        if (trailer.getInt(16) != (int) crc.getValue()
                || trailer.getInt(20) != Checksum.of(buffer, 0, TRAILER - Integer.BYTES)) {
            throw where.damaged("checksum");
        }
    }

    @Override
    public void close() {
        object.close();
    }
}
