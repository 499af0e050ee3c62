package io.stillpoint.vault.crypto;

import io.stillpoint.vault.store.ObjectId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import javax.crypto.KDF;
import javax.crypto.SecretKey;
import javax.crypto.spec.HKDFParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/// The keys derived from a vault's master key (section 3 of the format). Immutable; safe for several threads.
public final class VaultKeys {
    /// Length of the master key and of each derived key, in bytes.
    public static final int KEY_LENGTH = 32;

    private final byte[] masterKey;
    private final SecretKey root;
    private final SecretKey header;
    private final SecretKey chunkId;
    private final SecretKey nodeId;
    private final SecretKey record;
    private final SecretKey catalogue;

    /// @param masterKey 32 bytes
    public VaultKeys(ObjectId vault, byte[] masterKey) {
        this.masterKey = masterKey.clone();
        root =
                derive(
                        HKDFParameterSpec.ofExtract()
                                .addIKM(masterKey)
                                .addSalt(vault.bytes())
                                .extractOnly(),
                        "Generic");
        header = expand(ascii("stillpoint header"), "HmacSHA256");
        chunkId = expand(ascii("stillpoint chunk id"), "HmacSHA256");
        nodeId = expand(ascii("stillpoint node id"), "HmacSHA256");
        record = expand(ascii("stillpoint record"), "HmacSHA256");
        catalogue = expand(ascii("stillpoint catalogue"), "HmacSHA256");
    }

    SecretKey chunkIdKey() {
        return chunkId;
    }

    SecretKey nodeIdKey() {
        return nodeId;
    }

    /// The key of the vault header's authentication code.
    public SecretKey headerKey() {
        return header;
    }

    /// The key of the records' authentication codes.
    public SecretKey recordKey() {
        return record;
    }

    /// The key of the tags by which the catalogue tells VMs apart.
    public SecretKey catalogueKey() {
        return catalogue;
    }

    /// For a new key slot to wrap.
    byte[] masterKey() {
        return masterKey.clone();
    }

    /// The key of the key slots' authentication codes.
    SecretKey slotKey() {
        return expand(ascii("stillpoint key slot"), "HmacSHA256");
    }

    /// The AES-256 key of one pack, index segment or point.
    public SecretKey objectKey(ObjectKind kind, ObjectId id) {
        byte[] label = ascii("stillpoint object");
        ByteBuffer info = ByteBuffer.allocate(label.length + 1 + ObjectId.LENGTH);
        info.put(label).put(kind.letter());
        id.write(info);
        return expand(info.array(), "AES");
    }

    private SecretKey expand(byte[] info, String algorithm) {
        return derive(HKDFParameterSpec.expandOnly(root, info, KEY_LENGTH), algorithm);
    }

    private static SecretKey derive(HKDFParameterSpec parameters, String algorithm) {
        try {
            SecretKey key = KDF.getInstance("HKDF-SHA256").deriveKey(algorithm, parameters);
            return new SecretKeySpec(key.getEncoded(), algorithm);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK lacks HKDF-SHA256", e);
        }
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
