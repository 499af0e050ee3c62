package io.stillpoint.guest.extension;

import io.stillpoint.guest.extension.ExtensionException.Kind;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.disk.PlainFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.HexFormat;
import java.util.Set;

/// Signs packages with the key of this installation and knows its own signatures again: Ed25519 (RFC 8032), whose
/// signatures are the same each time, so that who can sign can check by signing.
public final class PackageSigner {
    static final int SIGNATURE_BYTES = 64;

    private static final String FILE = "extension-key";
    private static final String ALGORITHM = "Ed25519";

    /// What stands before the 32 secret bytes in PKCS #8 (RFC 8410, section 7).
    private static final byte[] PREFIX =
            HexFormat.of().parseHex("302e020100300506032b657004220420");

    private static final int SECRET_BYTES = 32;
    private static final int FILE_BYTES_MAX = 4096;
    private static final Set<PosixFilePermission> OWNER =
            Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);

    private final PrivateKey key;

    private PackageSigner(PrivateKey key) {
        this.key = key;
    }

    /// Reads `extension-key` in the state folder; makes it, durably, if there is none. Of several processes that do so at
    /// once all get the same.
    ///
    /// Throws kind `STATE` if it can't be read or made, is no key, or others than its owner may read it.
    public static PackageSigner of(Path stateFolder, Randomness randomness) {
        Path file = stateFolder.resolve(FILE);
        try {
            if (!Files.exists(file)) {
                make(file, randomness);
            }
            if (!OWNER.containsAll(Files.getPosixFilePermissions(file))) {
                throw new ExtensionException(
                        Kind.STATE, "extension.key-open", null, file.toString());
            }
            byte[] der = PlainFile.read(file, FILE_BYTES_MAX);
            return new PackageSigner(
                    KeyFactory.getInstance(ALGORITHM)
                            .generatePrivate(new PKCS8EncodedKeySpec(der)));
        } catch (IOException | GeneralSecurityException e) {
            throw new ExtensionException(
                    Kind.STATE, "extension.key-unusable", e, file.toString(), StateFile.reason(e));
        }
    }

    private static void make(Path file, Randomness randomness) throws IOException {
        byte[] der =
                ByteBuffer.allocate(PREFIX.length + SECRET_BYTES)
                        .put(PREFIX)
                        .put(randomness.bytes(SECRET_BYTES))
                        .array();
        Path complete = StateFile.writeBeside(file, der);
        try {
            // Unlike a rename, this never puts our key in the place of one that another process has
            // just made and used.
            Files.createLink(file, complete);
            StateFile.syncFolderOf(file);
        } catch (FileAlreadyExistsException e) {
            // Theirs counts.
        } finally {
            Files.deleteIfExists(complete);
        }
    }

    byte[] sign(byte[] message) {
        try {
            Signature signature = Signature.getInstance(ALGORITHM);
            signature.initSign(key);
            signature.update(message);
            return signature.sign();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    boolean isOurs(byte[] message, byte[] signature) {
        return MessageDigest.isEqual(sign(message), signature);
    }
}
