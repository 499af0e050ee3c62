package io.stillpoint.benchmark.scale;

import io.stillpoint.vault.store.ForwardingStore;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/// A store whose listings tell of what was made through it alone. A vault that is made in parts, each through one of these, is whole: it
/// is as if processes had worked side by side that never saw each other. What is already there costs none of them anything.
final class OwnPart extends ForwardingStore {
    private final InstantSource clock;
    private final Map<Area, Map<ObjectName, Listed>> made = new ConcurrentHashMap<>();

    OwnPart(ObjectStore store, InstantSource clock) {
        super(store);
        this.clock = clock;
    }

    private Map<ObjectName, Listed> made(Area area) {
        return made.computeIfAbsent(area, _ -> new ConcurrentHashMap<>());
    }

    @Override
    public Upload create(ObjectName name) {
        return new Counted(super.create(name), name);
    }

    @Override
    public void list(Area area, Consumer<Listed> visitor) {
        if (area == Area.VAULT || area == Area.KEYS) {
            super.list(area, visitor);
        } else {
            List.copyOf(made(area).values()).forEach(visitor);
        }
    }

    @Override
    public void delete(ObjectName name) {
        super.delete(name);
        made(name.area()).remove(name);
    }

    /// The store itself goes on: other parts use it.
    @Override
    public void close() {}

    private final class Counted extends ForwardingUpload {
        private final ObjectName name;
        private long size;

        Counted(Upload upload, ObjectName name) {
            super(upload);
            this.name = name;
        }

        @Override
        public void write(byte[] from, int at, int length) {
            super.write(from, at, length);
            size += length;
        }

        @Override
        public void commit() {
            super.commit();
            made(name.area()).put(name, new Listed(name, size, clock.instant()));
        }
    }
}
