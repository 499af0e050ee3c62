package io.stillpoint.vault.store;

import io.stillpoint.vault.store.VaultException.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/// A set of named, immutable objects. Implementations are safe for use by several threads and processes, and
/// pass the contract suite `ObjectStoreContract` of the testkit. All methods throw [VaultException] of kind `STORE` or `STORE_FULL` when the store fails.
public interface ObjectStore extends AutoCloseable {
    /// The longest object in bytes that [#get] reads.
    long GET_MAX = 64 << 20;

    /// What to call this store in a message.
    String description();

    /// Begins a new object. Nothing is visible under the name until the upload is committed.
    Upload create(ObjectName name);

    /// Opens an object for reading. Throws kind `MISSING` if there is none.
    StoredObject open(ObjectName name);

    /// Whether an object of this name is visible.
    boolean exists(ObjectName name);

    /// Calls `visitor` for each visible object of the area, in no particular order.
    void list(ObjectName.Area area, Consumer<Listed> visitor);

    /// As [#list(ObjectName.Area, Consumer)], of the objects whose ids begin with `prefix`. Where the store can, it looks at no
    /// others.
    ///
    /// @param prefix up to 32 lower-case hexadecimal digits
    default void list(ObjectName.Area area, String prefix, Consumer<Listed> visitor) {
        list(
                area,
                listed -> {
                    if (listed.name().id().toString().startsWith(prefix)) {
                        visitor.accept(listed);
                    }
                });
    }

    /// Removes an object, durably. Removing what is not there does nothing. Handles that are open keep working
    /// or throw `MISSING`. Throws kind `RETAINED` if the store itself forbids it (see [#retain]).
    void delete(ObjectName name);

    /// Has the store itself refuse to delete the object before an instant, whoever asks. An earlier instant than the one
    /// that holds changes nothing. Throws kind `UNSUPPORTED` if the store can't do that.
    default void retain(ObjectName name, Instant until) {
        throw new VaultException(Kind.UNSUPPORTED, "vault.no-retention", null, description());
    }

    /// Something that lies where this store's objects do, or would: an object of a vault if there is one, else anything else. Empty
    /// if there is nothing, so that a vault may be made here.
    default Optional<Occupant> occupant() {
        for (ObjectName.Area area : ObjectName.Area.values()) {
            List<ObjectName> found = new ArrayList<>();
            if (area != ObjectName.Area.VAULT) {
                list(area, listed -> found.add(listed.name()));
            } else if (exists(ObjectName.vault())) {
                found.add(ObjectName.vault());
            }
            if (!found.isEmpty()) {
                return Optional.of(new Occupant(found.getFirst().toString(), true));
            }
        }
        return Optional.empty();
    }

    /// Is told when the making of a vault begins, and when it is done. In between its first objects are no [#occupant], so that a
    /// making that was cut off can be begun anew, by stores that can tell.
    default void making(boolean isUnderWay) {}

    /// Whether what this thread writes from now on may take the room that a store of limited size keeps back for what makes room.
    /// Other threads go on as before.
    default void useReserve(boolean may) {}

    /// For how long after an object was made or deleted [#list] may still tell the state before. [#open] and [#exists] by
    /// name are never late.
    default Duration listingDelay() {
        return Duration.ZERO;
    }

    /// How many requests at once make good use of the store.
    default int streams() {
        return 2;
    }

    /// Makes a whole object, durably. Throws kind `EXISTS` if the name is taken.
    default void put(ObjectName name, byte[] content) {
        try (Upload upload = create(name)) {
            upload.write(content, 0, content.length);
            upload.commit();
        }
    }

    /// A whole object. For small ones: throws kind `DAMAGED` if it is longer than 64 MiB. Throws kind `MISSING` if there
    /// is none.
    default byte[] get(ObjectName name) {
        try (StoredObject object = open(name)) {
            if (object.size() > GET_MAX) {
                throw VaultException.damaged(name, description(), "length");
            }
            byte[] content = new byte[Math.toIntExact(object.size())];
            object.read(0, content, 0, content.length);
            return content;
        }
    }

    @Override
    void close();

    /// What lies in a store.
    ///
    /// @param path in the store
    /// @param isOurs whether it has the name of a vault's object
    record Occupant(String path, boolean isOurs) {}

    /// @param size in bytes
    /// @param modifiedAt when the object was made, by the store's clock
    record Listed(ObjectName name, long size, Instant modifiedAt) {}

    /// An object being written. For one thread at a time.
    interface Upload extends AutoCloseable {
        /// Appends bytes.
        void write(byte[] from, int at, int length);

        /// Makes the object durable and then visible, whole. Throws kind `EXISTS` if the name is taken; the
        /// older object stays as it is.
        void commit();

        /// Drops the upload unless it was committed.
        @Override
        void close();
    }

    /// An object open for reading. Safe for use by several threads.
    interface StoredObject extends AutoCloseable {
        ObjectName name();

        /// In bytes.
        long size();

        /// When the object was made, by the store's clock.
        Instant modifiedAt();

        /// Reads exactly `length` bytes. Throws kind `DAMAGED` if the object ends before.
        void read(long offset, byte[] into, int at, int length);

        @Override
        void close();
    }
}
