package io.stillpoint.vault;

import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/// A folder that behaves as a bucket does: what was deleted can't be read by those who have it open either. Before an index segment appears, and before one
/// is deleted, something else can be made to happen.
final class BucketLikeStore implements ObjectStore {
    private final ObjectStore store;
    private final AtomicInteger open = new AtomicInteger();
    private Runnable beforeSegment = () -> {};
    private Runnable beforeDeletion = () -> {};

    BucketLikeStore(Path folder) {
        store = new LocalStore(folder);
    }

    /// How many objects are open for reading.
    int open() {
        return open.get();
    }

    /// Once, before the next segment appears.
    void beforeSegment(Runnable event) {
        beforeSegment = event;
    }

    /// Once, before the next segment is deleted.
    void beforeDeletion(Runnable event) {
        beforeDeletion = event;
    }

    @Override
    public String description() {
        return store.description();
    }

    @Override
    public Upload create(ObjectName name) {
        Upload upload = store.create(name);
        return new Upload() {
            @Override
            public void write(byte[] from, int at, int length) {
                upload.write(from, at, length);
            }

            @Override
            public void commit() {
                if (name.area() == Area.INDEX) {
                    Runnable event = beforeSegment;
                    beforeSegment = () -> {};
                    event.run();
                }
                upload.commit();
            }

            @Override
            public void close() {
                upload.close();
            }
        };
    }

    @Override
    public StoredObject open(ObjectName name) {
        StoredObject object = store.open(name);
        open.incrementAndGet();
        return new StoredObject() {
            @Override
            public ObjectName name() {
                return name;
            }

            @Override
            public long size() {
                return object.size();
            }

            @Override
            public Instant modifiedAt() {
                return object.modifiedAt();
            }

            @Override
            public void read(long offset, byte[] into, int at, int length) {
                if (!store.exists(name)) {
                    throw new VaultException(Kind.MISSING, "vault.missing", null, name);
                }
                object.read(offset, into, at, length);
            }

            @Override
            public void close() {
                object.close();
                open.decrementAndGet();
            }
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
    public void delete(ObjectName name) {
        if (name.area() == Area.INDEX) {
            Runnable event = beforeDeletion;
            beforeDeletion = () -> {};
            event.run();
        }
        store.delete(name);
    }

    @Override
    public void close() {
        store.close();
    }
}
