package io.stillpoint.vault.crypto;

import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Arrays;
import java.util.EnumSet;
import javax.crypto.Cipher;
import javax.crypto.KDF;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.HKDFParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/// A vault's master key, wrapped for one credential (section 3.1 of the format):
/// ```
/// slot := header type:u8 labelLength:u8 0[2] memory:u32 iterations:u32 parallelism:u32 createdAt:u64
///         salt[32] label[64] check[16] wrapped[48] mac[32] crc:u32
/// ```
public final class KeySlot {
    /// Length of a slot object in bytes.
    public static final int LENGTH = 252;

    /// No slot of any type is longer, in bytes.
    public static final int LENGTH_MAX = 4096;

    /// In bytes of UTF-8.
    public static final int LABEL_MAX = 64;

    private static final int TYPE_AT = ObjectHeader.LENGTH;
    private static final int COST_AT = TYPE_AT + 4;
    private static final int SALT_AT = COST_AT + 3 * Integer.BYTES + Long.BYTES;
    private static final int LABEL_AT = SALT_AT + 32;
    private static final int CHECK_AT = LABEL_AT + LABEL_MAX;
    private static final int WRAPPED_AT = CHECK_AT + 16;
    private static final int MAC_AT = WRAPPED_AT + VaultKeys.KEY_LENGTH + Sealer.TAG;
    private static final int CRC_AT = MAC_AT + 32;

    private final byte[] bytes;
    private final Type type;
    private final String label;

    private KeySlot(byte[] bytes, Type type, String label) {
        this.bytes = bytes;
        this.type = type;
        this.label = label;
    }

    /// Which credentials a slot is for.
    public enum Type {
        KEY_FILE(1),
        PASSPHRASE(2);

        private final int number;

        Type(int number) {
            this.number = number;
        }

        public static Type of(Credential credential) {
            return switch (credential) {
                case KeyFile _ -> KEY_FILE;
                case Passphrase _ -> PASSPHRASE;
            };
        }
    }

    /// What an object below `keys/` turned out to be.
    public sealed interface Read {
        record Sound(KeySlot slot) implements Read {}

        /// Of a type, or with demands, that only a newer program may know.
        record Newer() implements Read {}

        /// The bytes are not what was written.
        record Damaged() implements Read {}
    }

    /// What came of trying a credential on a slot.
    public sealed interface Opened {
        /// @param keys of the vault
        record Keys(VaultKeys keys) implements Opened {}

        /// The slot is sound, but made for another key.
        record OtherKey() implements Opened {}

        /// The slot's bytes are not what was written.
        record Damaged() implements Opened {}
    }

    /// Where a slot stands and what people are told of it.
    ///
    /// @param id the slot's
    public record Title(ObjectId id, ObjectId vault, String label, Instant createdAt) {
        /// Throws kind `KEY_FILE` if the label is too long or would do something to a terminal.
        public Title {
            if (utf8(label).length > LABEL_MAX || !isPlain(label)) {
                throw new VaultException(Kind.KEY_FILE, "vault.slot-label", null, LABEL_MAX);
            }
        }
    }

    /// The bytes of a new slot. Throws kind `KEY_FILE` if a passphrase is too short.
    public static byte[] wrap(
            Title title, Credential credential, VaultKeys keys, Randomness randomness) {
        if (credential instanceof Passphrase passphrase) {
            passphrase.requireLength();
        }
        return wrap(title, credential, Argon2Cost.USUAL, keys, randomness);
    }

    static byte[] wrap(
            Title title,
            Credential credential,
            Argon2Cost cost,
            VaultKeys keys,
            Randomness randomness) {
        byte[] header = new ObjectHeader(ObjectKind.KEY_SLOT, title.id).bytes();
        byte[] label = utf8(title.label);
        Type type = Type.of(credential);
        ByteBuffer buffer = ByteBuffer.allocate(LENGTH);
        buffer.put(header).put((byte) type.number).put((byte) label.length);
        buffer.position(COST_AT);
        if (type == Type.PASSPHRASE) {
            buffer.putInt(cost.memory()).putInt(cost.iterations()).putInt(cost.parallelism());
        }
        buffer.position(COST_AT + 3 * Integer.BYTES);
        buffer.putLong(title.createdAt.toEpochMilli()).put(randomness.bytes(32)).put(label);
        byte[] kek = new KeySlot(buffer.array(), type, title.label).kek(title.vault, credential);
        buffer.position(CHECK_AT).put(check(kek, header));
        try {
            Cipher cipher = cipher(Cipher.ENCRYPT_MODE, kek);
            cipher.updateAAD(buffer.array(), 0, WRAPPED_AT);
            buffer.put(cipher.doFinal(keys.masterKey()));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("wrapping the master key", e);
        }
        buffer.put(mac(keys, buffer.array()));
        buffer.putInt(Checksum.of(buffer.array(), 0, CRC_AT));
        return buffer.array();
    }

    /// Reads what can be checked without any key.
    public static Read read(byte[] bytes, ObjectName name, String store) {
        try {
            ObjectHeader.read(bytes, EnumSet.of(ObjectKind.KEY_SLOT), name, store);
        } catch (VaultException e) {
            return e.kind() == Kind.TOO_NEW ? new Read.Newer() : new Read.Damaged();
        }
        int crcAt = bytes.length - Integer.BYTES;
        if (crcAt <= TYPE_AT
                || bytes.length > LENGTH_MAX
                || ByteBuffer.wrap(bytes).getInt(crcAt) != Checksum.of(bytes, 0, crcAt)) {
            return new Read.Damaged();
        }
        return switch (bytes[TYPE_AT]) {
            case 1 -> readKnown(bytes, Type.KEY_FILE);
            case 2 -> readKnown(bytes, Type.PASSPHRASE);
            default -> new Read.Newer();
        };
    }

