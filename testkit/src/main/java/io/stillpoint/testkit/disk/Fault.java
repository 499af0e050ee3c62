package io.stillpoint.testkit.disk;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;

/// How a call fails.
public enum Fault {
    /// Writes half of what it should, and then there is no room.
    NO_SPACE {
        @Override
        IOException exception(String path) {
            return new FileSystemException(path, null, "No space left on device");
        }
    },
    IO_ERROR {
        @Override
        IOException exception(String path) {
            return new IOException("Input/output error");
        }
    },
    DENIED {
        @Override
        IOException exception(String path) {
            return new AccessDeniedException(path);
        }
    },
    /// Not a failure: a read or a write does half of what it was asked, as it may at any time.
    SHORT {
        @Override
        IOException exception(String path) {
            throw new IllegalStateException("only reading and writing can be short");
        }
    };

    abstract IOException exception(String path);
}
