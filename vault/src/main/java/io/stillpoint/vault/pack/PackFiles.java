package io.stillpoint.vault.pack;

import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectStore;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/// Packs that are open for reading: the least recently used are closed when there are too many. Safe for use by
/// several threads.
public final class PackFiles implements AutoCloseable {
    private static final int OPEN_MAX = 128;

    private final ObjectStore store;
    private final VaultKeys keys;
    private final Map<ObjectId, Shared> open = new LinkedHashMap<>(16, 0.75f, true);

    public PackFiles(ObjectStore store, VaultKeys keys) {
        this.store = store;
        this.keys = keys;
    }

    private static final class Shared {
        final PackFile file;
        int users;

        Shared(PackFile file) {
            this.file = file;
        }
    }

    /// Opens a pack or joins its users; each must [#release] it.
    public synchronized PackFile acquire(ObjectId id) {
        Shared shared = open.get(id);
        if (shared == null) {
            shared = new Shared(PackFile.open(store, keys, id));
            open.put(id, shared);
            evict();
        }
        shared.users++;
        return shared.file;
    }

    public synchronized void release(PackFile file) {
        Shared shared = open.get(file.id());
        if (shared != null) {
            shared.users--;
        }
    }

    private void evict() {
        Iterator<Shared> oldestFirst = open.values().iterator();
        while (open.size() > OPEN_MAX && oldestFirst.hasNext()) {
            Shared candidate = oldestFirst.next();
            // The newest has no user yet but stands last, and there are more than a few before it.
            if (candidate.users == 0 && oldestFirst.hasNext()) {
                candidate.file.close();
                oldestFirst.remove();
            }
        }
    }

    @Override
    public synchronized void close() {
        open.values().forEach(shared -> shared.file.close());
        open.clear();
    }
}
