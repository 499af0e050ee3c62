package io.stillpoint.vault.index;

import io.stillpoint.vault.crypto.Checksum;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.ObjectHeader;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.crypto.Sealer;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.pack.Compression;
import io.stillpoint.vault.pack.FrameCodec;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectStore;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32C;
import javax.crypto.SecretKey;

/// Writes a segment from entries that come in the order of their ids. On the heap are only its tables.
final class SegmentWriter implements AutoCloseable {
    private final ObjectName name;
    private final SecretKey key;
    private final ObjectStore.Upload upload;
    private final Map<ObjectId, Integer> packs = new HashMap<>();
    private final ObjectId[] packList;
    private final CRC32C crc = new CRC32C();
    private final Sealer sealer = new Sealer();
    private final ByteBuffer block = ByteBuffer.allocate(Segment.BLOCK - Sealer.TAG);
    private final byte[] sealed = new byte[Segment.BLOCK];
    private long[] fences = new long[1024];
    private int blocks;
    private long entries;
    private long written;

    /// @param listed the packs to list; every entry's pack must be among them
    SegmentWriter(ObjectStore store, VaultKeys keys, ObjectId id, Set<ObjectId> listed) {
        name = new ObjectName(ObjectName.Area.INDEX, id);
        key = keys.objectKey(ObjectKind.INDEX, id);
        packList = listed.toArray(ObjectId[]::new);
        for (int i = 0; i < packList.length; i++) {
            packs.put(packList[i], i);
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
    void add(ItemId id, Place place) {
        if (!block.hasRemaining()) {
            sealBlock();
        }
        if (block.position() == 0) {
            addFence(id.a());
        }
        Integer pack = packs.get(place.pack());
        if (pack == null) {
            throw new IllegalArgumentException("pack " + place.pack() + " is not listed");
        }
        id.write(block);
        block.putInt(pack).putInt((int) place.frameOffset());
        block.putLong(
                (long) place.frameLength() << 40
                        | (long) place.itemOffset() << 16
                        | (place.itemLength() - 1));
        entries++;
    }

    /// Makes the segment durable and returns its size in bytes.
    long commit() {
        if (block.position() > 0) {
            sealBlock();
        }
        writeTables();
        ByteBuffer trailer = ByteBuffer.allocate(Segment.TRAILER);
        trailer.putLong(entries)
                .putInt(packList.length)
                .putInt(blocks)
                .putInt((int) crc.getValue());
        trailer.putInt(Checksum.of(trailer.array(), 0, Segment.TRAILER - Integer.BYTES));
        write(trailer.array(), Segment.TRAILER);
        upload.commit();
        return written;
    }

    ObjectName name() {
        return name;
    }

    private void addFence(long prefix) {
        if (blocks == fences.length) {
            fences = Arrays.copyOf(fences, 2 * blocks);
        }
        fences[blocks++] = prefix;
    }

    private void sealBlock() {
        Arrays.fill(block.array(), block.position(), block.capacity(), (byte) 0);
        sealer.seal(key, written, Sealer.Aad.NONE, block.array(), 0, block.capacity(), sealed, 0);
        write(sealed, sealed.length);
        block.clear();
    }

    private void writeTables() {
        ByteBuffer tables =
                ByteBuffer.allocate(packList.length * ObjectId.LENGTH + blocks * Long.BYTES);
        for (ObjectId pack : packList) {
            pack.write(tables);
        }
        tables.asLongBuffer().put(fences, 0, blocks);
        byte[] plain = tables.array();
        try (FrameCodec codec = new FrameCodec(Compression.METADATA)) {
            for (int at = 0; at < plain.length; at += Segment.TABLE_FRAME) {
                int end = Math.min(plain.length, at + Segment.TABLE_FRAME);
                byte[] frame =
                        codec.frame(key, written, Arrays.copyOfRange(plain, at, end), end - at);
                write(frame, frame.length);
            }
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
