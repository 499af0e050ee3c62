package io.stillpoint.vault.crypto;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import javax.crypto.Mac;
import javax.crypto.SecretKey;

/// Computes item ids (section 4 of the format). For one thread at a time.
public final class ItemHasher {
    private final Mac chunks;
    private final Mac nodes;
    private final ByteBuffer id = ByteBuffer.allocate(ItemId.LENGTH);

    public ItemHasher(VaultKeys keys) {
        chunks = mac(keys.chunkIdKey());
        nodes = mac(keys.nodeIdKey());
    }

    /// The id of a chunk: `length` bytes of `from`, from index `at` on.
    public ItemId chunk(byte[] from, int at, int length) {
        return hash(chunks, from, at, length);
    }

    /// The id of a node.
    public ItemId node(byte[] from, int at, int length) {
        return hash(nodes, from, at, length);
    }

    private ItemId hash(Mac mac, byte[] from, int at, int length) {
        try {
            mac.update(from, at, length);
            mac.doFinal(id.array(), 0);
            return ItemId.read(id.clear());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("a 32-byte buffer holds an HMAC-SHA-256", e);
        }
    }

    /// HMAC-SHA-256 under a key.
    public static Mac mac(SecretKey key) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(key);
            return mac;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK lacks HmacSHA256", e);
        }
    }
}
