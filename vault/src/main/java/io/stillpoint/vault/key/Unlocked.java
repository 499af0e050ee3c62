package io.stillpoint.vault.key;

import io.stillpoint.vault.crypto.Credential;
import io.stillpoint.vault.crypto.KeySlot;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.ObjectStore.Listed;
import io.stillpoint.vault.store.ObjectStore.StoredObject;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/// What a credential gave: the first step of opening a vault, which reads `vault` and `keys/*` and nothing else.
///
/// @param slotId of the slot that the credential fits
public record Unlocked(VaultHeader header, VaultKeys keys, ObjectId slotId, KeySlot slot) {
    /// What passphrase slots may cost together, as [KeySlot#work] counts: some minutes, enough for more than a thousand slots
    /// of the usual effort. Slots of key files cost nothing.
    private static final long WORK_MAX = 64L * 16 * (1 << 18);

    /// Throws kinds `NOT_A_VAULT`, `WRONG_KEY`, `TOO_NEW`, `DAMAGED`.
    public static Unlocked by(Credential credential, ObjectStore store) {
        return by(credential, store, WORK_MAX);
    }

    /// @param workMax what trying passphrase slots may cost
    public static Unlocked by(Credential credential, ObjectStore store, long workMax) {
        byte[] bytes = VaultHeader.read(store);
        VaultHeader header = VaultHeader.decode(bytes, store.description());
        Unlocked unlocked = new Search(store, header, credential, workMax).run();
        VaultHeader.authenticate(bytes, unlocked.keys, store.description());
        return unlocked;
    }

    /// The names of all key slots, in the order of their ids.
    static List<ObjectName> slots(ObjectStore store) {
        List<ObjectName> names = new ArrayList<>();
        store.list(Area.KEYS, listed -> names.add(listed.name()));
        names.sort((one, other) -> one.id().compareTo(other.id()));
        return names;
    }

    /// The names of all key slots in the order in which to try them. Which are genuine only the key tells; but who can only
    /// add to a store can't make an object older than it is, and a genuine slot that is younger than all junk comes early too.
    private static List<ObjectName> slotsToTry(ObjectStore store) {
        List<Listed> listed = new ArrayList<>();
        store.list(Area.KEYS, listed::add);
        listed.sort(
                Comparator.comparing(Listed::modifiedAt).thenComparing(slot -> slot.name().id()));
        List<ObjectName> names = new ArrayList<>();
        for (int oldest = 0, newest = listed.size() - 1; oldest <= newest; oldest++, newest--) {
            names.add(listed.get(oldest).name());
            if (oldest < newest) {
                names.add(listed.get(newest).name());
            }
        }
        return names;
    }

    /// Empty if the slot was removed meanwhile.
    static Optional<KeySlot.Read> read(ObjectStore store, ObjectName name) {
        byte[] bytes;
        try (StoredObject object = store.open(name)) {
            // One byte more than allowed is enough to see that it is too long.
            bytes = new byte[(int) Math.min(object.size(), KeySlot.LENGTH_MAX + 1)];
            object.read(0, bytes, 0, bytes.length);
        } catch (VaultException e) {
            return switch (e.kind()) {
                case MISSING -> Optional.empty();
                // A pipe or a link under a slot's name, say: no slot, and no reason not to try the
                // others.
                case DAMAGED -> Optional.of(new KeySlot.Read.Damaged());
                default -> throw e;
            };
        }
        return Optional.of(KeySlot.read(bytes, name, store.description()));
    }

    private static final class Search {
        private final ObjectStore store;
        private final VaultHeader header;
        private final Credential credential;
        private final List<String> damaged = new ArrayList<>();
        private final List<String> newer = new ArrayList<>();
        private final long workMax;
        private int tried;
        private long work;

        Search(ObjectStore store, VaultHeader header, Credential credential, long workMax) {
            this.workMax = workMax;
            this.store = store;
            this.header = header;
            this.credential = credential;
        }

        Unlocked run() {
            for (ObjectName name : slotsToTry(store)) {
                Optional<KeySlot.Read> read = read(store, name);
                if (read.isEmpty()) {
                    continue;
                }
                switch (read.get()) {
                    case KeySlot.Read.Damaged _ -> damaged.add(name.toString());
                    case KeySlot.Read.Newer _ -> newer.add(name.toString());
                    case KeySlot.Read.Sound(KeySlot slot) -> {
                        Optional<VaultKeys> keys = attempt(name, slot);
                        if (keys.isPresent()) {
                            return new Unlocked(header, keys.get(), name.id(), slot);
                        }
                    }
                }
            }
            throw failure();
        }

        private Optional<VaultKeys> attempt(ObjectName name, KeySlot slot) {
            if (slot.type() != KeySlot.Type.of(credential)) {
                return Optional.empty();
            }
            work += slot.work();
            if (work > workMax) {
                throw new VaultException(
                        Kind.DAMAGED, "vault.too-many-slots", null, store.description(), tried);
            }
            tried++;
            return switch (slot.open(header.id(), credential)) {
                case KeySlot.Opened.Keys(VaultKeys keys) -> Optional.of(keys);
                case KeySlot.Opened.OtherKey _ -> Optional.empty();
                case KeySlot.Opened.Damaged _ -> {
                    damaged.add(name.toString());
                    yield Optional.empty();
                }
            };
        }

        private VaultException failure() {
            if (!damaged.isEmpty()) {
                return failure(Kind.DAMAGED, "vault.slot-damaged", String.join(", ", damaged));
            }
            if (!newer.isEmpty()) {
                return failure(Kind.TOO_NEW, "vault.slot-too-new", String.join(", ", newer));
            }
            boolean isKeyFile = KeySlot.Type.of(credential) == KeySlot.Type.KEY_FILE;
            if (tried == 0) {
                return failure(
                        Kind.WRONG_KEY,
                        isKeyFile ? "vault.no-key-file-slot" : "vault.no-passphrase-slot",
                        "");
            }
            return failure(
                    Kind.WRONG_KEY,
                    isKeyFile ? "vault.wrong-key" : "vault.wrong-passphrase",
                    Integer.toString(tried));
        }

        private VaultException failure(Kind kind, String code, String what) {
            return new VaultException(kind, code, null, store.description(), what);
        }
    }
}
