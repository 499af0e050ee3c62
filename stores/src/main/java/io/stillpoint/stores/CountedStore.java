package io.stillpoint.stores;

import io.stillpoint.stores.request.Meter;
import io.stillpoint.stores.request.RequestClass;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Consumer;

/// Tells a [Meter] what is asked of any store, at one request for each call: for stores that send no requests of their
/// own, and to limit what a job may do to them.
public final class CountedStore implements ObjectStore {
    private final ObjectStore store;
    private final Meter meter;

    public CountedStore(ObjectStore store, Meter meter) {
        this.store = store;
        this.meter = meter;
    }

    @Override
    public String description() {
        return store.description();
    }

    @Override
    public Upload create(ObjectName name) {
        return new CountedUpload(store.create(name));
    }

    @Override
    public StoredObject open(ObjectName name) {
        meter.request(RequestClass.GET, 0);
        return new CountedObject(store.open(name));
    }

    @Override
    public boolean exists(ObjectName name) {
        meter.request(RequestClass.GET, 0);
        return store.exists(name);
    }

    @Override
    public void list(Area area, Consumer<Listed> visitor) {
        meter.request(RequestClass.PUT, 0);
        store.list(area, visitor);
    }

    @Override
    public void list(Area area, String prefix, Consumer<Listed> visitor) {
        meter.request(RequestClass.PUT, 0);
        store.list(area, prefix, visitor);
    }

    @Override
    public void delete(ObjectName name) {
        meter.request(RequestClass.DELETE, 0);
        store.delete(name);
    }

    @Override
    public void retain(ObjectName name, Instant until) {
        meter.request(RequestClass.PUT, 0);
        store.retain(name, until);
    }

    @Override
    public Optional<Occupant> occupant() {
        meter.request(RequestClass.PUT, 0);
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

    private final class CountedUpload implements Upload {
        private final Upload upload;
        private long bytes;

        CountedUpload(Upload upload) {
            this.upload = upload;
        }

        @Override
        public void write(byte[] from, int at, int length) {
            bytes += length;
            upload.write(from, at, length);
        }

        @Override
        public void commit() {
            meter.request(RequestClass.PUT, bytes);
            upload.commit();
        }

        @Override
        public void close() {
            upload.close();
        }
    }

    private final class CountedObject implements StoredObject {
        private final StoredObject object;

        CountedObject(StoredObject object) {
            this.object = object;
        }

        @Override
        public ObjectName name() {
            return object.name();
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
            meter.request(RequestClass.GET, 0);
            object.read(offset, into, at, length);
            meter.received(length);
        }

        @Override
        public void close() {
            object.close();
        }
    }
}
