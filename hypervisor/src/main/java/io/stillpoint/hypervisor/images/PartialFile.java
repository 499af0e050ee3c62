package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.HypervisorException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/// A file that is complete or not there: it grows as `NAME.partial`, locked, and gets its name at the end. From the first
/// byte on it is readable for its owner alone.
final class PartialFile implements AutoCloseable {
    /// Far behind the bytes that QEMU locks in images that it writes.
    private static final long LOCKED_BYTE = Long.MAX_VALUE - 1;

    private static final Set<PosixFilePermission> SECRET = PosixFilePermissions.fromString("rw-------");
    private static final int FORMAT = 0170000;
    private static final int REGULAR = 0100000;

    /// What this process is writing. Such a file must not even be opened another time: closing it would drop the lock
    /// (fcntl(2)). Guarded by itself.
    private static final Set<Path> HELD = new HashSet<>();

    private final Path path;
    private final Path partial;
    private final Path key;
    private final FileChannel channel;
    private boolean committed;
    private boolean closed;

    private PartialFile(Path path, Path partial, Path key, FileChannel channel) {
        this.path = path;
        this.partial = partial;
        this.key = key;
        this.channel = channel;
    }

    /// Takes over what a restore that was killed has left under that name.
    static PartialFile create(Path path) {
        Path target = path.toAbsolutePath();
        requireAbsent(target);
        Path partial = target.resolveSibling(target.getFileName() + ".partial");
        Path key = key(target, partial);
        synchronized (HELD) {
            if (HELD.contains(key)) {
                throw ImageErrors.of("restore.in-progress", target, partial);
            }
            try {
                FileChannel channel = opened(partial);
                if (!lock(channel)) {
                    channel.close();
                    throw ImageErrors.of("restore.in-progress", target, partial);
                }
                channel.truncate(0);
                HELD.add(key);
                return new PartialFile(target, partial, key, channel);
            } catch (IOException e) {
                throw ImageErrors.failed(partial, e);
            }
        }
    }

    private static Path key(Path target, Path partial) {
        Path folder = target.getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw ImageErrors.of("restore.no-folder", target, String.valueOf(folder));
        }
        try {
            return folder.toRealPath().resolve(partial.getFileName());
        } catch (IOException e) {
            throw ImageErrors.failed(folder, e);
        }
    }

    private static FileChannel opened(Path partial) throws IOException {
        Set<StandardOpenOption> options =
                Set.of(
                        StandardOpenOption.CREATE_NEW,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE);
        try {
            return FileChannel.open(
                    partial, options, PosixFilePermissions.asFileAttribute(SECRET));
        } catch (FileAlreadyExistsException e) {
            requireLeftByUs(partial);
            FileChannel channel =
                    FileChannel.open(
                            partial,
                            StandardOpenOption.READ,
                            StandardOpenOption.WRITE,
                            LinkOption.NOFOLLOW_LINKS);
            Files.setPosixFilePermissions(partial, SECRET);
            return channel;
        }
    }

    /// A file with other names, of somebody else, or no file at all was not left by a restore.
    private static void requireLeftByUs(Path partial) throws IOException {
        Map<String, Object> found =
                Files.readAttributes(partial, "unix:mode,nlink,uid", LinkOption.NOFOLLOW_LINKS);
        boolean isOurs =
                ((Integer) found.get("mode") & FORMAT) == REGULAR
                        && (Integer) found.get("nlink") == 1
                        && found.get("uid").equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
        if (!isOurs) {
            throw ImageErrors.of("restore.foreign-partial", partial);
        }
    }

    Path partial() {
        return partial;
    }

    FileChannel channel() {
        return channel;
    }

    /// Gives the file its name. Its content and its name last when this returns.
    void commit() {
        try {
            channel.force(true);
            rename();
            committed = true;
            Path folder = path.getParent();
            if (folder != null) {
                try (FileChannel entries = FileChannel.open(folder, StandardOpenOption.READ)) {
                    entries.force(true);
                }
            }
        } catch (FileAlreadyExistsException e) {
            throw ImageErrors.of("restore.target-exists", path);
        } catch (IOException e) {
            throw ImageErrors.failed(path, e);
        }
    }

    /// Never over a file that came meanwhile: a link can't replace anything, a rename could.
    private void rename() throws IOException {
        try {
            Files.createLink(path, partial);
        } catch (FileAlreadyExistsException e) {
            throw e;
        } catch (IOException | UnsupportedOperationException e) {
            // A file system without hard links.
            Files.move(partial, path);
            return;
        }
        Files.delete(partial);
    }

    @Override
    public void close() {
        synchronized (HELD) {
            if (closed) {
                return;
            }
            closed = true;
            try {
                if (!committed) {
                    Files.deleteIfExists(partial);
                }
                channel.close();
            } catch (IOException e) {
                throw ImageErrors.failed(partial, e);
            } finally {
                HELD.remove(key);
            }
        }
    }

    private static void requireAbsent(Path path) throws HypervisorException {
        if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            throw ImageErrors.of("restore.target-exists", path);
        }
    }

    private static boolean lock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock(LOCKED_BYTE, 1, false) != null;
        } catch (OverlappingFileLockException e) {
            return false;
        }
    }
}
