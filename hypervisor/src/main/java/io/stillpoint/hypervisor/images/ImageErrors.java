package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.platform.Messages;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;

/// The exceptions of image files.
final class ImageErrors {
    private static final Messages TEXTS = Messages.of(HypervisorException.class);

    private static final long FULL_BELOW = 4 << 20;

    private ImageErrors() {}

    static HypervisorException failed(Path file, IOException cause) {
        return isFull(cause)
                ? noSpace(file, cause)
                : new HypervisorException(
                        Kind.IMAGE, "image.failed", cause, file, reason(cause));
    }

    static HypervisorException noSpace(Path file, Throwable cause) {
        return new HypervisorException(Kind.NO_SPACE, "image.no-space", cause, file);
    }

    /// Whether a write to this file may have failed for want of room. The system's words can be in any language, and a
    /// peer has only its own.
    static boolean isFull(Path file) {
        try {
            return Files.getFileStore(file).getUsableSpace() < FULL_BELOW;
        } catch (IOException e) {
            return false;
        }
    }

    private static boolean isFull(IOException cause) {
        String text = String.valueOf(cause.getMessage());
        return text.contains("No space left on device") || text.contains("quota exceeded");
    }

    static HypervisorException of(String code, Object... arguments) {
        return new HypervisorException(Kind.IMAGE, code, null, arguments);
    }

    static String reason(IOException cause) {
        // The message of most file exceptions is the path alone.
        return switch (cause) {
            case NoSuchFileException _ -> TEXTS.text("reason.not-there");
            case AccessDeniedException _ -> TEXTS.text("reason.denied");
            case FileAlreadyExistsException _ -> TEXTS.text("reason.exists");
            case NotDirectoryException _ -> TEXTS.text("reason.no-folder");
            case FileSystemException e when e.getReason() != null -> e.getReason();
            case EOFException _ -> TEXTS.text("reason.ended");
            default -> {
                String text = cause.getMessage();
                yield text == null || text.isBlank() ? TEXTS.text("reason.unknown") : text;
            }
        };
    }
}
