package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.platform.disk.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// The exceptions of image files.
final class ImageErrors {
    private static final long FULL_BELOW = 4 << 20;

    private ImageErrors() {}

    static HypervisorException failed(Path file, IOException cause) {
        return Reason.isFull(cause)
                ? noSpace(file, cause)
                : new HypervisorException(
                        Kind.IMAGE, "image.failed", cause, file, Reason.of(cause));
    }

    static HypervisorException noSpace(Path file, Throwable cause) {
        return new HypervisorException(Kind.NO_SPACE, "image.no-space", cause, file);
    }

    /// Whether a write to this file may have failed for want of room. A peer only says that it failed.
    static boolean isFull(Path file) {
        try {
            return Files.getFileStore(file).getUsableSpace() < FULL_BELOW;
        } catch (IOException e) {
            return false;
        }
    }

    static HypervisorException of(String code, Object... arguments) {
        return new HypervisorException(Kind.IMAGE, code, null, arguments);
    }
}
