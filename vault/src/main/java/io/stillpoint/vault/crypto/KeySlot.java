package io.stillpoint.vault.crypto;

import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.store.ObjectId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.KDF;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.HKDFParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/// A vault's master key, wrapped by a key file (section 3 of the format).
public final class KeySlot {
    /// Length of a slot object in bytes.
    public static final int LENGTH = ObjectHeader.LENGTH + 4 + 32 + 16 + 48 + 4;

    private static final int TYPE_KEY_FILE = 1;
    private static final int SALT_AT = ObjectHeader.LENGTH + 4;
    private static final int CHECK_AT = SALT_AT + 32;
    private static final int WRAPPED_AT = CHECK_AT + 16;
    private static final int CRC_AT = WRAPPED_AT + 48;

    private KeySlot() {}

    /// What came of trying a key file on a slot.
    public sealed interface Opened {
        /// @param masterKey 32 bytes
        record MasterKey(byte[] masterKey) implements Opened {}

        /// The slot is sound, but made for another key.
        record OtherKey() implements Opened {}

        /// The slot's bytes are not what was written.
        record Damaged() implements Opened {}
    }

    /// The bytes of a new slot.
    public static byte[] wrap(
            ObjectId slot, ObjectId vault, KeyFile key, byte[] masterKey, Randomness randomness) {
        byte[] salt = randomness.bytes(32);
        byte[] kek = kek(vault, key, salt);
        byte[] header = new ObjectHeader(ObjectKind.KEY_SLOT, slot).bytes();
        ByteBuffer buffer = ByteBuffer.allocate(LENGTH);
        buffer.put(header)
                .put((byte) TYPE_KEY_FILE)
                .put(new byte[3])
                .put(salt)
                .put(check(kek, header));
        try {
            Cipher cipher = cipher(Cipher.ENCRYPT_MODE, kek);
            cipher.updateAAD(buffer.array(), 0, WRAPPED_AT);
            buffer.put(cipher.doFinal(masterKey));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("wrapping the master key", e);
        }
        buffer.putInt(Checksum.of(buffer.array(), 0, CRC_AT));
        return buffer.array();
    }

    /// Tries a key file on a slot whose header was read already.
    public static Opened unwrap(byte[] slot, ObjectId vault, KeyFile key) {
        if (slot.length != LENGTH
                || ByteBuffer.wrap(slot).getInt(CRC_AT) != Checksum.of(slot, 0, CRC_AT)
                || slot[ObjectHeader.LENGTH] != TYPE_KEY_FILE) {
            return new Opened.Damaged();
        }
        byte[] kek = kek(vault, key, Arrays.copyOfRange(slot, SALT_AT, CHECK_AT));
        byte[] header = Arrays.copyOf(slot, ObjectHeader.LENGTH);
        if (!Arrays.equals(check(kek, header), Arrays.copyOfRange(slot, CHECK_AT, WRAPPED_AT))) {
            return new Opened.OtherKey();
        }
        try {
            Cipher cipher = cipher(Cipher.DECRYPT_MODE, kek);
            cipher.updateAAD(slot, 0, WRAPPED_AT);
            return new Opened.MasterKey(cipher.doFinal(slot, WRAPPED_AT, CRC_AT - WRAPPED_AT));
        } catch (GeneralSecurityException e) {
            return new Opened.Damaged();
        }
    }

    private static byte[] kek(ObjectId vault, KeyFile key, byte[] salt) {
        byte[] label = "stillpoint slot".getBytes(StandardCharsets.US_ASCII);
        ByteBuffer info = ByteBuffer.allocate(label.length + ObjectId.LENGTH).put(label);
        vault.write(info);
        try {
            return KDF.getInstance("HKDF-SHA256")
                    .deriveData(
                            HKDFParameterSpec.ofExtract()
                                    .addIKM(key.secret())
                                    .addSalt(salt)
                                    .thenExpand(info.array(), 64));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK lacks HKDF-SHA256", e);
        }
    }

    private static byte[] check(byte[] kek, byte[] header) {
        Mac mac = ItemHasher.mac(new SecretKeySpec(kek, 32, 32, "HmacSHA256"));
        return Arrays.copyOf(mac.doFinal(header), 16);
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
}
