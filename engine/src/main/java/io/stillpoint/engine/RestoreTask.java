package io.stillpoint.engine;

import io.stillpoint.hypervisor.images.RestoreTarget;
import io.stillpoint.platform.Threads;
import java.nio.file.Path;
import java.util.Locale;

/// A disk of a point, and where it is to be restored to.
///
/// @param disk its name in the point
/// @param file an image that is not there yet, or a block device
public record RestoreTask(String disk, Path file, Form form) {
    /// Makes what is written, and writes nothing yet. Throws what [RestoreTarget] says.
    ///
    /// @param size of the disk
    RestoreTarget target(long size, Threads threads) {
        return switch (form) {
            case RAW -> RestoreTarget.createRaw(file, size);
            case QCOW2 -> RestoreTarget.createQcow2(file, size, threads);
            case OVERWRITE -> RestoreTarget.overwriteDevice(file, size);
        };
    }

    /// What is written.
    public enum Form {
        /// A raw image, or a block device that holds nothing.
        RAW,
        QCOW2,
        /// A block device, whatever it holds.
        OVERWRITE;

        /// As it stands in journals.
        String word() {
            return name().toLowerCase(Locale.ROOT);
        }

        static Form of(String word) {
            return valueOf(word.toUpperCase(Locale.ROOT));
        }
    }
}
