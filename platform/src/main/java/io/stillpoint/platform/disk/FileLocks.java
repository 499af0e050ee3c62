package io.stillpoint.platform.disk;

import io.stillpoint.platform.Undisturbed;
import io.stillpoint.platform.natives.FolderHandle;
import io.stillpoint.platform.natives.LockedFile;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/// The one place where files are locked. A lock holds off other processes and other callers in this one alike, and lasts until it is
/// closed or the process ends: no attempt of others, failed or not, takes it away ([LockedFile] says why Java's own do).
///
/// The file may lie where others can write: under its name nothing but a plain file is opened.
public final class FileLocks {
    /// Which bytes of a file; programs that lock others don't meet.
    ///
    /// @param length in bytes; 0 for all up to the end, wherever it will be
    public record Range(long from, long length) {
        public static final Range ALL = new Range(0, 0);
    }

    private static final int OWNER_ONLY = 0600;
    private static final long LOOK_MILLIS = 2;

    private FileLocks() {}

    /// Locks a file that is there. Empty if somebody has locked it. Throws [java.nio.file.NoSuchFileException].
    public static Optional<LockedFile> tryLock(Path file) throws IOException {
        return tryLock(file, false, Range.ALL);
    }

    /// Locks a file, which is made, for its owner only, if it is not there. Empty if somebody has locked it.
    public static Optional<LockedFile> tryLockOrCreate(Path file, Range range) throws IOException {
        return tryLock(file, true, range);
    }

    /// As above, and waits for whoever has locked it. Throws a [FileSystemException] if that lasts longer than `max`.
    public static LockedFile lockOrCreate(Path file, Range range, Duration max) throws IOException {
        for (long looks = max.toMillis() / LOOK_MILLIS; ; looks--) {
            Optional<LockedFile> locked = tryLockOrCreate(file, range);
            if (locked.isPresent()) {
                return locked.get();
            }
            if (looks <= 0) {
                throw new FileSystemException(file.toString(), null, "locked by another program");
            }
            boolean _ =
                    Undisturbed.await(() -> {
                        TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
                        return true;
                    });
        }
    }

    /// Locks a file in an open folder. Empty if somebody has locked it. Throws [java.nio.file.NoSuchFileException].
    static Optional<LockedFile> tryLock(FolderHandle folder, String name) throws IOException {
        return folder.tryLock(name, false, OWNER_ONLY, Range.ALL.from(), Range.ALL.length());
    }

    private static Optional<LockedFile> tryLock(Path file, boolean create, Range range)
            throws IOException {
        Path absolute = file.toAbsolutePath();
        Path folder = absolute.getParent();
        try (FolderHandle within = FolderHandle.open(folder == null ? absolute : folder)) {
            return within.tryLock(
                    FolderHandle.name(absolute), create, OWNER_ONLY, range.from(), range.length());
        }
    }
}
