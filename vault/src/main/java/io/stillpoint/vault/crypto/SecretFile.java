package io.stillpoint.vault.crypto;

import io.stillpoint.platform.disk.Reason;
import io.stillpoint.vault.VaultException;
import io.stillpoint.vault.VaultException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/// A file that only its owner can read, from its first byte on.
public final class SecretFile {
    private SecretFile() {}

    /// Writes a new file, in UTF-8 and durably. Throws kind `EXISTS` if there is a file, `KEY_FILE` if it can't be
    /// written.
    public static void create(Path file, String text) {
        try {
            Path folder = file.toAbsolutePath().getParent();
            if (folder != null) {
                Files.createDirectories(folder);
            }
            var ownerOnly =
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rw-------"));
            try (FileChannel channel =
                    FileChannel.open(
                            file,
                            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                            ownerOnly)) {
                ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
        } catch (FileAlreadyExistsException e) {
            throw new VaultException(Kind.EXISTS, "vault.key-file-exists", e, file);
        } catch (IOException e) {
            throw new VaultException(
                    Kind.KEY_FILE, "vault.key-file-unwritable", e, file, Reason.of(e));
        }
    }
}
