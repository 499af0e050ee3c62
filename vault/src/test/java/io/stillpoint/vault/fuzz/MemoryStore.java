package io.stillpoint.vault.fuzz;

import io.stillpoint.vault.VaultException;
import io.stillpoint.vault.VaultException.Kind;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
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

    private final Map<ObjectName, byte[]> objects;

    MemoryStore(Map<ObjectName, byte[]> objects) {
        this.objects = new ConcurrentHashMap<>(objects);
    }

    Map<ObjectName, byte[]> objects() {
        return objects;
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
        return new StoredObject() {
            @Override
            public ObjectName name() {
                return name;
            }

            @Override
            public long size() {
                return bytes.length;
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
                if (offset + length > bytes.length) {
                    throw new VaultException(
                            Kind.DAMAGED, "vault.truncated", null, name, offset, bytes.length);
                }
                System.arraycopy(bytes, (int) offset, into, at, length);
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
