package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.platform.disk.Reason;
import java.io.IOException;
import java.nio.file.Path;

/// The exceptions of image files.
final class ImageErrors {
    private ImageErrors() {}

    static HypervisorException failed(Path file, IOException cause) {
        return new HypervisorException(Kind.IMAGE, "image.failed", cause, file, Reason.of(cause));
    }

    static HypervisorException of(String code, Object... arguments) {
        return new HypervisorException(Kind.IMAGE, code, null, arguments);
    }
}
