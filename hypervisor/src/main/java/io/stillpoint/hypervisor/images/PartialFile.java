package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.HypervisorException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/// A file that is complete or not there: it grows as `NAME.partial`, locked, and is renamed at the end.
final class PartialFile implements AutoCloseable {
    /// Far behind the bytes that QEMU locks in images that it writes.
    private static final long LOCKED_BYTE = Long.MAX_VALUE - 1;

    private final Path path;
    private final Path partial;
    private final FileChannel channel;
    private boolean committed;

    private PartialFile(Path path, Path partial, FileChannel channel) {
        this.path = path;
        this.partial = partial;
        this.channel = channel;
    }

    /// Takes over what a restore that was killed has left under that name.
    static PartialFile create(Path path) {
        Path target = path.toAbsolutePath();
        requireAbsent(target);
        Path partial = target.resolveSibling(target.getFileName() + ".partial");
        try {
            FileChannel channel =
                    FileChannel.open(
                            partial,
                            StandardOpenOption.CREATE,
                            StandardOpenOption.READ,
                            StandardOpenOption.WRITE,
                            LinkOption.NOFOLLOW_LINKS);
            if (!lock(channel)) {
                channel.close();
                throw ImageErrors.of("restore.in-progress", target, partial);
            }
            channel.truncate(0);
            return new PartialFile(target, partial, channel);
        } catch (IOException e) {
            throw ImageErrors.failed(partial, e);
        }
    }

    Path partial() {
        return partial;
    }

    FileChannel channel() {
        return channel;
    }

    void commit() {
        requireAbsent(path);
        try {
            Files.move(partial, path, StandardCopyOption.ATOMIC_MOVE);
            committed = true;
        } catch (IOException e) {
            throw ImageErrors.failed(path, e);
        }
    }

    @Override
    public void close() {
        try {
            if (!committed) {
                Files.deleteIfExists(partial);
            }
            channel.close();
        } catch (IOException e) {
            throw ImageErrors.failed(partial, e);
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
