package io.stillpoint.stores;

import io.stillpoint.stores.request.RangedObject;
import io.stillpoint.vault.crypto.ObjectHeader;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.VaultException;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Keeps copies of a remote store's metadata on a local disk: index segments, recovery points and metadata packs, whole. What
/// this process stores of these kinds is kept too. The folder may be deleted at any time, and several processes may
/// share it.
///
/// Copies are never trusted: each block has a checksum ([CacheFile]) and a bad one makes the read go to the store. That is
/// cheaper and safer than to rely on the vault's own checksums, whose failure would look like damage in the store. What
/// exists is asked of the store alone; a copy of an object that was deleted there can be read by its name until
/// it is trimmed, which harms nobody, since objects are immutable and names never used twice. To verify a
/// vault, open the store without this.
///
/// Nothing is locked while the store answers. Who wants an object that another thread fetches waits for that one's copy; nobody
/// else does.
public final class CachedStore implements ObjectStore {
    private final ObjectStore store;
    private final Path vaults;
    private final long bytesMax;
    private final InstantSource clock;
    private final ConcurrentMap<ObjectName, CompletableFuture<Boolean>> fetches =
            new ConcurrentHashMap<>();
    private volatile @Nullable CacheFolder folder;

    /// @param vaults where the vault's folder, named by its id, is or will be
    /// @param bytesMax of all copies of this vault
    public CachedStore(ObjectStore store, Path vaults, long bytesMax, InstantSource clock) {
        this.store = store;
        this.vaults = vaults;
        this.bytesMax = bytesMax;
        this.clock = clock;
    }

    /// For a vault whose id is known before its header was read.
    public static CachedStore of(
            ObjectStore store, Path vaults, ObjectId vault, long bytesMax, InstantSource clock) {
        CachedStore cached = new CachedStore(store, vaults, bytesMax, clock);
        cached.folder = new CacheFolder(vaults.resolve(vault.toString()), bytesMax, clock);
        return cached;
    }

    @Override
    public String description() {
        return store.description();
    }

    @Override
    public StoredObject open(ObjectName name) {
        CacheFolder cache = folder;
        return switch (name.area()) {
            case VAULT -> identify(store.open(name));
            case INDEX, POINTS, PACKS -> cache == null ? store.open(name) : open(cache, name);
            default -> store.open(name);
        };
    }

    /// The vault's id, which names the folder, is in the object that is read first of all.
    private StoredObject identify(StoredObject vault) {
        try {
            byte[] bytes = new byte[ObjectHeader.LENGTH];
            vault.read(0, bytes, 0, bytes.length);
            ObjectHeader header =
                    ObjectHeader.read(
                            bytes,
                            EnumSet.of(ObjectKind.VAULT),
                            ObjectName.vault(),
                            store.description());
            folder = new CacheFolder(vaults.resolve(header.id().toString()), bytesMax, clock);
        } catch (VaultException e) {
            // Who asked for the object will see what is wrong with it.
            folder = null;
        }
        return vault;
    }

    private StoredObject open(CacheFolder cache, ObjectName name) {
        CacheFile copy = cache.open(name);
        if (copy != null) {
            return new Copy(name, cache, copy);
        }
        CompletableFuture<Boolean> done = new CompletableFuture<>();
        CompletableFuture<Boolean> earlier = fetches.putIfAbsent(name, done);
        if (earlier != null) {
            await(earlier);
            copy = cache.open(name);
            // What can't be kept each fetches for itself, none after another; why the first failed
            // may be its own affair.
            return copy == null ? store.open(name) : new Copy(name, cache, copy);
        }
        try {
            // It may have come since.
            copy = cache.open(name);
            return copy == null ? fetch(cache, name) : new Copy(name, cache, copy);
        } finally {
            fetches.remove(name, done);
            done.complete(true);
        }
    }

    /// Waits for what another thread fetches. Who is interrupted goes to the store at once, which tells what that means.
    private static void await(CompletableFuture<?> fetch) {
        try {
            fetch.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | CancellationException e) {
            // Its thread throws it.
        }
    }

