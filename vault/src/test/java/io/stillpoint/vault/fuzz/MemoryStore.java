package io.stillpoint.vault.fuzz;

import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.io.ByteArrayOutputStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/// Objects on the heap, of which nobody is kept from making any.
final class MemoryStore implements ObjectStore {
    private static final Instant MADE = Instant.parse("2026-01-01T00:00:00Z");

    private static final int TAIL = 24;

    private final Map<ObjectName, byte[]> objects;
    private final Map<ObjectName, Long> holes = new ConcurrentHashMap<>();

    MemoryStore(Map<ObjectName, byte[]> objects) {
        this.objects = new ConcurrentHashMap<>(objects);
    }

    Map<ObjectName, byte[]> objects() {
        return objects;
    }

    /// Makes an object as long as a file with a hole: zeros before its last 24 bytes.
    void stretch(ObjectName name, long zeros) {
        holes.put(name, zeros);
    }

    @Override
    public String description() {
        return "memory";
    }

    @Override
    public Upload create(ObjectName name) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        return new Upload() {
            @Override
            public void write(byte[] from, int at, int length) {
                bytes.write(from, at, length);
            }

            @Override
            public void commit() {
                if (objects.putIfAbsent(name, bytes.toByteArray()) != null) {
                    throw new VaultException(Kind.EXISTS, "vault.object-exists", null, name);
                }
            }

            @Override
            public void close() {}
        };
    }

    @Override
    public StoredObject open(ObjectName name) {
        byte[] bytes = objects.get(name);
        if (bytes == null) {
            throw new VaultException(Kind.MISSING, "vault.missing", null, name);
        }
        long hole = holes.getOrDefault(name, 0L);
        long size = bytes.length + hole;
        return new StoredObject() {
            @Override
            public ObjectName name() {
                return name;
            }

            @Override
            public long size() {
                return size;
            }

            @Override
            public Instant modifiedAt() {
                return MADE;
            }

            @Override
            public void read(long offset, byte[] into, int at, int length) {
                if (offset < 0) {
                    throw new IllegalArgumentException("read at " + offset);
                }
                if (offset + length > size) {
                    throw new VaultException(
                            Kind.DAMAGED, "vault.truncated", null, name, offset, size);
                }
                for (int i = 0; hole > 0 && i < length; i++) {
                    long place = offset + i;
                    boolean isHole = place >= bytes.length - TAIL && place < size - TAIL;
                    long from = place < bytes.length - TAIL ? place : place - hole;
                    into[at + i] = isHole ? 0 : bytes[(int) from];
                }
                if (hole == 0) {
                    System.arraycopy(bytes, (int) offset, into, at, length);
                }
            }

            @Override
            public void close() {}
        };
    }

    @Override
    public boolean exists(ObjectName name) {
        return objects.containsKey(name);
    }

    @Override
    public void list(Area area, Consumer<Listed> visitor) {
        List<Listed> listed = new ArrayList<>();
        objects.forEach((name, bytes) -> {
            if (name.area() == area) {
                listed.add(new Listed(name, bytes.length, MADE));
            }
        });
        listed.forEach(visitor);
    }

    @Override
    public void delete(ObjectName name) {
        objects.remove(name);
    }

    @Override
    public void close() {}
}
