package io.stillpoint.vault.crypto;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;

/// AES-256-GCM (NIST SP 800-38D) as objects use it: the nonce is the place in the object (section 3 of the
/// format). Works on `byte[]`, which the JDK's intrinsic is three times faster on than on direct buffers. For
/// one thread at a time.
public final class Sealer {
    /// Length of the authentication tag behind each ciphertext, in bytes.
    public static final int TAG = 16;

    private static final int NONCE = 12;

    private final Cipher cipher;

    public Sealer() {
        try {
            cipher = Cipher.getInstance("AES/GCM/NoPadding");
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK lacks AES-GCM", e);
        }
    }

    /// Encrypts `from` into `to`, which is longer by the tag.
    ///
    /// @param offset the place in the object that makes the nonce; never twice under one key
    /// @param aad additional data that is authenticated but not encrypted
    public void seal(SecretKey key, long offset, Slice aad, Slice from, Slice to) {
        requireLength(to, from.length() + TAG);
        try {
            cipher.init(Cipher.ENCRYPT_MODE, key, nonce(offset));
            run(aad, from, to);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("sealing at " + offset, e);
        }
    }

    /// Decrypts `from` into `to`, which is shorter by the tag. Returns whether the tag was right; if not, `to` holds
    /// nothing of use.
    public boolean open(SecretKey key, long offset, Slice aad, Slice from, Slice to) {
        if (from.length() < TAG) {
            return false;
        }
        requireLength(to, from.length() - TAG);
        try {
            cipher.init(Cipher.DECRYPT_MODE, key, nonce(offset));
            run(aad, from, to);
            return true;
        } catch (AEADBadTagException e) {
            return false;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("opening at " + offset, e);
        }
    }

    /// Authenticates without encrypting anything: writes a tag to `to`.
    public void sign(SecretKey key, long offset, byte[] signed, byte[] to, int toAt) {
        seal(key, offset, Slice.of(signed), Slice.NONE, new Slice(to, toAt, TAG));
    }

    /// Whether [#sign] made the tag of these bytes.
    public boolean isSigned(SecretKey key, long offset, byte[] signed, byte[] from, int at) {
        return open(key, offset, Slice.of(signed), new Slice(from, at, TAG), Slice.NONE);
    }

    private void run(Slice aad, Slice from, Slice to) throws GeneralSecurityException {
        cipher.updateAAD(aad.bytes(), aad.at(), aad.length());
        cipher.doFinal(from.bytes(), from.at(), from.length(), to.bytes(), to.at());
    }

    /// The cipher would write past the end of a slice that is too short.
    private static void requireLength(Slice to, int length) {
        if (to.length() != length) {
            throw new IllegalArgumentException("room for " + to.length() + " bytes, not " + length);
        }
    }

    private static GCMParameterSpec nonce(long offset) {
        return new GCMParameterSpec(
                TAG * Byte.SIZE, ByteBuffer.allocate(NONCE).putInt(0).putLong(offset).array());
    }
}