    private StoredObject fetch(CacheFolder cache, ObjectName name) {
        StoredObject object = store.open(name);
        Path temporary = null;
        try {
            if (!cache.holds(object.size()) || !isMetadata(object)) {
                return object;
            }
            temporary = cache.temporary();
            CacheFile.copy(object, temporary);
            cache.publish(temporary, name);
            CacheFile copy = cache.open(name);
            if (copy == null) {
                return object;
            }
            object.close();
            return new Copy(name, cache, copy);
        } catch (IOException e) {
            // No room or no permission: then without a copy.
            discard(temporary);
            return object;
        } catch (RuntimeException | Error e) {
            discard(temporary);
            object.close();
            throw e;
        }
    }

    private static void discard(@Nullable Path temporary) {
        if (temporary != null) {
            CacheFolder.discard(temporary);
        }
    }

    private boolean isMetadata(StoredObject object) {
        if (object.name().area() != Area.PACKS) {
            return true;
        }
        byte[] header = new byte[(int) Math.min(ObjectHeader.LENGTH, object.size())];
        object.read(0, header, 0, header.length);
        return isMetadataPack(header, header.length);
    }

    private static boolean isMetadataPack(byte[] bytes, int length) {
        // Section 2 of the format: 8 bytes of magic, then the kind's letter.
        return length >= ObjectHeader.LENGTH
                && bytes[Long.BYTES] == ObjectKind.METADATA_PACK.letter();
    }

    @Override
    public Upload create(ObjectName name) {
        CacheFolder cache = folder;
        Upload upload = store.create(name);
        return switch (name.area()) {
            case INDEX, POINTS, PACKS ->
                    cache == null ? upload : new KeptUpload(upload, name, cache);
            default -> upload;
        };
    }

    @Override
    public boolean exists(ObjectName name) {
        return store.exists(name);
    }

    @Override
    public void list(Area area, Consumer<Listed> visitor) {
        store.list(area, visitor);
    }

    @Override
    public void list(Area area, String prefix, Consumer<Listed> visitor) {
        store.list(area, prefix, visitor);
    }

    @Override
    public void delete(ObjectName name) {
        store.delete(name);
        CacheFolder cache = folder;
        if (cache != null && name.area() != Area.VAULT) {
            cache.drop(name);
        }
    }

    @Override
    public void retain(ObjectName name, Instant until) {
        store.retain(name, until);
    }

    @Override
    public Optional<Occupant> occupant() {
        return store.occupant();
    }

    @Override
    public void making(boolean isUnderWay) {
        store.making(isUnderWay);
    }

    @Override
    public void useReserve(boolean may) {
        store.useReserve(may);
    }

    @Override
    public Duration listingDelay() {
        return store.listingDelay();
    }

    @Override
    public int streams() {
        return store.streams();
    }

    @Override
    public void close() {
        store.close();
    }

    /// Reads the copy while it is good, and the store from then on.
    private final class Copy implements StoredObject {
        private final ObjectName name;
        private final CacheFolder cache;
        private final long size;
        private final AtomicReference<CacheFile> copy;
        private final AtomicReference<@Nullable CompletableFuture<StoredObject>> original =
                new AtomicReference<>();
        private final Queue<StoredObject> opened = new ConcurrentLinkedQueue<>();
        private volatile boolean isClosed;

        Copy(ObjectName name, CacheFolder cache, CacheFile copy) {
            this.name = name;
            this.cache = cache;
            this.copy = new AtomicReference<>(copy);
            size = copy.size();
        }

        @Override
        public ObjectName name() {
            return name;
        }

        @Override
        public long size() {
            return size;
        }

        @Override
        public Instant modifiedAt() {
            return original().modifiedAt();
        }

        @Override
        public void read(long offset, byte[] into, int at, int length) {
            if (length == 0) {
                return;
            }
            if (offset + length > size) {
                throw RangedObject.truncated(
                        store.description() + ": " + name, offset + length, size);
            }
            if (!isRead(offset, into, at, length)) {
                original().read(offset, into, at, length);
            }
        }

