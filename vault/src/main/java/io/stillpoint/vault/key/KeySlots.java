package io.stillpoint.vault.key;

import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.crypto.Credential;
import io.stillpoint.vault.crypto.KeySlot;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The credentials of an open vault. None of this touches anything but `keys/*`: a slot more or less rewrites no data,
/// and whoever once had the master key keeps it (`docs/decisions/0007-key-slots.md`).
public final class KeySlots {
    /// Makers keep to this, so that opening stays quick.
    public static final int COUNT_MAX = 32;

    private final ObjectStore store;
    private final VaultHeader header;
    private final VaultKeys keys;
    private final ObjectId opener;
    private final InstantSource clock;
    private final Randomness randomness;

    private KeySlots(
            ObjectStore store, Unlocked unlocked, InstantSource clock, Randomness randomness) {
        this.store = store;
        header = unlocked.header();
        keys = unlocked.keys();
        opener = unlocked.slotId();
        this.clock = clock;
        this.randomness = randomness;
    }

    /// Those of a vault that was opened.
    public static KeySlots of(
            ObjectStore store, Unlocked unlocked, InstantSource clock, Randomness randomness) {
        return new KeySlots(store, unlocked, clock, randomness);
    }

    /// What a slot is.
    public enum State {
        KEY_FILE,
        PASSPHRASE,
        /// Of a type that only a newer program knows.
        NEWER,
        /// Not what was written, or not written by a holder of the master key.
        DAMAGED
    }

    /// A slot as people see it.
    ///
    /// @param label empty if the slot can't be read
    /// @param createdAt null if the slot can't be read
    /// @param isOpener whether the vault was opened by this one
    public record Entry(
            ObjectId id, State state, String label, @Nullable Instant createdAt, boolean isOpener) {
        boolean isUsable() {
            return state == State.KEY_FILE || state == State.PASSPHRASE;
        }
    }

    /// Which slot a credential fits.
    public record Fit(ObjectId vault, ObjectId slot, KeySlot.Type type, String label) {}

    /// Tries a credential without reading any data: the objects `vault` and `keys/*` alone. Throws kinds `NOT_A_VAULT`,
    /// `WRONG_KEY`, `TOO_NEW`, `DAMAGED`.
    public static Fit check(ObjectStore store, Credential credential) {
        Unlocked unlocked = Unlocked.by(credential, store);
        KeySlot slot = unlocked.slot();
        return new Fit(unlocked.header().id(), unlocked.slotId(), slot.type(), slot.label());
    }

    /// The slot by which the vault was opened.
    public ObjectId opener() {
        return opener;
    }

    /// All slots, oldest first, those that can't be read last.
    public List<Entry> list() {
        List<Entry> entries = new ArrayList<>();
        for (ObjectName name : Unlocked.slots(store)) {
            Optional<KeySlot.Read> read = Unlocked.read(store, name);
            if (read.isPresent()) {
                entries.add(entry(name.id(), read.get()));
            }
        }
        entries.sort(
                Comparator.comparing(
                        Entry::createdAt, Comparator.nullsLast(Comparator.naturalOrder())));
        return entries;
    }

    private Entry entry(ObjectId id, KeySlot.Read read) {
        boolean isOpener = id.equals(opener);
        return switch (read) {
            case KeySlot.Read.Newer _ -> new Entry(id, State.NEWER, "", null, isOpener);
            case KeySlot.Read.Damaged _ -> new Entry(id, State.DAMAGED, "", null, isOpener);
            case KeySlot.Read.Sound(KeySlot slot) -> {
                if (!slot.isAuthentic(keys)) {
                    yield new Entry(id, State.DAMAGED, "", null, isOpener);
                }
                State state =
                        switch (slot.type()) {
                            case KEY_FILE -> State.KEY_FILE;
                            case PASSPHRASE -> State.PASSPHRASE;
                        };
                yield new Entry(id, state, slot.label(), slot.createdAt(), isOpener);
            }
        };
    }

