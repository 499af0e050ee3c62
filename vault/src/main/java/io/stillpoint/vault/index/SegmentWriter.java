package io.stillpoint.vault.index;

import io.stillpoint.vault.crypto.Checksum;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.ObjectHeader;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.crypto.Sealer;
import io.stillpoint.vault.crypto.Slice;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectStore;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import javax.crypto.SecretKey;

/// Writes a segment from entries that come in the order of their ids. On the heap are its tables, and 256 KiB.
public final class SegmentWriter implements AutoCloseable {
    private static final int BLOCKS_PER_WRITE = 64;

    private final ObjectName name;
    private final SecretKey key;
    private final ObjectStore.Upload upload;
    private final List<ObjectId> packs;
    private final Map<ObjectId, Integer> numbers = new HashMap<>();
    private final CRC32C crc = new CRC32C();
    private final Sealer sealer = new Sealer();
    private final ByteBuffer block = ByteBuffer.allocate(Segment.BLOCK - Sealer.TAG);
    private final byte[] sealed = new byte[BLOCKS_PER_WRITE * Segment.BLOCK];
    private final Blocks blocks = new Blocks();
    private ItemId last = new ItemId(0, 0, 0, 0);
    private int sealedLength;
    private long entries;
    private long written;

    /// @param packs to list, each once; every entry's pack must be among them
    public SegmentWriter(ObjectStore store, VaultKeys keys, ObjectId id, List<ObjectId> packs) {
        name = new ObjectName(ObjectName.Area.INDEX, id);
        key = keys.objectKey(ObjectKind.INDEX, id);
        this.packs = List.copyOf(packs);
        for (int i = 0; i < packs.size(); i++) {
            numbers.put(packs.get(i), i);
        }
        upload = store.create(name);
        byte[] head = Arrays.copyOf(new ObjectHeader(ObjectKind.INDEX, id).bytes(), Segment.BLOCK);
        try {
            write(head, head.length);
        } catch (RuntimeException | Error e) {
            upload.close();
            throw e;
        }
    }

    /// Adds an entry. Ids must not descend; an item may have several places.
    public void add(ItemId id, Place place) {
        Integer pack = numbers.get(place.pack());
        if (pack == null) {
            throw new IllegalArgumentException("pack " + place.pack() + " is not listed");
        }
        add(
                id,
                pack,
                (int) place.frameOffset(),
                (long) place.frameLength() << 40
                        | (long) place.itemOffset() << 16
                        | (place.itemLength() - 1));
    }

    /// As [#add(ItemId, Place)].
    ///
    /// @param pack its position in the list
    /// @param lengths the last eight bytes of the entry
    void add(ItemId id, int pack, int frameOffset, long lengths) {
        if (last.compareTo(id) > 0) {
            throw new IllegalArgumentException(id + " after " + last);
        }
        if (!block.hasRemaining()) {
            sealBlock();
        }
        if (block.position() == 0) {
            blocks.begin(id.a());
        }
        blocks.add(id.b());
        id.write(block);
        block.putInt(pack).putInt(frameOffset).putLong(lengths);
        last = id;
        entries++;
    }

    /// Makes the segment durable and returns its size in bytes.
    public long commit() {
        if (block.position() > 0) {
            sealBlock();
        }
        writeSealed();
        writeTables();
        ByteBuffer trailer = ByteBuffer.allocate(Segment.TRAILER);
        trailer.putLong(entries)
                .putInt(packs.size())
                .putInt(blocks.count())
                .putInt((int) crc.getValue());
        sealer.sign(
                key,
                written,
                Segment.signed(name.id(), trailer.array()),
                trailer.array(),
                trailer.position());
        trailer.position(trailer.position() + Sealer.TAG);
        trailer.putInt(Checksum.of(trailer.array(), 0, Segment.TRAILER - Integer.BYTES));
        write(trailer.array(), Segment.TRAILER);
        upload.commit();
        return written;
    }

    ObjectName name() {
        return name;
    }

    private void sealBlock() {
        Arrays.fill(block.array(), block.position(), block.capacity(), (byte) 0);
        sealer.seal(
                key,
                written + sealedLength,
                Slice.NONE,
                Slice.of(block.array()),
                new Slice(sealed, sealedLength, Segment.BLOCK));
        block.clear();
        sealedLength += Segment.BLOCK;
        if (sealedLength == sealed.length) {
            writeSealed();
        }
    }

    private void writeSealed() {
        write(sealed, sealedLength);
        sealedLength = 0;
    }

    private void writeTables() {
        long length = (long) packs.size() * ObjectId.LENGTH + (long) blocks.count() * Blocks.BYTES;
        try (TableWriter tables = new TableWriter(key, written, length, this::write)) {
            for (ObjectId pack : packs) {
                tables.put(pack.high());
                tables.put(pack.low());
            }
            blocks.write(tables);
        }
    }

    private void write(byte[] bytes, int length) {
        upload.write(bytes, 0, length);
        crc.update(bytes, 0, length);
        written += length;
    }

    @Override
    public void close() {
        upload.close();
    }
}
