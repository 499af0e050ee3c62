package io.stillpoint.vault.key;

import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.vault.crypto.Credential;
import io.stillpoint.vault.crypto.KeySlot;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;

/// Makes a new vault: its first key slot, then its header, with which it exists.
public final class VaultMaking {
    private VaultMaking() {}

    /// Throws kind `EXISTS` if anything lies where the vault would be made: a vault, what is left of one, or something of
    /// others.
    public static void requireNone(ObjectStore store) {
        VaultHeader.requireNone(store);
    }

    /// Makes a vault; it exists when this returns. Throws kind `EXISTS` as [#requireNone] does, `KEY_FILE` if the passphrase
    /// won't do.
    public static Unlocked make(
            ObjectStore store, Credential credential, Randomness randomness, InstantSource clock) {
        requireNone(store);
        VaultHeader header = new VaultHeader(ObjectId.random(randomness), clock.instant());
        VaultKeys keys = new VaultKeys(header.id(), randomness.bytes(VaultKeys.KEY_LENGTH));
        KeySlot.Title title =
                new KeySlot.Title(
                        ObjectId.random(randomness), header.id(), "first", header.createdAt());
        boolean done = false;
        try {
            store.making(true);
            // Of a making that was cut off: no key of this vault wraps them.
            List<ObjectName> relics = new ArrayList<>();
            store.list(Area.KEYS, listed -> relics.add(listed.name()));
            relics.forEach(store::delete);
            KeySlot slot = KeySlots.write(store, title, credential, keys, randomness);
            // The header last: without it there is no vault, so a crash before leaves none.
            store.put(ObjectName.vault(), header.encode(keys));
            done = true;
            if (!store.exists(new ObjectName(Area.KEYS, title.id()))) {
                // Another making that began meanwhile took ours for one that was cut off; it has
                // lost.
                slot = KeySlots.write(store, title, credential, keys, randomness);
            }
            store.making(false);
            return new Unlocked(header, keys, title.id(), slot);
        } finally {
            if (!done) {
                takeBack(store, title.id());
            }
        }
    }

    /// Removes the slot of a vault that could not be made, so that the next attempt finds nothing in its way.
    private static void takeBack(ObjectStore store, ObjectId slot) {
        try {
            if (!store.exists(ObjectName.vault())) {
                store.delete(new ObjectName(Area.KEYS, slot));
            }
        } catch (StillpointException _) {
            // What failed before is what to tell; the next attempt says what is in its way.
        }
    }
}
