package io.stillpoint.benchmark.scale;

import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/// A store whose listings tell of what was made through it alone. A vault that is made in parts, each through one of these, is whole: it
/// is as if processes had worked side by side that never saw each other. What is already there costs none of them anything.
final class OwnPart implements ObjectStore {
    private final ObjectStore store;
    private final InstantSource clock;
    private final Map<Area, Map<ObjectName, Listed>> made = new ConcurrentHashMap<>();

    OwnPart(ObjectStore store, InstantSource clock) {
        this.store = store;
        this.clock = clock;
    }

    private Map<ObjectName, Listed> made(Area area) {
        return made.computeIfAbsent(area, _ -> new ConcurrentHashMap<>());
    }

    @Override
    public String description() {
        return store.description();
    }

    @Override
    public Upload create(ObjectName name) {
        return new Counted(store.create(name), name);
    }

    @Override
    public StoredObject open(ObjectName name) {
        return store.open(name);
    }

    @Override
    public boolean exists(ObjectName name) {
        return store.exists(name);
    }

    @Override
    public void list(Area area, Consumer<Listed> visitor) {
        if (area == Area.VAULT || area == Area.KEYS) {
            store.list(area, visitor);
        } else {
            List.copyOf(made(area).values()).forEach(visitor);
        }
    }

    @Override
    public void delete(ObjectName name) {
        store.delete(name);
        made(name.area()).remove(name);
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
    public void useReserve(boolean may) {
        store.useReserve(may);
    }

    @Override
    public Duration listingDelay() {
        return store.listingDelay();
    }

    /// The store itself goes on: other parts use it.
    @Override
    public void close() {}

    private final class Counted implements Upload {
        private final Upload upload;
        private final ObjectName name;
        private long size;

        Counted(Upload upload, ObjectName name) {
            this.upload = upload;
            this.name = name;
        }

        @Override
        public void write(byte[] from, int at, int length) {
            upload.write(from, at, length);
            size += length;
        }

        @Override
        public void commit() {
            upload.commit();
            made(name.area()).put(name, new Listed(name, size, clock.instant()));
        }

        @Override
        public void close() {
            upload.close();
        }
    }
}
