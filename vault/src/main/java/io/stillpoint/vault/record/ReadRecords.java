package io.stillpoint.vault.record;

import io.stillpoint.vault.store.CacheBounds;
import io.stillpoint.vault.store.ObjectStore.Listed;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// Objects of records that were read lately. A record never changes, so one of which a listing says that it is as it was (name,
/// length, and when it was made) need not be asked for again. Bounded in bytes. Safe for use by several threads; nothing is
/// read under the lock.
final class ReadRecords {
    private final long bytesMax = CacheBounds.USUAL.recordBytes();
    private final ReentrantLock lock = new ReentrantLock();
    // The least recently used comes first.
    private final Map<Listed, byte[]> records = new LinkedHashMap<>(16, 0.75f, true);
    private long bytes;

    byte @Nullable [] get(Listed listed) {
        lock.lock();
        try {
            return records.get(listed);
        } finally {
            lock.unlock();
        }
    }

    void put(Listed listed, byte[] content) {
        lock.lock();
        try {
            bytes += records.put(listed, content) == null ? content.length : 0;
            Iterator<byte[]> oldestFirst = records.values().iterator();
            while (bytes > bytesMax) {
                bytes -= oldestFirst.next().length;
                oldestFirst.remove();
            }
        } finally {
            lock.unlock();
        }
    }
}
