package io.stillpoint.vault.verify;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.vault.crypto.Checksum;
import io.stillpoint.vault.crypto.ObjectHeader;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.pack.FrameCodec;
import io.stillpoint.vault.pack.PackCheck;
import io.stillpoint.vault.pack.Where;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.ObjectStore.StoredObject;
import java.nio.ByteBuffer;
import java.util.EnumSet;
import java.util.Set;

/// Checks objects without any key: every byte of an object is covered by a checksum that stands in it.
public final class ObjectCheck {
    /// What a check takes in bytes at most: a frame.
    static final long MEMORY = FrameCodec.PLAIN_MAX;

    private static final int CRC = Integer.BYTES;

    private final ObjectStore store;
    private final Cancellation cancellation;

    public ObjectCheck(ObjectStore store, Cancellation cancellation) {
        this.store = store;
        this.cancellation = cancellation;
    }

    /// Reads the whole object and returns its length in bytes. Throws kinds `DAMAGED`, `MISSING`, `TOO_NEW`.
    public long check(ObjectName name) {
        return switch (name.area()) {
            case PACKS -> checkPack(name);
            case INDEX -> checkSegment(name);
            case VAULT,
                    KEYS,
                    POINTS,
                    SESSIONS,
                    FORGOTTEN,
                    UNDONE,
                    CONDEMNED,
                    EXECUTED,
                    QUARANTINE,
                    CATALOGUE ->
                    checkSmall(name);
        };
    }

    private long checkPack(ObjectName name) {
        try (StoredObject object = store.open(name)) {
            readHeader(object, name);
            new PackCheck(object, new Where(store.description(), name), cancellation).run();
            return object.size();
        }
    }

    private long checkSegment(ObjectName name) {
        try (StoredObject object = store.open(name)) {
            readHeader(object, name);
            ItemIndex.checkSealed(object, new Where(store.description(), name));
            return object.size();
        }
    }

    private void readHeader(StoredObject object, ObjectName name) {
        byte[] header = new byte[ObjectHeader.LENGTH];
        object.read(0, header, 0, header.length);
        ObjectHeader.read(header, kinds(name.area()), name, store.description());
    }

    /// All others end with a checksum of all bytes before.
    private long checkSmall(ObjectName name) {
        byte[] bytes = store.get(name);
        ObjectHeader.read(bytes, kinds(name.area()), name, store.description());
        int end = bytes.length - CRC;
        if (end < ObjectHeader.LENGTH
                || ByteBuffer.wrap(bytes).getInt(end) != Checksum.of(bytes, 0, end)) {
            throw new Where(store.description(), name).damaged("checksum");
        }
        return bytes.length;
    }

    private static Set<ObjectKind> kinds(Area area) {
        EnumSet<ObjectKind> kinds = EnumSet.allOf(ObjectKind.class);
        kinds.removeIf(kind -> kind.area() != area);
        return kinds;
    }
}