    /// The one slot whose id begins with `prefix`. Throws kind `NOT_FOUND` if there is none or more than one.
    public Entry find(String prefix) {
        List<Entry> found =
                list().stream().filter(entry -> entry.id.toString().startsWith(prefix)).toList();
        if (found.size() != 1 || prefix.isEmpty()) {
            throw new VaultException(
                    Kind.NOT_FOUND,
                    found.isEmpty() ? "vault.no-such-slot" : "vault.ambiguous-slot",
                    null,
                    store.description(),
                    prefix,
                    found.size());
        }
        return found.getFirst();
    }

    /// Gives a credential a slot of its own, and proves that it opens the vault. Throws kind `KEY_FILE` if the label or
    /// the passphrase won't do, `EXISTS` if there are too many slots.
    ///
    /// @param label what people tell it by: at most 64 bytes of UTF-8
    public ObjectId add(Credential credential, String label) {
        // Only those that count: what others put there must not keep anybody from adding a key.
        if (list().stream().filter(Entry::isUsable).count() >= COUNT_MAX) {
            throw new VaultException(
                    Kind.EXISTS, "vault.slots-full", null, store.description(), COUNT_MAX);
        }
        KeySlot.Title title =
                new KeySlot.Title(ObjectId.random(randomness), header.id(), label, clock.instant());
        write(store, title, credential, keys, randomness);
        return title.id();
    }

    /// Writes a slot, reads it back and opens it. Returns what was read.
    static KeySlot write(
            ObjectStore store,
            KeySlot.Title title,
            Credential credential,
            VaultKeys keys,
            Randomness randomness) {
        ObjectName name = new ObjectName(Area.KEYS, title.id());
        store.put(name, KeySlot.wrap(title, credential, keys, randomness));
        if (Unlocked.read(store, name).orElse(new KeySlot.Read.Damaged())
                        instanceof KeySlot.Read.Sound(KeySlot slot)
                && slot.isAuthentic(keys)
                && slot.open(title.vault(), credential) instanceof KeySlot.Opened.Keys) {
            return slot;
        }
        throw VaultException.damaged(name, store.description(), "content");
    }

    /// Removes a slot, durably: its credential opens this vault no more. It still opens every copy of the slot that
    /// somebody kept, and with it this vault. Throws kind `NOT_FOUND` if there is no such slot, `REFUSED` if no other
    /// slot could open the vault then, or if the vault was opened by this one.
    ///
    /// @param evenOpener whether to remove even the slot by which the vault was opened
    public void remove(ObjectId id, boolean evenOpener) {
        List<Entry> entries = list();
        if (entries.stream().noneMatch(entry -> entry.id.equals(id))) {
            throw new VaultException(
                    Kind.NOT_FOUND, "vault.no-such-slot", null, store.description(), id, 0);
        }
        List<ObjectName> others =
                entries.stream()
                        .filter(entry -> entry.isUsable() && !entry.id.equals(id))
                        .map(entry -> new ObjectName(Area.KEYS, entry.id))
                        .toList();
        if (others.isEmpty()) {
            throw new VaultException(
                    Kind.REFUSED, "vault.last-slot", null, store.description(), id);
        }
        if (id.equals(opener) && !evenOpener) {
            throw new VaultException(
                    Kind.REFUSED, "vault.opener-slot", null, store.description(), id);
        }
        ObjectName name = new ObjectName(Area.KEYS, id);
        byte[] bytes = store.get(name);
        store.delete(name);
        // Two processes may each have removed the other's last one: then nobody could open the
        // vault.
        if (others.stream().noneMatch(store::exists)) {
            store.put(name, bytes);
            throw new VaultException(
                    Kind.REFUSED, "vault.last-slot", null, store.description(), id);
        }
    }

    /// Gives a credential a slot in the place of another: adds, then removes. Throws as they do; what was removed before
    /// is still there if the new one can't be added.
    public ObjectId replace(ObjectId old, Credential credential, String label) {
        if (list().stream().noneMatch(entry -> entry.id.equals(old))) {
            throw new VaultException(
                    Kind.NOT_FOUND, "vault.no-such-slot", null, store.description(), old, 0);
        }
        ObjectId added = add(credential, label);
        // The new slot was just opened, so that the vault can do without its opener.
        remove(old, true);
        return added;
    }
}
