package io.stillpoint.vault.store;

import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.VaultException.Kind;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A store on its last legs, of which nothing may be changed: what is written (segments of an index that is made anew)
/// goes to a scratch store. A single object of a folder that can't be read, as on a disk with bad sectors, counts as
/// damaged: others can take its place, and what only it held is lost. A store that is gone altogether is no damage.
public final class RescueStore implements ObjectStore {
    private final ObjectStore store;
    private final ObjectStore scratch;
    private final boolean isFolder;
    private final Set<ObjectName> written = ConcurrentHashMap.newKeySet();

    /// Both are closed with this.
    ///
    /// @param scratch where an index is made anew that is too large for the heap
    /// @param isFolder whether a failure to read is that of a disk; that of a network is no damage, it may come back
    public RescueStore(ObjectStore store, ObjectStore scratch, boolean isFolder) {
        this.isFolder = isFolder;
        this.store = store;
        this.scratch = scratch;
    }

    @Override
    public String description() {
        return store.description();
    }

    @Override
    public Upload create(ObjectName name) {
        Upload upload = scratch.create(name);
        return new Upload() {
            @Override
            public void write(byte[] from, int at, int length) {
                upload.write(from, at, length);
            }

            @Override
            public void commit() {
                upload.commit();
                written.add(name);
            }

            @Override
            public void close() {
                upload.close();
            }
        };
    }

    @Override
    public StoredObject open(ObjectName name) {
        if (written.contains(name)) {
            return scratch.open(name);
        }
        try {
            return new Fragile(store.open(name));
        } catch (VaultException e) {
            throw judged(name, e);
        }
    }

    @Override
    public boolean exists(ObjectName name) {
        return written.contains(name) || store.exists(name);
    }

    @Override
    public void list(Area area, Consumer<Listed> visitor) {
        list(area, "", visitor);
    }

    @Override
    public void list(Area area, String prefix, Consumer<Listed> visitor) {
        // A folder that is not there lists nothing, which would look like a vault that lost
        // everything.
        requireThere(area.folder(), null);
        store.list(area, prefix, visitor);
        if (!written.isEmpty()) {
            scratch.list(area, prefix, visitor);
        }
    }

    @Override
    public Optional<Occupant> occupant() {
        return store.occupant();
    }

    /// Throws kind `REFUSED`.
    @Override
    public void delete(ObjectName name) {
        throw new VaultException(Kind.REFUSED, "vault.rescue-only", null, description());
    }

    @Override
    public void close() {
        try {
            store.close();
        } finally {
            scratch.close();
        }
    }

    /// What a failure to read an object means.
    private VaultException judged(ObjectName name, VaultException e) {
        boolean isUnread = e.kind() == Kind.STORE && isFolder;
        if (!isUnread && e.kind() != Kind.MISSING) {
            return e;
        }
        requireThere(name, e);
        return isUnread ? new VaultException(Kind.DAMAGED, "vault.unread", e, e) : e;
    }

    private void requireThere(Object wanted, @Nullable VaultException cause) {
        if (!store.exists(ObjectName.vault())) {
            throw new VaultException(Kind.STORE, "vault.store-gone", cause, description(), wanted);
        }
    }

    private final class Fragile implements StoredObject {
        private final StoredObject object;

        Fragile(StoredObject object) {
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
            try {
                object.read(offset, into, at, length);
            } catch (VaultException e) {
                throw judged(name(), e);
            }
        }

        @Override
        public void close() {
            object.close();
        }
    }
}
