package io.stillpoint.vault.store;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Values that were used lately, as many as a number of bytes allows: the least recently used go first. For one thread at a time;
/// its owner's lock covers it.
public final class KeptBytes<K, V> {
    private final long bytesMax;
    // The least recently used comes first.
    private final Map<K, Kept<V>> kept = new LinkedHashMap<>(16, 0.75f, true);
    private long bytes;

    private record Kept<V>(V value, long bytes) {}

    /// @param bytesMax of all values together
    public KeptBytes(long bytesMax) {
        this.bytesMax = bytesMax;
    }

    public @Nullable V get(K key) {
        Kept<V> found = kept.get(key);
        return found == null ? null : found.value;
    }

    /// Keeps a value, unless it alone is too large; then others stay.
    ///
    /// @param size in bytes
    public void put(K key, V value, long size) {
        if (size > bytesMax) {
            return;
        }
        Kept<V> before = kept.put(key, new Kept<>(value, size));
        bytes += size - (before == null ? 0 : before.bytes);
        Iterator<Kept<V>> oldestFirst = kept.values().iterator();
        while (bytes > bytesMax) {
            bytes -= oldestFirst.next().bytes;
            oldestFirst.remove();
        }
    }

    /// Of all values, in bytes.
    public long bytes() {
        return bytes;
    }

    public void clear() {
        kept.clear();
        bytes = 0;
    }
}
