package io.stillpoint.benchmark.scale;

import io.stillpoint.vault.store.ForwardingStore;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/// Counts what is asked of a store, as S3 would count it: an object that is opened and read once is one GET, and each further read is
/// another; a listing is as many requests as it has pages of 1,000 names.
final class Requests extends ForwardingStore {
    private static final long PAGE = 1000;

    /// What is counted.
    enum Request {
        PUT,
        GET,
        LIST,
        HEAD,
        DELETE
    }

    private final Map<Request, AtomicLong> counts = new EnumMap<>(Request.class);

    Requests(ObjectStore store) {
        super(store);
        for (Request request : Request.values()) {
            counts.put(request, new AtomicLong());
        }
    }

    private void count(Request request) {
        Objects.requireNonNull(counts.get(request)).incrementAndGet();
    }

    /// Of each kind, in their order, since the last call.
    List<Long> taken() {
        return counts.values().stream().map(count -> count.getAndSet(0)).toList();
    }

    @Override
    public Upload create(ObjectName name) {
        return new Counted(super.create(name));
    }

    @Override
    public StoredObject open(ObjectName name) {
        count(Request.GET);
        return new CountedObject(super.open(name));
    }

    @Override
    public boolean exists(ObjectName name) {
        count(Request.HEAD);
        return super.exists(name);
    }

    @Override
    public void list(Area area, Consumer<Listed> visitor) {
        list(area, "", visitor);
    }

    @Override
    public void list(Area area, String prefix, Consumer<Listed> visitor) {
        AtomicLong names = new AtomicLong();
        below().list(
                        area,
                        prefix,
                        listed -> {
                            if (names.getAndIncrement() % PAGE == 0) {
                                count(Request.LIST);
                            }
                            visitor.accept(listed);
                        });
        if (names.get() == 0) {
            count(Request.LIST);
        }
    }

    @Override
    public void delete(ObjectName name) {
        count(Request.DELETE);
        super.delete(name);
    }

    @Override
    public void retain(ObjectName name, Instant until) {
        count(Request.PUT);
        super.retain(name, until);
    }

    @Override
    public Optional<Occupant> occupant() {
        count(Request.LIST);
        return super.occupant();
    }

    private final class Counted extends ForwardingUpload {
        Counted(Upload upload) {
            super(upload);
        }

        @Override
        public void commit() {
            count(Request.PUT);
            super.commit();
        }
    }

    private final class CountedObject extends ForwardingObject {
        private final AtomicLong reads = new AtomicLong();

        CountedObject(StoredObject object) {
            super(object);
        }

        @Override
        public void read(long offset, byte[] into, int at, int length) {
            if (reads.getAndIncrement() > 0) {
                count(Request.GET);
            }
            super.read(offset, into, at, length);
        }
    }
}
