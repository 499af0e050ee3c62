package io.stillpoint.guest.extension;

import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.text.Text;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;

/// Files of the state folder, which only their owner may read and which are there whole or not at all.
public final class StateFile {
    private StateFile() {}

    /// Replaces or makes a file. It lasts when this returns.
    public static void replace(Path file, byte[] content) throws IOException {
        Path complete = writeBeside(file, content);
        boolean done = false;
        try {
            Files.move(complete, file, StandardCopyOption.ATOMIC_MOVE);
            done = true;
        } finally {
            if (!done) {
                Files.deleteIfExists(complete);
            }
        }
        syncFolderOf(file);
    }

    /// Writes a file of another name in the same folder, which it makes if need be. Its content lasts when this returns.
    static Path writeBeside(Path file, byte[] content) throws IOException {
        Path folder = folderOf(file);
        Files.createDirectories(
                folder,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        // Of mode 600; nobody else's, whoever writes at the same time.
        Path beside = Files.createTempFile(folder, ".new-", "");
        boolean done = false;
        try (FileChannel channel = FileChannel.open(beside, StandardOpenOption.WRITE)) {
            ByteBuffer bytes = ByteBuffer.wrap(content);
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
            done = true;
            return beside;
        } finally {
            if (!done) {
                Files.deleteIfExists(beside);
            }
        }
    }

    static void syncFolderOf(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(folderOf(file), StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private static Path folderOf(Path file) {
        return Objects.requireNonNull(file.toAbsolutePath().getParent());
    }

    /// Why a file could not be read or written, or what was wrong with its content.
    public static Text reason(Exception e) {
        return Reason.of(e);
    }
}
