package io.stillpoint.vault;

import io.stillpoint.vault.store.ForwardingStore;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/// A folder that behaves as a bucket does: what was deleted can't be read by those who have it open either. Before an index segment appears, and before one
/// is deleted, something else can be made to happen.
final class BucketLikeStore extends ForwardingStore {
    private final AtomicInteger open = new AtomicInteger();
    private Runnable beforeSegment = () -> {};
    private Runnable beforeDeletion = () -> {};

    BucketLikeStore(Path folder) {
        super(new LocalStore(folder));
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
    public Upload create(ObjectName name) {
        return new ForwardingUpload(super.create(name)) {

            @Override
            public void commit() {
                if (name.area() == Area.INDEX) {
                    Runnable event = beforeSegment;
                    beforeSegment = () -> {};
                    event.run();
                }
                super.commit();
            }
        };
    }

    @Override
    public StoredObject open(ObjectName name) {
        StoredObject object = super.open(name);
        open.incrementAndGet();
        return new ForwardingObject(object) {
            @Override
            public void read(long offset, byte[] into, int at, int length) {
                if (!exists(name)) {
                    throw new VaultException(Kind.MISSING, "vault.missing", null, name);
                }
                super.read(offset, into, at, length);
            }

            @Override
            public void close() {
                super.close();
                open.decrementAndGet();
            }
        };
    }

    @Override
    public void delete(ObjectName name) {
        if (name.area() == Area.INDEX) {
            Runnable event = beforeDeletion;
            beforeDeletion = () -> {};
            event.run();
        }
        super.delete(name);
    }
}
