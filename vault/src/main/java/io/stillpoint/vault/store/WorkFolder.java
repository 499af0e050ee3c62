package io.stillpoint.vault.store;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// The folder `tmp/NAME` in which a process writes, with the file `tmp/NAME.lock`, which it holds locked.
///
/// The lock is made before the folder and removed after it. So a folder without a locked lock is what a dead process
/// left, whenever it died.
final class WorkFolder implements AutoCloseable {
    private static final String SUFFIX = ".lock";

    /// Locks of this process. Another's can be asked for, but whoever closes a file that its own process has locked
    /// loses that lock (fcntl(2)).
    private static final Set<Path> OURS = ConcurrentHashMap.newKeySet();

    private final Path path;
    private final Path lock;
    private final FileChannel channel;

    private WorkFolder(Path path, Path lock, FileChannel channel) {
        this.path = path;
        this.lock = lock;
        this.channel = channel;
    }

    /// @param parent must exist
    static WorkFolder make(Path parent) throws IOException {
        WorkFolder made = null;
        while (made == null) {
            Path lock = Files.createTempFile(parent.toAbsolutePath(), "", SUFFIX);
            OURS.add(lock);
            try {
                made = locked(lock);
            } finally {
                if (made == null) {
                    OURS.remove(lock);
                    Files.deleteIfExists(lock);
                }
            }
        }
        return made;
    }

    /// Null if somebody has swept the file in the moment before it was locked.
    private static @Nullable WorkFolder locked(Path lock) throws IOException {
        FileChannel channel = null;
        WorkFolder made = null;
        try {
            channel = FileChannel.open(lock, StandardOpenOption.WRITE);
            channel.lock();
            if (Files.exists(lock)) {
                Path path = folder(lock);
                Files.createDirectory(path);
                made = new WorkFolder(path, lock, channel);
            }
            return made;
        } catch (NoSuchFileException | OverlappingFileLockException e) {
            return null;
        } finally {
            if (made == null && channel != null) {
                channel.close();
            }
        }
    }

    Path path() {
        return path;
    }

    /// Removes what dead processes left.
    static void sweep(Path parent) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(parent.toAbsolutePath())) {
            for (Path file : files) {
                if (file.toString().endsWith(SUFFIX)) {
                    sweepIfDead(file);
                } else if (Files.isDirectory(file) && !Files.exists(lock(file))) {
                    deleteAll(file);
                }
            }
        }
    }

    private static void sweepIfDead(Path lock) throws IOException {
        if (OURS.contains(lock)) {
            return;
        }
        try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.WRITE)) {
            if (channel.tryLock() != null) {
                deleteAll(folder(lock));
                Files.deleteIfExists(lock);
            }
        } catch (NoSuchFileException | OverlappingFileLockException _) {
            // Deleted by its owner, or being swept by another thread.
        }
    }

    private static Path folder(Path lock) {
        String name = lock.toString();
        return Path.of(name.substring(0, name.length() - SUFFIX.length()));
    }

    private static Path lock(Path folder) {
        return Path.of(folder + SUFFIX);
    }

    private static void deleteAll(Path folder) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                Files.deleteIfExists(file);
            }
        } catch (NoSuchFileException e) {
            return;
        }
        Files.deleteIfExists(folder);
    }

    @Override
    public void close() throws IOException {
        try (channel) {
            deleteAll(path);
            Files.deleteIfExists(lock);
        } finally {
            OURS.remove(lock);
        }
    }
}
