package io.stillpoint.vault.pack;

import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.SharedAnswer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// Packs that are open for reading: when there are too many, the least recently used are closed that nobody uses. Safe for
/// use by several threads.
///
/// The lock covers the map and the counts of users. Packs are opened and closed outside of it: who wants a pack that another
/// thread is opening waits for that one, and nobody else waits.
public final class PackFiles implements AutoCloseable {
    private final ObjectStore store;
    private final VaultKeys keys;
    private final int openMax;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<ObjectId, Shared> open = new LinkedHashMap<>(16, 0.75f, true);
    private boolean isClosed;

    /// @param openMax how many to keep open that nobody uses, together with those in use
    public PackFiles(ObjectStore store, VaultKeys keys, int openMax) {
        this.store = store;
        this.keys = keys;
        this.openMax = openMax;
    }

    private static final class Shared {
        final SharedAnswer<PackFile> opening = new SharedAnswer<>();
        // The one that opens it and those that wait for it count too.
        int users;
        @Nullable PackFile file;
    }

    /// Opens a pack or joins its users; each must [#release] it. Throws what [PackFile#open] does;
    /// [CancelledException][io.stillpoint.platform.CancelledException] if interrupted while another thread opens it.
    public PackFile acquire(ObjectId id) {
        while (true) {
            Shared shared;
            boolean isFirst;
            lock.lock();
            try {
                if (isClosed) {
                    throw new IllegalStateException("packs of a closed vault");
                }
                shared = open.get(id);
                isFirst = shared == null;
                if (shared == null) {
                    shared = new Shared();
                    open.put(id, shared);
                }
                shared.users++;
                if (shared.file != null) {
                    return shared.file;
                }
            } finally {
                lock.unlock();
            }
            if (isFirst) {
                return open(id, shared);
            }
            Optional<PackFile> opened = joined(shared);
            if (opened.isPresent()) {
                return opened.get();
            }
        }
    }

    private PackFile open(ObjectId id, Shared shared) {
        List<PackFile> idle = new ArrayList<>();
        PackFile opened =
                shared.opening.ask(
                        () -> PackFile.open(store, keys, id),
                        file -> idle.addAll(settle(id, shared, file)));
        idle.forEach(PackFile::close);
        return opened;
    }

    /// Notes what came of opening a pack. Returns packs to be closed instead.
    private List<PackFile> settle(ObjectId id, Shared shared, @Nullable PackFile file) {
        lock.lock();
        try {
            shared.file = file;
            if (file == null) {
                // Whoever comes now tries anew.
                open.remove(id, shared);
                return List.of();
            }
            return evicted();
        } finally {
            lock.unlock();
        }
    }

    private Optional<PackFile> joined(Shared shared) {
        boolean isOpen = false;
        try {
            Optional<PackFile> opened = shared.opening.await();
            isOpen = opened.isPresent();
            return opened;
        } finally {
            if (!isOpen) {
                leave(shared);
            }
        }
    }

    private void leave(Shared shared) {
        lock.lock();
        try {
            shared.users--;
        } finally {
            lock.unlock();
        }
    }

    /// The caller does not use the pack any more.
    public void release(PackFile file) {
        lock.lock();
        try {
            Shared shared = open.get(file.id());
            if (shared == null ? !isClosed : shared.file != file || shared.users < 1) {
                throw new IllegalStateException(
                        "pack " + file.id() + " was released that nobody uses");
            }
            if (shared != null) {
                shared.users--;
            }
        } finally {
            lock.unlock();
        }
    }

    /// Takes out what is too much, the least recently used first, but nothing that is used or being opened.
    private List<PackFile> evicted() {
        List<PackFile> evicted = new ArrayList<>();
        Iterator<Shared> oldestFirst = open.values().iterator();
        while (open.size() > openMax && oldestFirst.hasNext()) {
            Shared candidate = oldestFirst.next();
            if (candidate.users == 0 && candidate.file != null) {
                evicted.add(candidate.file);
                oldestFirst.remove();
            }
        }
        return evicted;
    }

    /// When nobody uses any. Whoever comes later is refused.
    @Override
    public void close() {
        List<PackFile> left = new ArrayList<>();
        lock.lock();
        try {
            isClosed = true;
            for (Shared shared : open.values()) {
                if (shared.file != null) {
                    left.add(shared.file);
                }
            }
            open.clear();
        } finally {
            lock.unlock();
        }
        left.forEach(PackFile::close);
    }
}
