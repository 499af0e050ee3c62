package io.stillpoint.vault.point;

import io.stillpoint.vault.crypto.ItemHasher;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.record.CatalogueEntry;
import io.stillpoint.vault.record.Records;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectStore.Listed;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import javax.crypto.Mac;
import javax.crypto.SecretKey;

/// Which points a VM has: what is asked of one VM costs the same however many others there are (section 9 of the format). An
/// entry's name begins with a tag of the VM and goes on with the point's ordinal, so one listing tells the order.
///
/// An entry is made before its point, so there is one for every point, and some for points that never were. It is derived: prune
/// makes those that are missing, and deletes those whose points are gone. Safe for use by several threads.
public final class Catalogue {
    private static final int TAG = 6;
    private static final int ORDINAL = 7;
    private static final int REST = ObjectId.LENGTH - TAG - ORDINAL;

    private static final int REST_MASK = (1 << (REST * Byte.SIZE)) - 1;

    /// How many names to try if others keep taking them.
    private static final int NAMES_MAX = 16;

    private final Records records;
    private final SecretKey key;

    public Catalogue(VaultKeys keys, Records records) {
        this.records = records;
        key = keys.catalogueKey();
    }

    /// An entry that was listed, and what its name tells. Anybody can give an object a name, so it counts once [#point] has found
    /// who made it.
    public record Entry(Listed listed, long ordinal) {
        private ObjectId id() {
            return listed.name().id();
        }
    }

    /// A VM's entries, the newest first.
    public List<Entry> entries(String vm) {
        List<Entry> entries = new ArrayList<>();
        for (Listed listed : records.catalogueNames(HexFormat.of().formatHex(tag(vm)))) {
            entries.add(new Entry(listed, ordinal(listed.name().id())));
        }
        entries.sort(Comparator.comparingLong(Entry::ordinal).reversed().thenComparing(Entry::id));
        return entries;
    }

    /// What the name of an entry tells of its point's place, of whatever VM.
    public static long ordinal(ObjectId entry) {
        long ordinal = 0;
        byte[] bytes = entry.bytes();
        for (int i = TAG; i < TAG + ORDINAL; i++) {
            ordinal = (ordinal << Byte.SIZE) | Byte.toUnsignedInt(bytes[i]);
        }
        return ordinal;
    }

    /// What the name of an entry tells of its point's id.
    static int rest(ObjectId entry) {
        return (int) entry.low() & REST_MASK;
    }

    /// What the first name of a point's entry tells of its id.
    static int restOf(ObjectId point) {
        return (int) (point.high() >>> (Long.SIZE - REST * Byte.SIZE)) & REST_MASK;
    }

    /// The point that an entry is of; empty if no holder of the key made the entry, or it is gone.
    public Optional<ObjectId> point(Listed entry) {
        return records.catalogueEntry(entry).map(CatalogueEntry::point);
    }

    /// Makes sure that there is an entry for a point which is about to be made, or was. Durable when this returns.
    public void enter(String vm, long ordinal, ObjectId point) {
        for (int attempt = 0; attempt < NAMES_MAX; attempt++) {
            ObjectId id = id(vm, ordinal, point, attempt);
            try {
                records.put(new CatalogueEntry(id, point));
                return;
            } catch (VaultException e) {
                if (e.kind() != Kind.EXISTS) {
                    throw e;
                }
            }
            if (records.catalogueEntry(id)
                    .map(CatalogueEntry::point)
                    .filter(point::equals)
                    .isPresent()) {
                return;
            }
            // Of another point by chance, or junk.
        }
        throw new VaultException(Kind.OVERTAKEN, "vault.catalogue-taken", null, point, NAMES_MAX);
    }

    /// All names that the entry of a point may have.
    public List<ObjectId> namesOf(String vm, long ordinal, ObjectId point) {
        List<ObjectId> names = new ArrayList<>();
        for (int attempt = 0; attempt < NAMES_MAX; attempt++) {
            names.add(id(vm, ordinal, point, attempt));
        }
        return names;
    }

    /// Deletes an entry. The point is gone, or never was.
    public void delete(ObjectId id) {
        records.deleteCatalogueEntry(id);
    }

    /// All entries, of whatever VM.
    public List<Listed> all() {
        return records.catalogueNames("");
    }

    private ObjectId id(String vm, long ordinal, ObjectId point, int attempt) {
        ByteBuffer id = ByteBuffer.allocate(ObjectId.LENGTH).put(tag(vm));
        for (int i = ORDINAL - 1; i >= 0; i--) {
            id.put((byte) (ordinal >>> (i * Byte.SIZE)));
        }
        byte[] rest = point.bytes();
        // The same names whoever tries again, so that a point gets one entry.
        rest[REST - 1] += (byte) attempt;
        return ObjectId.read(id.put(rest, 0, REST).flip());
    }

    private byte[] tag(String vm) {
        Mac mac = ItemHasher.mac(key);
        byte[] tag = new byte[TAG];
        System.arraycopy(mac.doFinal(vm.getBytes(StandardCharsets.UTF_8)), 0, tag, 0, TAG);
        return tag;
    }
}
