package io.stillpoint.vault.crypto;

import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Set;

/// The 32 bytes that every object starts with (section 2 of the format). Nothing of a vault is read without
/// passing [#read].
///
/// @param id the object's own id, or the vault's in the object `vault`
public record ObjectHeader(ObjectKind kind, ObjectId id) {
    /// Length in bytes.
    public static final int LENGTH = 32;

    private static final byte[] MAGIC = "STILLPNT".getBytes(StandardCharsets.US_ASCII);
    private static final int VERSION = 1;
    private static final int CHECKED = LENGTH - Integer.BYTES;

    /// The header as bytes.
    public byte[] bytes() {
        ByteBuffer buffer = ByteBuffer.allocate(LENGTH);
        buffer.put(MAGIC).put(kind.letter()).put((byte) VERSION).putShort((short) 0);
        id.write(buffer);
        buffer.putInt(Checksum.of(buffer.array(), 0, CHECKED));
        return buffer.array();
    }

    /// Reads and checks the header at the start of `bytes`.
    ///
    /// @param allowed the kinds that may stand under this name
    /// @param name the object's name; its id must be the header's, but for the object `vault`
    public static ObjectHeader read(
            byte[] bytes, Set<ObjectKind> allowed, ObjectName name, String store) {
        if (bytes.length < LENGTH
                || !Arrays.equals(bytes, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
            throw name.area() == ObjectName.Area.VAULT
                    ? new VaultException(Kind.NOT_A_VAULT, "vault.not-a-vault", null, store)
                    : VaultException.damaged(name, store, "header");
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes, MAGIC.length, LENGTH - MAGIC.length);
        byte letter = buffer.get();
        int version = Byte.toUnsignedInt(buffer.get());
        buffer.getShort();
        ObjectId id = ObjectId.read(buffer);
        if (buffer.getInt() != Checksum.of(bytes, 0, CHECKED)) {
            throw VaultException.damaged(name, store, "header");
        }
        if (version != VERSION) {
            throw new VaultException(
                    Kind.TOO_NEW, "vault.too-new", null, store, name, version, VERSION);
        }
        ObjectKind kind =
                allowed.stream()
                        .filter(candidate -> candidate.letter() == letter)
                        .findFirst()
                        .orElse(null);
        if (kind == null || (name.area() != ObjectName.Area.VAULT && !id.equals(name.id()))) {
            throw new VaultException(Kind.DAMAGED, "vault.swapped", null, store, name);
        }
        return new ObjectHeader(kind, id);
    }
}
