package io.stillpoint.testkit.hostile;

import io.stillpoint.vault.store.ForwardingStore;
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
public final class Wiretap extends ForwardingStore {
    private final Map<ObjectName, byte[]> seen = new ConcurrentHashMap<>();
    private volatile Consumer<ObjectName> before = _ -> {};
    private volatile Duration ahead = Duration.ZERO;

    /// @param store closed with this
    public Wiretap(ObjectStore store) {
        super(store);
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
    public Upload create(ObjectName name) {
        Upload upload = super.create(name);
        ByteArrayOutputStream copy = new ByteArrayOutputStream();
        return new ForwardingUpload(upload) {
            @Override
            public void write(byte[] from, int at, int length) {
                super.write(from, at, length);
                copy.write(from, at, length);
            }

            @Override
            public void commit() {
                before.accept(name);
                super.commit();
                seen.put(name, copy.toByteArray());
            }
        };
    }

    @Override
    public StoredObject open(ObjectName name) {
        return new ForwardingObject(super.open(name)) {

            @Override
            public Instant modifiedAt() {
                return super.modifiedAt().plus(ahead);
            }
        };
    }

    @Override
    public void list(Area area, Consumer<Listed> visitor) {
        super.list(
                area,
                listed ->
                        visitor.accept(
                                new Listed(
                                        listed.name(),
                                        listed.size(),
                                        listed.modifiedAt().plus(ahead))));
    }
}
