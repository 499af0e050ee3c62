package io.stillpoint.vault.store;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Consumer;

/// Passes everything on to another store. A store that differs from another in a few things extends this and overrides
/// those; so it keeps passing on what is added to [ObjectStore] later.
///
/// What [ObjectStore] makes of other calls is made of those of *this* store, so that who overrides one of them misses
/// nothing: whole objects ([ObjectStore#put], [ObjectStore#get]) and listings by prefix.
public abstract class ForwardingStore implements ObjectStore {
    private final ObjectStore below;

    /// @param below closed with this
    protected ForwardingStore(ObjectStore below) {
        this.below = below;
    }

    /// The store that everything is passed on to.
    protected final ObjectStore below() {
        return below;
    }

    @Override
    public String description() {
        return below.description();
    }

    @Override
    public Upload create(ObjectName name) {
        return below.create(name);
    }

    @Override
    public StoredObject open(ObjectName name) {
        return below.open(name);
    }

    @Override
    public boolean exists(ObjectName name) {
        return below.exists(name);
    }

    @Override
    public void list(ObjectName.Area area, Consumer<Listed> visitor) {
        below.list(area, visitor);
    }

    @Override
    public void delete(ObjectName name) {
        below.delete(name);
    }

    @Override
    public void retain(ObjectName name, Instant until) {
        below.retain(name, until);
    }

    @Override
    public Optional<Occupant> occupant() {
        return below.occupant();
    }

    @Override
    public void making(boolean isUnderWay) {
        below.making(isUnderWay);
    }

    @Override
    public void useReserve(boolean may) {
        below.useReserve(may);
    }

    @Override
    public Duration listingDelay() {
        return below.listingDelay();
    }

    @Override
    public int streams() {
        return below.streams();
    }

    @Override
    public void close() {
        below.close();
    }

    /// An upload that passes everything on.
    public abstract static class ForwardingUpload implements Upload {
        private final Upload below;

        protected ForwardingUpload(Upload below) {
            this.below = below;
        }

        @Override
        public void write(byte[] from, int at, int length) {
            below.write(from, at, length);
        }

        @Override
        public void commit() {
            below.commit();
        }

        @Override
        public void close() {
            below.close();
        }
    }

    /// An open object that passes everything on.
    public abstract static class ForwardingObject implements StoredObject {
        private final StoredObject below;

        protected ForwardingObject(StoredObject below) {
            this.below = below;
        }

        @Override
        public ObjectName name() {
            return below.name();
        }

        @Override
        public long size() {
            return below.size();
        }

        @Override
        public Instant modifiedAt() {
            return below.modifiedAt();
        }

        @Override
        public void read(long offset, byte[] into, int at, int length) {
            below.read(offset, into, at, length);
        }

        @Override
        public void close() {
            below.close();
        }
    }
}
