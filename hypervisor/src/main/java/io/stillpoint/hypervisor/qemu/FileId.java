package io.stillpoint.hypervisor.qemu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;

/// Which file it is, whatever its name.
///
/// @param device that its file system lies on
/// @param inode its number there
record FileId(long device, long inode) {
    /// Of the file behind any links; empty if there is none or it can't be seen.
    static Optional<FileId> of(Path path) {
        try {
            return Optional.of(new FileId(attribute(path, "dev"), attribute(path, "ino")));
        } catch (IOException | UnsupportedOperationException e) {
            return Optional.empty();
        }
    }

    private static long attribute(Path path, String name) throws IOException {
        return ((Number) Objects.requireNonNull(Files.getAttribute(path, "unix:" + name)))
                .longValue();
    }
}
