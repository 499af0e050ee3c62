package io.stillpoint.vault.crypto;

import io.stillpoint.platform.disk.Reason;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Collections;
import java.util.Optional;
import java.util.Set;

/// A file that only its owner can read, from its first byte on.
public final class SecretFile {
    private static final Set<PosixFilePermission> OTHERS =
            Set.of(
                    PosixFilePermission.GROUP_READ,
                    PosixFilePermission.GROUP_WRITE,
                    PosixFilePermission.OTHERS_READ,
                    PosixFilePermission.OTHERS_WRITE);

    private SecretFile() {}

    /// The permissions of a file in which a secret lies, such as `rw-rw-rw-`, if others than its owner may read or change it. Empty
    /// for a pipe and wherever there are no such permissions.
    public static Optional<String> exposure(Path file) {
        try {
            Set<PosixFilePermission> found = Files.getPosixFilePermissions(file);
            return Files.isRegularFile(file) && !Collections.disjoint(found, OTHERS)
                    ? Optional.of(PosixFilePermissions.toString(found))
                    : Optional.empty();
        } catch (IOException | UnsupportedOperationException _) {
            // Whether it can be read is told by reading it.
            return Optional.empty();
        }
    }

    /// Writes a new file, in UTF-8 and durably. Throws kind `EXISTS` if there is a file, `KEY_FILE` if it can't be
    /// written.
    public static void create(Path file, String text) {
        try {
            Path folder = file.toAbsolutePath().getParent();
            if (folder != null) {
                // If need be; whoever can write there could exchange the file.
                Files.createDirectories(
                        folder,
                        PosixFilePermissions.asFileAttribute(
                                PosixFilePermissions.fromString("rwx------")));
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
