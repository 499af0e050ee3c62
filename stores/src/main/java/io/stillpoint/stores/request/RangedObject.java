package io.stillpoint.stores.request;

import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectStore.StoredObject;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.time.Instant;

/// An object that is read by ranges, whose first bytes came with the request that opened it.
public abstract class RangedObject implements StoredObject {
    /// How many bytes to ask for when an object is opened: all of a small one, and of a large one its header.
    public static final int HEAD = 64 << 10;

    private final ObjectName name;
    private final String place;
    private final Opened opened;

    /// What the opening request found.
    ///
    /// @param head the first bytes
    /// @param size of the whole object
    /// @param modifiedAt when it was made, by the store's clock
    public record Opened(byte[] head, long size, Instant modifiedAt) {
        /// Of an object without a byte; when it was made is not asked.
        public static final Opened EMPTY = new Opened(new byte[0], 0, Instant.EPOCH);
    }

    /// @param place the object's full name, for messages
    protected RangedObject(ObjectName name, String place, Opened opened) {
        this.name = name;
        this.place = place;
        this.opened = opened;
    }

    /// Reads a range that lies within the object.
    protected abstract void fetch(long offset, byte[] into, int at, int length);

    @Override
    public final ObjectName name() {
        return name;
    }

    @Override
    public final long size() {
        return opened.size;
    }

    @Override
    public final Instant modifiedAt() {
        return opened.modifiedAt;
    }

    @Override
    public final void read(long offset, byte[] into, int at, int length) {
        if (length == 0) {
            return;
        }
        if (offset + length > opened.size) {
            throw truncated(place, offset + length, opened.size);
        }
        if (offset + length <= opened.head.length) {
            System.arraycopy(opened.head, Math.toIntExact(offset), into, at, length);
        } else {
            fetch(offset, into, at, length);
        }
    }

    /// The error for an object that ends too early.
    public static VaultException truncated(String place, long expected, long found) {
        return new VaultException(
                Kind.DAMAGED,
                "vault.truncated",
                null,
                place,
                Long.toString(expected),
                Long.toString(found));
    }

    @Override
    public void close() {
        // Nothing is held open between requests.
    }
}
