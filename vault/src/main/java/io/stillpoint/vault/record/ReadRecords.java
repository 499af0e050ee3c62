package io.stillpoint.vault.record;

import io.stillpoint.vault.store.CacheBounds;
import io.stillpoint.vault.store.KeptBytes;
import io.stillpoint.vault.store.ObjectStore.Listed;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// Objects of records that were read lately. A record never changes, so one of which a listing says that it is as it was (name,
/// length, and when it was made) need not be asked for again. Safe for use by several threads; nothing is read under the lock.
final class ReadRecords {
    private final ReentrantLock lock = new ReentrantLock();
    private final KeptBytes<Listed, byte[]> kept = new KeptBytes<>(CacheBounds.USUAL.recordBytes());

    byte @Nullable [] get(Listed listed) {
        lock.lock();
        try {
            return kept.get(listed);
        } finally {
            lock.unlock();
        }
    }

    void put(Listed listed, byte[] content) {
        lock.lock();
        try {
            kept.put(listed, content, content.length);
        } finally {
            lock.unlock();
        }
    }
}
