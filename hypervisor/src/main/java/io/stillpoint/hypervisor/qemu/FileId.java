package io.stillpoint.hypervisor.qemu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/// Which file it is, whatever its name.
///
/// @param device that its file system lies on
/// @param inode its number there
record FileId(long device, long inode) {
    /// Of the file behind any links; empty if there is none or it can't be seen.
    static Optional<FileId> of(Path path) {
        try {
            Map<String, Object> found = Files.readAttributes(path, "unix:dev,ino");
            return Optional.of(
                    new FileId(
                            ((Number) found.get("dev")).longValue(),
                            ((Number) found.get("ino")).longValue()));
        } catch (IOException | UnsupportedOperationException e) {
            return Optional.empty();
        }
    }
}
