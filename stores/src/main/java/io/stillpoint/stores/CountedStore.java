package io.stillpoint.stores;

import io.stillpoint.stores.request.Meter;
import io.stillpoint.stores.request.RequestClass;
import io.stillpoint.vault.store.ForwardingStore;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Consumer;

/// Tells a [Meter] what is asked of any store, at one request for each call: for stores that send no requests of their
/// own, and to limit what a job may do to them.
public final class CountedStore extends ForwardingStore {
    private final Meter meter;

    public CountedStore(ObjectStore store, Meter meter) {
        super(store);
        this.meter = meter;
    }

    @Override
    public Upload create(ObjectName name) {
        return new CountedUpload(super.create(name));
    }

    @Override
    public StoredObject open(ObjectName name) {
        meter.request(RequestClass.GET, 0);
        return new CountedObject(super.open(name));
    }

    @Override
    public boolean exists(ObjectName name) {
        meter.request(RequestClass.GET, 0);
        return super.exists(name);
    }

    @Override
    public void list(Area area, Consumer<Listed> visitor) {
        meter.request(RequestClass.PUT, 0);
        super.list(area, visitor);
    }

    @Override
    public void list(Area area, String prefix, Consumer<Listed> visitor) {
        meter.request(RequestClass.PUT, 0);
        below().list(area, prefix, visitor);
    }

    @Override
    public void delete(ObjectName name) {
        meter.request(RequestClass.DELETE, 0);
        super.delete(name);
    }

    @Override
    public void retain(ObjectName name, Instant until) {
        meter.request(RequestClass.PUT, 0);
        super.retain(name, until);
    }

    @Override
    public Optional<Occupant> occupant() {
        meter.request(RequestClass.PUT, 0);
        return super.occupant();
    }

    private final class CountedUpload extends ForwardingUpload {
        private long bytes;

        CountedUpload(Upload upload) {
            super(upload);
        }

        @Override
        public void write(byte[] from, int at, int length) {
            bytes += length;
            super.write(from, at, length);
        }

        @Override
        public void commit() {
            meter.request(RequestClass.PUT, bytes);
            super.commit();
        }
    }

    private final class CountedObject extends ForwardingObject {

        CountedObject(StoredObject object) {
            super(object);
        }

        @Override
        public void read(long offset, byte[] into, int at, int length) {
            meter.request(RequestClass.GET, 0);
            super.read(offset, into, at, length);
            meter.received(length);
        }
    }
}