    private static Read readKnown(byte[] bytes, Type type) {
        int labelLength = bytes.length > TYPE_AT + 1 ? bytes[TYPE_AT + 1] : -1;
        if (bytes.length != LENGTH
                || labelLength < 0
                || labelLength > LABEL_MAX
                || !isZero(bytes, TYPE_AT + 2, COST_AT)
                || !isZero(bytes, LABEL_AT + labelLength, CHECK_AT)) {
            return new Read.Damaged();
        }
        String label;
        try {
            label =
                    StandardCharsets.UTF_8
                            .newDecoder()
                            .decode(ByteBuffer.wrap(bytes, LABEL_AT, labelLength))
                            .toString();
        } catch (CharacterCodingException e) {
            return new Read.Damaged();
        }
        if (!isPlain(label)) {
            return new Read.Damaged();
        }
        ByteBuffer cost = ByteBuffer.wrap(bytes, COST_AT, 3 * Integer.BYTES);
        return switch (type) {
            case KEY_FILE ->
                    isZero(bytes, COST_AT, COST_AT + 3 * Integer.BYTES)
                            ? new Read.Sound(new KeySlot(bytes, type, label))
                            : new Read.Damaged();
            case PASSPHRASE ->
                    Argon2Cost.isWithinBounds(cost.getInt(), cost.getInt(), cost.getInt())
                            ? new Read.Sound(new KeySlot(bytes, type, label))
                            : new Read.Newer();
        };
    }

    public Type type() {
        return type;
    }

    /// What trying a credential on it costs: KiB of memory, times passes; nothing for a key file.
    public long work() {
        return type == Type.KEY_FILE ? 0 : (long) cost().memory() * cost().iterations();
    }

    /// Whoever can write to the store can write a label; see [#isAuthentic].
    public String label() {
        return label;
    }

    public Instant createdAt() {
        return Instant.ofEpochMilli(ByteBuffer.wrap(bytes).getLong(COST_AT + 3 * Integer.BYTES));
    }

    /// Tries a credential of this slot's type. A passphrase costs a fraction of a second and tens of MiB.
    public Opened open(ObjectId vault, Credential credential) {
        byte[] kek = kek(vault, credential);
        byte[] header = Arrays.copyOf(bytes, ObjectHeader.LENGTH);
        if (!MessageDigest.isEqual(
                check(kek, header), Arrays.copyOfRange(bytes, CHECK_AT, WRAPPED_AT))) {
            return new Opened.OtherKey();
        }
        VaultKeys keys;
        try {
            Cipher cipher = cipher(Cipher.DECRYPT_MODE, kek);
            cipher.updateAAD(bytes, 0, WRAPPED_AT);
            keys = new VaultKeys(vault, cipher.doFinal(bytes, WRAPPED_AT, MAC_AT - WRAPPED_AT));
        } catch (GeneralSecurityException e) {
            return new Opened.Damaged();
        }
        return isAuthentic(keys) ? new Opened.Keys(keys) : new Opened.Damaged();
    }

    /// Whether a holder of the vault's master key made this slot.
    public boolean isAuthentic(VaultKeys keys) {
        return MessageDigest.isEqual(mac(keys, bytes), Arrays.copyOfRange(bytes, MAC_AT, CRC_AT));
    }

    private byte[] kek(ObjectId vault, Credential credential) {
        byte[] salt = Arrays.copyOfRange(bytes, SALT_AT, LABEL_AT);
        byte[] secret =
                switch (credential) {
                    case KeyFile keyFile -> keyFile.secret();
                    case Passphrase passphrase -> cost().derive(passphrase, salt);
                };
        byte[] label = "stillpoint slot".getBytes(StandardCharsets.US_ASCII);
        ByteBuffer info = ByteBuffer.allocate(label.length + ObjectId.LENGTH).put(label);
        vault.write(info);
        try {
            return KDF.getInstance("HKDF-SHA256")
                    .deriveData(
                            HKDFParameterSpec.ofExtract()
                                    .addIKM(secret)
                                    .addSalt(salt)
                                    .thenExpand(info.array(), 64));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK lacks HKDF-SHA256", e);
        }
    }

    private Argon2Cost cost() {
        ByteBuffer buffer = ByteBuffer.wrap(bytes, COST_AT, 3 * Integer.BYTES);
        return new Argon2Cost(buffer.getInt(), buffer.getInt(), buffer.getInt());
    }

    private static byte[] check(byte[] kek, byte[] header) {
        Mac mac = ItemHasher.mac(new SecretKeySpec(kek, 32, 32, "HmacSHA256"));
        return Arrays.copyOf(mac.doFinal(header), 16);
    }

    private static byte[] mac(VaultKeys keys, byte[] bytes) {
        Mac mac = ItemHasher.mac(keys.slotKey());
        mac.update(bytes, 0, MAC_AT);
        return mac.doFinal();
    }

    private static Cipher cipher(int mode, byte[] kek) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        // The key encrypts one message ever (a fresh salt for each slot), so a constant nonce does
        // not repeat.
        cipher.init(
                mode,
                new SecretKeySpec(kek, 0, 32, "AES"),
                new GCMParameterSpec(Sealer.TAG * Byte.SIZE, new byte[12]));
        return cipher;
    }

    private static boolean isZero(byte[] bytes, int from, int to) {
        for (int i = from; i < to; i++) {
            if (bytes[i] != 0) {
                return false;
            }
        }
        return true;
    }

    /// Labels are shown on terminals: no control characters.
    private static boolean isPlain(String label) {
        return label.codePoints().noneMatch(Character::isISOControl);
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