        private boolean isRead(long offset, byte[] into, int at, int length) {
            CacheFile file = copy.get();
            try {
                if (file.read(offset, into, at, length)) {
                    return true;
                }
            } catch (ClosedChannelException e) {
                // A thread was interrupted as it read, which closes the file for all. The copy is
                // as good as before.
                return isReopened(file) && isRead(offset, into, at, length);
            } catch (IOException e) {
                // As good as damaged.
            }
            cache.drop(name);
            return false;
        }

        private boolean isReopened(CacheFile closed) {
            if (isClosed || Thread.currentThread().isInterrupted()) {
                return false;
            }
            CacheFile again = cache.open(name);
            if (again == null) {
                return false;
            }
            if (again.size() != size || !copy.compareAndSet(closed, again)) {
                close(again);
            }
            return again.size() == size;
        }

        private static void close(CacheFile file) {
            try {
                file.close();
            } catch (IOException e) {
                // It was only read.
            }
        }

        /// The store's own object. One thread opens it, and others wait for that; if it fails, each of them tries itself.
        private StoredObject original() {
            CompletableFuture<StoredObject> mine = new CompletableFuture<>();
            @Nullable CompletableFuture<StoredObject> first =
                    original.compareAndExchange(null, mine);
            if (first != null) {
                await(first);
                if (first.state() == Future.State.SUCCESS) {
                    return first.resultNow();
                }
            }
            try {
                StoredObject object = store.open(name);
                opened.add(object);
                if (isClosed) {
                    object.close();
                }
                mine.complete(object);
                return object;
            } finally {
                if (mine.cancel(false)) {
                    original.compareAndSet(mine, null);
                }
            }
        }

        @Override
        public void close() {
            isClosed = true;
            close(copy.get());
            opened.forEach(StoredObject::close);
        }
    }

    /// Writes the copy beside the object. What goes wrong with the copy costs the copy alone.
    private static final class KeptUpload implements Upload {
        private final Upload upload;
        private final ObjectName name;
        private final CacheFolder cache;
        private boolean isBegun;
        private @Nullable Path temporary;
        private CacheFile.@Nullable Writer writer;

        KeptUpload(Upload upload, ObjectName name, CacheFolder cache) {
            this.upload = upload;
            this.name = name;
            this.cache = cache;
        }

        @Override
        public void write(byte[] from, int at, int length) {
            upload.write(from, at, length);
            keep(from, at, length);
        }

        private void keep(byte[] from, int at, int length) {
            try {
                if (!isBegun) {
                    isBegun = true;
                    // The vault writes at least an object's header at once.
                    byte[] header = new byte[Math.min(length, ObjectHeader.LENGTH)];
                    System.arraycopy(from, at, header, 0, header.length);
                    if (name.area() == Area.PACKS && !isMetadataPack(header, header.length)) {
                        return;
                    }
                    temporary = cache.temporary();
                    writer = new CacheFile.Writer(temporary);
                }
                CacheFile.Writer open = writer;
                if (open != null) {
                    open.write(from, at, length);
                    if (!cache.holds(open.size())) {
                        giveUp();
                    }
                }
            } catch (IOException e) {
                giveUp();
            }
        }

        private void giveUp() {
            CacheFile.Writer open = writer;
            writer = null;
            if (open != null) {
                try {
                    open.close();
                } catch (IOException e) {
                    // It is removed anyway.
                }
            }
            discard(temporary);
            temporary = null;
        }

        @Override
        public void commit() {
            upload.commit();
            CacheFile.Writer open = writer;
            Path file = temporary;
            if (open == null || file == null) {
                return;
            }
            try {
                open.finish();
                cache.publish(file, name);
                temporary = null;
            } catch (IOException e) {
                // Closing removes it.
            }
        }

        @Override
        public void close() {
            giveUp();
            upload.close();
        }
    }
}
