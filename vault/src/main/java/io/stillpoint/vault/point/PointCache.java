package io.stillpoint.vault.point;

import io.stillpoint.vault.store.CacheBounds;
import io.stillpoint.vault.store.ObjectId;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Points that were read lately: they never change, so what was read once need not be read again. Bounded by the bytes of their
/// objects, of which a point takes a few times as many on the heap. Safe for use by several threads; nothing is read under its
/// lock.
final class PointCache {
    /// Of objects, in bytes.
    private static final long BYTES_MAX = CacheBounds.USUAL.pointBytes();

    private final Map<ObjectId, Entry> entries = new LinkedHashMap<>(16, 0.75f, true);
    private long bytes;

    private record Entry(RecoveryPoint point, int bytes) {}

    synchronized @Nullable RecoveryPoint get(ObjectId id) {
        Entry entry = entries.get(id);
        return entry == null ? null : entry.point;
    }

    /// @param length of its object in bytes
    synchronized void put(RecoveryPoint point, int length) {
        Entry before = entries.put(point.id(), new Entry(point, length));
        bytes += length - (before == null ? 0 : before.bytes);
        Iterator<Entry> oldestFirst = entries.values().iterator();
        while (bytes > BYTES_MAX && oldestFirst.hasNext()) {
            bytes -= oldestFirst.next().bytes;
            oldestFirst.remove();
        }
    }
}
