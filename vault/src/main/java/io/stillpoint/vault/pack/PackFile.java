package io.stillpoint.vault.pack;

import io.stillpoint.platform.Processors;
import io.stillpoint.vault.crypto.ObjectHeader;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.ObjectStore.StoredObject;
import java.nio.ByteBuffer;
import java.util.EnumSet;
import java.util.List;
import javax.crypto.SecretKey;

/// A stored pack, open for reading. Safe for use by several threads.
public final class PackFile implements AutoCloseable {
    private final StoredObject object;
    private final Where where;
    private final ObjectKind kind;
    private final SecretKey key;

    private PackFile(StoredObject object, Where where, ObjectKind kind, SecretKey key) {
        this.object = object;
        this.where = where;
        this.kind = kind;
        this.key = key;
    }

    /// Opens a pack and checks its header. Throws kinds `MISSING`, `DAMAGED`, `TOO_NEW`.
    public static PackFile open(ObjectStore store, VaultKeys keys, ObjectId id) {
        ObjectName name = new ObjectName(Area.PACKS, id);
        StoredObject object = Processors.aside(() -> store.open(name));
        try {
            byte[] header = new byte[ObjectHeader.LENGTH];
            Processors.aside(() -> object.read(0, header, 0, header.length));
            ObjectKind kind =
                    ObjectHeader.read(
                                    header,
                                    EnumSet.of(ObjectKind.DATA_PACK, ObjectKind.METADATA_PACK),
                                    name,
                                    store.description())
                            .kind();
            return new PackFile(
                    object, new Where(store.description(), name), kind, keys.objectKey(kind, id));
        } catch (RuntimeException | Error e) {
            object.close();
            throw e;
        }
    }

    public ObjectId id() {
        return object.name().id();
    }

    public ObjectKind kind() {
        return kind;
    }

    public long size() {
        return object.size();
    }

    public Where where() {
        return where;
    }

    SecretKey key() {
        return key;
    }

    void read(long offset, byte[] into, int length) {
        Processors.aside(() -> object.read(offset, into, 0, length));
    }

    /// Reads what stands in the pack, in the order of its frames, and checks that the frames fill it without gap.
    public List<PackGroup> directory(FrameReader reader) {
        PackCheck.PackTrailer trailer = PackCheck.PackTrailer.read(object, where);
        if (!trailer.isAuthentic(key, new ObjectHeader(kind, id()).bytes())) {
            throw where.damaged("trailer");
        }
        long offset = trailer.directoryOffset();
        int plain = reader.readChecked(this, offset, trailer.directoryLength());
        List<PackGroup> groups =
                PackGroup.decode(ByteBuffer.wrap(reader.plain(), 0, plain), trailer.frames());
        if (groups == null || !fills(groups, offset)) {
            throw where.damaged("directory");
        }
        return groups;
    }

    private static boolean fills(List<PackGroup> groups, long end) {
        long at = ObjectHeader.LENGTH;
        for (PackGroup group : groups) {
            if (group.frameOffset() != at) {
                return false;
            }
            at += group.frameLength();
        }
        return at == end;
    }

    @Override
    public void close() {
        object.close();
    }
}
