package io.stillpoint.platform.natives;

import java.nio.file.FileSystemException;
import java.util.Locale;

/// Under a name lies a link, pipe, device or the like, where a plain file or a folder should be. It was neither opened nor followed.
public final class OtherTypeException extends FileSystemException {
    private static final long serialVersionUID = 1L;

    private final FileType type;

    OtherTypeException(String file, FileType found) {
        super(file, null, "found a " + found.name().toLowerCase(Locale.ROOT).replace('_', ' '));
        type = found;
    }

    /// What lies there.
    public FileType type() {
        return type;
    }
}
