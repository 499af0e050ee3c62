package io.stillpoint.vault.store;

import io.stillpoint.platform.disk.Disk;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// The folder `tmp/NAME` in which a process writes, with the file `tmp/NAME.lock`, which it holds locked.
///
/// The lock is made before the folder and removed after it. So a folder without a locked lock is what a dead process
/// left, whenever it died. Nothing here is synced: what a power cut brings back or halves is such a leftover too.
final class WorkFolder implements AutoCloseable {
    private static final String SUFFIX = ".lock";

    /// What names here look like.
    private static final Pattern OURS = Pattern.compile("[0-9a-f]{1,20}(\\.lock)?");

    private final Disk disk;
    private final Path path;
    private final Path lock;
    private final Closeable held;

    private WorkFolder(Disk disk, Path path, Path lock, Closeable held) {
        this.disk = disk;
        this.path = path;
        this.lock = lock;
        this.held = held;
    }

    /// @param parent must exist
    static WorkFolder make(Disk disk, Path parent) throws IOException {
        while (true) {
            Path lock = disk.createUnique(parent, SUFFIX);
            WorkFolder made = locked(disk, lock);
            if (made != null) {
                return made;
            }
        }
    }

    /// Null if somebody has swept the file in the moment before it was locked.
    private static @Nullable WorkFolder locked(Disk disk, Path lock) throws IOException {
        Closeable held = null;
        WorkFolder made = null;
        try {
            held = disk.tryLock(lock).orElse(null);
            if (held != null && disk.attributes(lock).isPresent()) {
                disk.createFolder(folder(lock));
                made = new WorkFolder(disk, folder(lock), lock, held);
            }
            return made;
        } catch (NoSuchFileException e) {
            return null;
        } finally {
            if (made == null) {
                // Or the next one sweeps it; what failed before is what to tell.
                attempt(() -> disk.delete(lock));
                if (held != null) {
                    attempt(held::close);
                }
            }
        }
    }

    Path path() {
        return path;
    }

    /// Removes what dead processes left, as far as it can: what stays is tried by the next one, and holds up nobody.
    static void sweep(Disk disk, Path parent) throws IOException {
        disk.list(parent, (file, found) -> attempt(() -> sweepIfDead(disk, file, found)));
    }

    private static void sweepIfDead(Disk disk, Path file, Disk.Attributes found)
            throws IOException {
        if (file.toString().endsWith(SUFFIX)) {
            Optional<Closeable> free = disk.tryLock(file);
            if (free.isPresent()) {
                try (Closeable _ = free.get()) {
                    deleteAll(disk, folder(file));
                    disk.delete(file);
                }
            }
        } else if (found.isFolder() && disk.attributes(lock(file)).isEmpty()) {
            deleteAll(disk, file);
        }
    }

    /// Whether something in `tmp/` has a name that we would give.
    static boolean isOurs(Path file) {
        return OURS.matcher(String.valueOf(file.getFileName())).matches();
    }

    @FunctionalInterface
    private interface Tidying {
        void run() throws IOException;
    }

    private static void attempt(Tidying tidying) {
        try {
            tidying.run();
        } catch (IOException _) {
            // Left for the next writer. Gone already, being swept by another, another user's, or a
            // failing disk: that one
            // fails what matters soon enough.
        }
    }

    private static Path folder(Path lock) {
        String name = lock.toString();
        return lock.getFileSystem().getPath(name.substring(0, name.length() - SUFFIX.length()));
    }

    private static Path lock(Path folder) {
        return folder.getFileSystem().getPath(folder + SUFFIX);
    }

    private static void deleteAll(Disk disk, Path folder) throws IOException {
        try {
            disk.list(folder, (file, _) -> disk.delete(file));
        } catch (NoSuchFileException e) {
            return;
        }
        disk.delete(folder);
    }

    /// Removes the folder, or leaves it to the next writer.
    @Override
    public void close() {
        attempt(() -> {
            deleteAll(disk, path);
            disk.delete(lock);
        });
        // Last: before, the folder would look like a dead process's.
        attempt(held::close);
    }
}
