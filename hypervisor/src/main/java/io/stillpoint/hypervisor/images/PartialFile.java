package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.platform.disk.FileLocks;
import io.stillpoint.platform.natives.FileStatus;
import io.stillpoint.platform.natives.FolderHandle;
import io.stillpoint.platform.natives.LockedFile;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/// A file that is complete or not there: it grows as `NAME.partial`, locked, and is renamed at the end.
final class PartialFile implements AutoCloseable {
    /// Far behind the bytes that QEMU locks in images that it writes.
    private static final FileLocks.Range LOCKED_BYTE =
            new FileLocks.Range(Long.MAX_VALUE - 1, 1);

    private final Path path;
    private final Path partial;
    private final LockedFile held;
    private boolean committed;

    private PartialFile(Path path, Path partial, LockedFile held) {
        this.path = path;
        this.partial = partial;
        this.held = held;
    }

    /// Takes over what a restore that was killed has left under that name.
    static PartialFile create(Path path) {
        Path target = path.toAbsolutePath();
        requireAbsent(target);
        Path partial = target.resolveSibling(target.getFileName() + ".partial");
        try {
            LockedFile held =
                    FileLocks.tryLockOrCreate(partial, LOCKED_BYTE)
                            .orElseThrow(() ->
                                    ImageErrors.of("restore.in-progress", target, partial));
            boolean done = false;
            try {
                requireOwn(held.status(), partial);
                held.channel().truncate(0);
                done = true;
                return new PartialFile(target, partial, held);
            } finally {
                if (!done) {
                    held.close();
                }
            }
        } catch (IOException e) {
            throw ImageErrors.failed(partial, e);
        }
    }

    Path partial() {
        return partial;
    }

    FileChannel channel() {
        return held.channel();
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
            held.close();
        } catch (IOException e) {
            throw ImageErrors.failed(partial, e);
        }
    }

    /// Another user's file, or one that has a second name elsewhere, is not what a restore of ours left.
    private static void requireOwn(FileStatus found, Path partial) {
        if (found.owner() != FolderHandle.user() || found.names() != 1) {
            throw ImageErrors.of("restore.partial-foreign", partial);
        }
    }

    private static void requireAbsent(Path path) throws HypervisorException {
        if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            throw ImageErrors.of("restore.target-exists", path);
        }
    }
}
