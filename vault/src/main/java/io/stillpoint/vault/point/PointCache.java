package io.stillpoint.vault.point;

import io.stillpoint.vault.store.CacheBounds;
import io.stillpoint.vault.store.KeptBytes;
import io.stillpoint.vault.store.ObjectId;
import org.jspecify.annotations.Nullable;

/// Points that were read lately: they never change, so what was read once need not be read again. Bounded by the bytes of their
/// objects, of which a point takes a few times as many on the heap. Safe for use by several threads; nothing is read under its
/// lock.
final class PointCache {
    private final KeptBytes<ObjectId, RecoveryPoint> kept =
            new KeptBytes<>(CacheBounds.USUAL.pointBytes());

    synchronized @Nullable RecoveryPoint get(ObjectId id) {
        return kept.get(id);
    }

    /// @param length of its object in bytes
    synchronized void put(RecoveryPoint point, int length) {
        kept.put(point.id(), point, length);
    }
}
