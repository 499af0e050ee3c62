package io.stillpoint.testkit.hostile;

import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/// A store that remembers every object that was ever made, as somebody does who reads along. Before each object is made
/// it may do something else.
public final class Wiretap implements ObjectStore {
    private final ObjectStore store;
    private final Map<ObjectName, byte[]> seen = new ConcurrentHashMap<>();
    private volatile Consumer<ObjectName> before = _ -> {};
    private volatile Duration ahead = Duration.ZERO;

    /// @param store closed with this
    public Wiretap(ObjectStore store) {
        this.store = store;
    }

    /// Everything that was made through this, whether it is still there or not.
    public Map<ObjectName, byte[]> seen() {
        return seen;
    }

    /// @param action is told of each object that is about to be made
    public void before(Consumer<ObjectName> action) {
        before = action;
    }

    /// From now on the store's clock, and the age of all that is in it, is off by this.
    public void setClockAhead(Duration error) {
        ahead = error;
    }

    @Override
    public String description() {
        return store.description();
    }

    @Override
    public Upload create(ObjectName name) {
        Upload upload = store.create(name);
        ByteArrayOutputStream copy = new ByteArrayOutputStream();
        return new Upload() {
            @Override
            public void write(byte[] from, int at, int length) {
                upload.write(from, at, length);
                copy.write(from, at, length);
            }

            @Override
            public void commit() {
                before.accept(name);
                upload.commit();
                seen.put(name, copy.toByteArray());
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
        return new StoredObject() {
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
                return object.modifiedAt().plus(ahead);
            }

            @Override
            public void read(long offset, byte[] into, int at, int length) {
                object.read(offset, into, at, length);
            }

            @Override
            public void close() {
                object.close();
            }
        };
    }

    @Override
    public boolean exists(ObjectName name) {
        return store.exists(name);
    }

    @Override
    public void list(Area area, Consumer<Listed> visitor) {
        store.list(
                area,
                listed ->
                        visitor.accept(
                                new Listed(
                                        listed.name(),
                                        listed.size(),
                                        listed.modifiedAt().plus(ahead))));
    }

    @Override
    public void delete(ObjectName name) {
        store.delete(name);
    }

    @Override
    public void retain(ObjectName name, Instant until) {
        store.retain(name, until);
    }

    @Override
    public Duration listingDelay() {
        return store.listingDelay();
    }

    @Override
    public void making(boolean isMaking) {
        store.making(isMaking);
    }

    @Override
    public void useReserve(boolean isUsed) {
        store.useReserve(isUsed);
    }

    @Override
    public int streams() {
        return store.streams();
    }

    @Override
    public void close() {
        store.close();
    }
}
