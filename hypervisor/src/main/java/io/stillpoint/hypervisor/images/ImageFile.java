package io.stillpoint.hypervisor.images;

import java.nio.file.Path;
import java.util.Optional;

/// An image of a stopped VM.
///
/// @param path a regular file or a block device
/// @param format the name of QEMU's driver for it, such as `raw` or `qcow2`; told by its first bytes when empty
public record ImageFile(Path path, Optional<String> format) {
    /// An image whose format is told by its first bytes.
    public static ImageFile of(Path path) {
        return new ImageFile(path, Optional.empty());
    }
}
