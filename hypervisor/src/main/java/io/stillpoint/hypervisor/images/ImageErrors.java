package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import java.io.IOException;
import java.nio.file.Path;

/// The exceptions of image files.
final class ImageErrors {
    private ImageErrors() {}

    static HypervisorException failed(Path file, IOException cause) {
        return new HypervisorException(Kind.IMAGE, "image.failed", cause, file, reason(cause));
    }

    static HypervisorException of(String code, Object... arguments) {
        return new HypervisorException(Kind.IMAGE, code, null, arguments);
    }

    private static String reason(IOException cause) {
        // The message of most file exceptions is the path alone.
        return cause.toString();
    }
}
