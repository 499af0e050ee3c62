package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.platform.natives.FileStatus;
import io.stillpoint.platform.natives.FolderHandle;
import io.stillpoint.platform.natives.LockedFile;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/// A file that is complete or not there: it grows as `NAME.partial`, locked, and gets its name at the end. From the first
/// byte on it is its owner's alone.
final class PartialFile implements AutoCloseable {
    /// Far behind the bytes that QEMU locks in images that it writes.
    private static final long LOCKED_BYTE = Long.MAX_VALUE - 1;

    private static final int OWNER_ONLY = 0600;
    private static final int OTHERS = 077;

    private final Path path;
    private final Path partial;
    private final FolderHandle folder;
    private final LockedFile held;
    private boolean committed;
    private boolean closed;

    private PartialFile(Path path, Path partial, FolderHandle folder, LockedFile held) {
        this.path = path;
        this.partial = partial;
        this.folder = folder;
        this.held = held;
    }

    /// Takes over what a restore that was killed has left under that name.
    static PartialFile create(Path path) {
        Path target = path.toAbsolutePath();
        requireAbsent(target);
        Path partial = target.resolveSibling(target.getFileName() + ".partial");
        Path parent = target.getParent();
        if (parent == null || !Files.isDirectory(parent)) {
            throw ImageErrors.of("restore.no-folder", target, String.valueOf(parent));
        }
        try {
            FolderHandle folder = FolderHandle.open(parent);
            boolean done = false;
            try {
                LockedFile held = own(folder, target, partial);
                done = true;
                return new PartialFile(target, partial, folder, held);
            } finally {
                if (!done) {
                    folder.close();
                }
            }
        } catch (IOException e) {
            throw ImageErrors.failed(partial, e);
        }
    }

    private static LockedFile own(FolderHandle folder, Path target, Path partial)
            throws IOException {
        LockedFile held = locked(folder, target, partial);
        boolean done = false;
        try {
            requireOwn(held.status(), partial);
            if ((held.status().mode() & OTHERS) != 0) {
                // Who may have it open already could read what is written.
                folder.unlink(FolderHandle.name(partial));
                held.close();
                held = locked(folder, target, partial);
                requireOwn(held.status(), partial);
            }
            held.channel().truncate(0);
            done = true;
            return held;
        } finally {
            if (!done) {
                held.close();
            }
        }
    }

    private static LockedFile locked(FolderHandle folder, Path target, Path partial)
            throws IOException {
        return folder.tryLock(FolderHandle.name(partial), true, OWNER_ONLY, LOCKED_BYTE, 1)
                .orElseThrow(() -> ImageErrors.of("restore.in-progress", target, partial));
    }

    Path partial() {
        return partial;
    }

    FileChannel channel() {
        return held.channel();
    }

    /// Gives the file its name, if nothing else has it by now. Its content and its name last when this returns.
    void commit() {
        try {
            held.channel().force(true);
            folder.rename(FolderHandle.name(partial), folder, FolderHandle.name(path));
            committed = true;
            folder.sync();
        } catch (FileAlreadyExistsException e) {
            throw ImageErrors.of("restore.target-exists", path);
        } catch (IOException e) {
            throw ImageErrors.failed(path, e);
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try (folder;
                held) {
            if (!committed) {
                folder.unlink(FolderHandle.name(partial));
            }
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
