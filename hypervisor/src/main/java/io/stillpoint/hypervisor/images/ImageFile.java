package io.stillpoint.hypervisor.images;

import java.nio.file.Path;
import java.util.Optional;

/// An image of a stopped VM.
///
/// @param path a regular file or a block device
/// @param format the name of QEMU's driver for it, such as `raw` or `qcow2`; when empty the file's name tells, never its
///     content
/// @param name of the disk; when empty the file's name without its ending
/// @param secret the file that holds the passphrase of an image that QEMU encrypts (LUKS)
public record ImageFile(
        Path path, Optional<String> format, Optional<String> name, Optional<Path> secret) {
    /// An image whose name tells its format.
    public static ImageFile of(Path path) {
        return new ImageFile(path, Optional.empty(), Optional.empty(), Optional.empty());
    }

    public ImageFile withFormat(String driver) {
        return new ImageFile(path, Optional.of(driver), name, secret);
    }

    public ImageFile withName(String disk) {
        return new ImageFile(path, format, Optional.of(disk), secret);
    }

    public ImageFile withSecret(Path file) {
        return new ImageFile(path, format, name, Optional.of(file));
    }
}
