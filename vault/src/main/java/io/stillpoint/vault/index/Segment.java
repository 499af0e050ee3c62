package io.stillpoint.vault.index;

import io.stillpoint.vault.crypto.Checksum;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.ObjectHeader;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.crypto.Sealer;
import io.stillpoint.vault.crypto.Slice;
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
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.zip.CRC32C;
import javax.crypto.SecretKey;
import org.jspecify.annotations.Nullable;

/// One sorted, immutable part of the index (section 7 of the format), looked up in place: on the heap are its list
/// of packs and [Blocks]. Safe for use by several threads, each with its own [BlockBuffer].
///
/// Who reads it holds it meanwhile: it is closed when its owner has retired it and the last one has released it.
final class Segment {
    static final int BLOCK = 4096;
    static final int ENTRY = 48;
    static final int ENTRIES_PER_BLOCK = 85;
    static final int TRAILER = 20 + Sealer.TAG + Integer.BYTES;
    private static final int NUMBERS = 20;
    static final int TABLE_FRAME = FrameCodec.PLAIN_MAX;

    private final SegmentFile file;
    private final long entries;
    private final List<ObjectId> packs;
    private final Blocks blocks;
    // Its owner's hold is the first.
    private final AtomicInteger holds = new AtomicInteger(1);

    /// Where one thread decrypts blocks to.
    static final class BlockBuffer {
        final ByteBuffer plain = ByteBuffer.allocate(BLOCK - Sealer.TAG);
        private final Sealer sealer = new Sealer();
        private final Slice sealed = Slice.of(new byte[BLOCK]);
        private final Slice opened = Slice.of(plain.array());
    }

    private Segment(SegmentFile file, long entries, List<ObjectId> packs, Blocks blocks) {
        this.file = file;
        this.entries = entries;
        this.packs = packs;
        this.blocks = blocks;
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
            return read(new SegmentFile(object, where, key));
        } catch (RuntimeException | Error e) {
            object.close();
            throw e;
        }
    }

    private static Segment read(SegmentFile file) {
        StoredObject object = file.object();
        Where where = file.where();
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
        trailer.position(TRAILER - Integer.BYTES);
        long tablesAt = (1L + blocks) * BLOCK;
        if (trailer.getInt() != Checksum.of(bytes, 0, TRAILER - Integer.BYTES)
                || packCount < 0
                || blocks < 0
                || entries < 0
                || blocks != (entries + ENTRIES_PER_BLOCK - 1) / ENTRIES_PER_BLOCK
                || tablesAt > trailerAt
                || !new Sealer()
                        .isSigned(
                                file.key(),
                                trailerAt,
                                signed(where.name().id(), bytes),
                                bytes,
                                NUMBERS)) {
            throw where.damaged("trailer");
        }
        long length = (long) packCount * ObjectId.LENGTH + (long) blocks * Blocks.BYTES;
        // Whoever signed the trailer: what is asked of the heap is in proportion to what there is.
        if (length / 100 > trailerAt - tablesAt) {
            throw where.damaged("tables");
        }
        try (TableReader tables = new TableReader(file, tablesAt, trailerAt, length)) {
            ObjectId[] packs = new ObjectId[packCount];
            Arrays.setAll(packs, _ -> new ObjectId(tables.next(), tables.next()));
            Blocks read = Blocks.read(tables, blocks);
            tables.requireEnd();
            return new Segment(file, entries, List.of(packs), read);
        }
    }

    /// What a trailer's tag authenticates: the object's header, and the trailer's numbers.
    static byte[] signed(ObjectId id, byte[] trailer) {
        byte[] header = new ObjectHeader(ObjectKind.INDEX, id).bytes();
        byte[] signed = Arrays.copyOf(header, header.length + NUMBERS);
        System.arraycopy(trailer, 0, signed, header.length, NUMBERS);
        return signed;
    }

    ObjectName name() {
        return file.object().name();
    }

    long entries() {
        return entries;
    }

    int blocks() {
        return blocks.count();
    }

    List<ObjectId> packs() {
        return packs;
    }

    Where where() {
        return file.where();
    }

    /// Keeps the segment open until [#release]. Returns false if it is closed, or about to be: it has been retired.
    boolean hold() {
        int before = holds.get();
        while (before > 0) {
            if (holds.compareAndSet(before, before + 1)) {
                return true;
            }
            before = holds.get();
        }
        return false;
    }

    void release() {
        if (holds.decrementAndGet() == 0) {
            file.object().close();
        }
    }

    /// To be called once, by the owner, when nobody is to find it any more.
    void retire() {
        release();
    }

    /// The block to begin with when looking for the item, or -1 if the segment does not have it. Reads nothing, so it
    /// needs no hold.
    int candidate(ItemId id) {
        return filtered(blocks.lastUpTo(id.a()), id);
    }

    /// The last block up to `block` that may have the item, or -1. An item's places may begin in the block before.
    private int filtered(int block, ItemId id) {
        int at = block;
        while (at >= 0 && !blocks.mayHave(at, id.b())) {
            at = blocks.fence(at) == id.a() ? at - 1 : -1;
        }
        return at;
    }

    /// The first of the item's places that is accepted, or null if there is none in this segment.
    ///
    /// @param candidate what [#candidate] said
    @Nullable Place find(ItemId id, int candidate, BlockBuffer buffer, Predicate<Place> accepted) {
        int block = candidate;
        while (block >= 0) {
            Place place = findIn(block, id, buffer, accepted);
            if (place != null) {
                return place;
            }
            block = blocks.fence(block) == id.a() ? filtered(block - 1, id) : -1;
        }
        return null;
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
        return block < blocks.count() - 1
                ? ENTRIES_PER_BLOCK
                : (int) (entries - (long) block * ENTRIES_PER_BLOCK);
    }

    private ByteBuffer load(int block, BlockBuffer buffer) {
        readSealed(block, 1, buffer.sealed.bytes());
        open(block, buffer.sealed, buffer);
        return buffer.plain;
    }

    /// Reads a place from the buffer's position on, behind the id.
    private Place place(ByteBuffer entry) {
        int pack = entry.getInt();
        if (pack < 0 || pack >= packs.size()) {
            throw where().damaged("pack number");
        }
        return place(packs.get(pack), entry.getInt(), entry.getLong());
    }

    /// @param lengths the last eight bytes of the entry
    static Place place(ObjectId pack, int frameOffset, long lengths) {
        return new Place(
                pack,
                Integer.toUnsignedLong(frameOffset),
                (int) (lengths >>> 40),
                (int) (lengths >>> 16) & 0xFFFFFF,
                ((int) lengths & 0xFFFF) + 1);
    }

    /// Checks every byte of the segment against its checksum.
    void checkWhole() {
        checkWhole(file.object(), file.where());
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
                || trailer.getInt(TRAILER - Integer.BYTES)
                        != Checksum.of(buffer, 0, TRAILER - Integer.BYTES)) {
            throw where.damaged("checksum");
        }
    }

    /// Reads blocks as they are stored.
    void readSealed(int block, int count, byte[] into) {
        file.object().read((1L + block) * BLOCK, into, 0, count * BLOCK);
    }

    /// Decrypts a block that was read before.
    void open(int block, Slice sealed, BlockBuffer buffer) {
        long offset = (1L + block) * BLOCK;
        if (!buffer.sealer.open(file.key(), offset, Slice.NONE, sealed, buffer.opened)) {
            throw where().damaged("block " + block);
        }
        buffer.plain.clear();
    }
}
