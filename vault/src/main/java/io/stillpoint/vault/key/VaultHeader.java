package io.stillpoint.vault.key;

import io.stillpoint.vault.crypto.Checksum;
import io.stillpoint.vault.crypto.ObjectHeader;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import io.stillpoint.vault.tree.TreeShape;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import javax.crypto.Mac;

/// The object `vault`: identity and parameters (section 3 of the format).
///
/// @param id the vault's
public record VaultHeader(ObjectId id, Instant createdAt) {
    static final int LENGTH = ObjectHeader.LENGTH + 8 + 8 + 32 + 4;

    private static final int MAC_AT = ObjectHeader.LENGTH + 16;
    private static final int CRC_AT = LENGTH - 4;
    private static final byte[] PARAMETERS = {
        1, 1, 1, TreeShape.CHUNK_LOG2, TreeShape.FAN_OUT_LOG2, 0, 0, 0
    };

    /// The bytes of the object. Throws kind `NOT_A_VAULT` if there is none, `MISSING` if a vault has lost just it.
    public static byte[] read(ObjectStore store) {
        if (!store.exists(ObjectName.vault())) {
            throw absent(store);
        }
        return store.get(ObjectName.vault());
    }

    /// What it means that there is no header: most often a mistyped place, at worst a vault that has lost it, over which no other
    /// one must be made.
    private static VaultException absent(ObjectStore store) {
        for (Area area : List.of(Area.POINTS, Area.PACKS, Area.INDEX, Area.KEYS)) {
            List<ObjectName> relics = new ArrayList<>(1);
            store.list(
                    area,
                    listed -> {
                        if (relics.isEmpty()) {
                            relics.add(listed.name());
                        }
                    });
            if (!relics.isEmpty()) {
                // Slots alone may be what a making that was cut off has left.
                boolean isMade = area != Area.KEYS;
                return new VaultException(
                        isMade ? Kind.MISSING : Kind.NOT_A_VAULT,
                        isMade ? "vault.header-lost" : "vault.only-slots",
                        null,
                        store.description(),
                        relics.getFirst());
            }
        }
        return new VaultException(Kind.NOT_A_VAULT, "vault.not-a-vault", null, store.description());
    }

    /// Throws kind `EXISTS` unless a vault can be made in the store without touching anything of anybody.
    static void requireNone(ObjectStore store) {
        if (store.exists(ObjectName.vault())) {
            throw new VaultException(Kind.EXISTS, "vault.exists", null, store.description());
        }
        store.occupant()
                .ifPresent(found -> {
                    throw new VaultException(
                            Kind.EXISTS,
                            found.isOurs() ? "vault.init-over-relics" : "vault.not-empty",
                            null,
                            store.description(),
                            found.path());
                });
    }

    byte[] encode(VaultKeys keys) {
        ByteBuffer buffer = ByteBuffer.allocate(LENGTH);
        buffer.put(new ObjectHeader(ObjectKind.VAULT, id).bytes());
        buffer.put(PARAMETERS).putLong(createdAt.toEpochMilli());
        buffer.put(mac(keys, buffer.array()));
        buffer.putInt(Checksum.of(buffer.array(), 0, CRC_AT));
        return buffer.array();
    }

    /// Reads the header and what can be checked of it without a key.
    public static VaultHeader decode(byte[] bytes, String store) {
        ObjectName name = ObjectName.vault();
        ObjectHeader header = ObjectHeader.read(bytes, EnumSet.of(ObjectKind.VAULT), name, store);
        if (bytes.length != LENGTH
                || ByteBuffer.wrap(bytes).getInt(CRC_AT) != Checksum.of(bytes, 0, CRC_AT)) {
            throw VaultException.damaged(name, store, "checksum");
        }
        byte[] parameters =
                Arrays.copyOfRange(
                        bytes, ObjectHeader.LENGTH, ObjectHeader.LENGTH + PARAMETERS.length);
        if (!Arrays.equals(parameters, PARAMETERS)) {
            throw new VaultException(
                    Kind.TOO_NEW,
                    "vault.other-parameters",
                    null,
                    store,
                    Arrays.toString(parameters),
                    Arrays.toString(PARAMETERS));
        }
        long createdAt = ByteBuffer.wrap(bytes).getLong(ObjectHeader.LENGTH + PARAMETERS.length);
        return new VaultHeader(header.id(), Instant.ofEpochMilli(createdAt));
    }

    /// Throws kind `DAMAGED` unless the bytes were written by a holder of the key.
    static void authenticate(byte[] bytes, VaultKeys keys, String store) {
        if (!MessageDigest.isEqual(mac(keys, bytes), Arrays.copyOfRange(bytes, MAC_AT, CRC_AT))) {
            throw VaultException.damaged(ObjectName.vault(), store, "authentication");
        }
    }

    private static byte[] mac(VaultKeys keys, byte[] bytes) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(keys.headerKey());
            mac.update(bytes, 0, MAC_AT);
            return mac.doFinal();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK lacks HmacSHA256", e);
        }
    }
}
