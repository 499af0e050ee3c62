package io.stillpoint.platform.disk;

import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.natives.FileStatus;
import io.stillpoint.platform.natives.FileType;
import io.stillpoint.platform.natives.FolderHandle;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HexFormat;
import java.util.Optional;
import java.util.function.Predicate;

/// The operating system's files, below one folder, the root. The path to the root is the operator's and may contain links; from there
/// on every part of a path is opened relative to the folder before it, and none is followed (see [FolderHandle]). Above the
/// root only folders are looked for, made and synced.
///
/// What is made here is for its owner alone, whatever the umask: folders of mode 700, files of mode 600. If the root has its setgid
/// bit and is writable for its group, then an operator has made it for several users, and the group gets what the owner has.
public final class RealDisk implements Disk {
    private static final int OWNER_FOLDER = 0700;
    private static final int OWNER_FILE = 0600;
    private static final int GROUP_FOLDER = 02770;
    private static final int GROUP_FILE = 0660;
    private static final int SHARED = 02020;
    private static final int UNIQUE_BYTES = 8;

    private final Path root;
    private final Randomness names = Randomness.secure();

    /// @param root need not exist yet
    public RealDisk(Path root) {
        this.root = root.toAbsolutePath();
    }

    @FunctionalInterface
    private interface Use<T> {
        T in(FolderHandle folder, String name) throws IOException;
    }

    /// Opens the folder that the path's last part lies in.
    private <T> T within(Path path, Use<T> use) throws IOException {
        Path below = below(path);
        try (FolderHandle top = FolderHandle.open(root)) {
            return within(top, below, use);
        }
    }

    private static <T> T within(FolderHandle folder, Path path, Use<T> use) throws IOException {
        if (path.getNameCount() == 1) {
            return use.in(folder, FolderHandle.name(path));
        }
        try (FolderHandle next = folder.folder(FolderHandle.name(path.getName(0)))) {
            return within(next, path.subpath(1, path.getNameCount()), use);
        }
    }

    private boolean isBelow(Path path) {
        Path absolute = path.toAbsolutePath();
        return absolute.startsWith(root) && !absolute.equals(root);
    }

    private Path below(Path path) throws IOException {
        if (!isBelow(path)) {
            throw new FileSystemException(path.toString(), null, "Is a directory");
        }
        return root.relativize(path.toAbsolutePath());
    }

    private FolderHandle folder(Path folder) throws IOException {
        return isBelow(folder) ? within(folder, FolderHandle::folder) : FolderHandle.open(folder);
    }

    private static Attributes attributes(FileStatus found) {
        return new Attributes(
                found.type() == FileType.FILE,
                found.type() == FileType.FOLDER,
                found.size(),
                found.modifiedAt());
    }

    @Override
    public Optional<Attributes> attributes(Path path) throws IOException {
        try {
            return isBelow(path)
                    ? within(path, FolderHandle::status).map(RealDisk::attributes)
                    : Optional.of(above(path));
        } catch (NoSuchFileException | NotDirectoryException e) {
            return Optional.empty();
        } catch (FileSystemException e) {
            if (Reason.kind(e) == Reason.NOT_A_FOLDER || liesBelowAFile(path)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private static Attributes above(Path path) throws IOException {
        BasicFileAttributes found = Files.readAttributes(path, BasicFileAttributes.class);
        return new Attributes(
                found.isRegularFile(),
                found.isDirectory(),
                found.size(),
                found.lastModifiedTime().toInstant());
    }

    /// Java has no exception of its own for that here, and the system's text may be in any language.
    private static boolean liesBelowAFile(Path path) {
        for (Path above = path.getParent(); above != null; above = above.getParent()) {
            if (Files.isRegularFile(above)) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void list(Path folder, Visitor visitor) throws IOException {
        list(folder, _ -> true, visitor);
    }

    @Override
    public void list(Path folder, Predicate<String> wanted, Visitor visitor) throws IOException {
        try (FolderHandle opened = folder(folder)) {
            opened.list(name -> {
                Optional<FileStatus> found =
                        wanted.test(name) ? opened.status(name) : Optional.empty();
                // Empty: removed since the folder was read.
                if (found.isPresent()) {
                    visitor.visit(folder.resolve(name), attributes(found.get()));
                }
            });
        }
    }

    @Override
    public void createFolder(Path folder) throws IOException {
        if (isBelow(folder)) {
            within(
                    folder,
                    (parent, name) -> {
                        parent.createFolder(name, isShared() ? GROUP_FOLDER : OWNER_FOLDER);
                        return true;
                    });
        } else {
            boolean isRoot = folder.toAbsolutePath().equals(root);
            String mode = isRoot ? "rwx------" : "rwxr-xr-x";
            Files.createDirectory(
                    folder,
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(mode)));
        }
    }

    private boolean isShared() throws IOException {
        try (FolderHandle top = FolderHandle.open(root)) {
            return (top.status().mode() & SHARED) == SHARED;
        }
    }

    private int fileMode() throws IOException {
        return isShared() ? GROUP_FILE : OWNER_FILE;
    }

    @Override
    public DiskFile create(Path file) throws IOException {
        int mode = fileMode();
        return new NewFile(within(file, (folder, name) -> folder.create(name, mode)));
    }

    @Override
    public Path createUnique(Path folder, String suffix) throws IOException {
        while (true) {
            Path file =
                    folder.resolve(HexFormat.of().formatHex(names.bytes(UNIQUE_BYTES)) + suffix);
            try {
                create(file).close();
                return file;
            } catch (FileAlreadyExistsException _) {
                // Another name will be free.
            }
        }
    }

    @Override
    public void allocate(Path file, long bytes) throws IOException {
        int mode = fileMode();
        within(
                file,
                (folder, name) -> {
                    folder.allocate(name, mode, bytes);
                    return true;
                });
    }

    @Override
    public DiskFile open(Path file) throws IOException {
        return new OldFile(file);
    }

    private FileChannel opened(Path file) throws IOException {
        return within(file, (folder, name) -> folder.open(name, StandardOpenOption.READ));
    }

    @Override
    public void link(Path existing, Path link) throws IOException {
        within(
                existing,
                (from, name) ->
                        within(
                                link,
                                (to, newName) -> {
                                    from.link(name, to, newName);
                                    return true;
                                }));
    }

    @Override
    public void rename(Path from, Path to) throws IOException {
        within(
                from,
                (folder, name) ->
                        within(
                                to,
                                (into, newName) -> {
                                    folder.rename(name, into, newName);
                                    return true;
                                }));
    }

    @Override
    public boolean delete(Path path) throws IOException {
        try {
            return within(path, RealDisk::isDeleted);
        } catch (NoSuchFileException e) {
            // A folder above it is gone.
            return false;
        }
    }

    private static boolean isDeleted(FolderHandle folder, String name) throws IOException {
        boolean isFolder =
                folder.status(name).filter(found -> found.type() == FileType.FOLDER).isPresent();
        return isFolder ? folder.removeFolder(name) : folder.unlink(name);
    }

    @Override
    public void syncFolder(Path folder) throws IOException {
        try (FolderHandle opened = folder(folder)) {
            opened.sync();
        }
    }

    @Override
    public Optional<Closeable> tryLock(Path file) throws IOException {
        return within(file, (folder, name) -> FileLocks.tryLock(folder, name))
                .map(Closeable.class::cast);
    }

    @Override
    public long usableBytes(Path folder) throws IOException {
        return Files.getFileStore(folder).getUsableSpace();
    }

    /// A file being written.
    private record NewFile(FileChannel channel) implements DiskFile {
        @Override
        public long size() throws IOException {
            return channel.size();
        }

        @Override
        public int read(ByteBuffer into, long offset) throws IOException {
            return channel.read(into, offset);
        }

        @Override
        public int write(ByteBuffer from) throws IOException {
            return channel.write(from);
        }

        @Override
        public void force() throws IOException {
            channel.force(true);
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }

    /// A file being read. A channel is closed for all when a thread that reads from it is interrupted (InterruptibleChannel), so
    /// that the next thread opens the file again.
    private final class OldFile implements DiskFile {
        private final Path path;
        private volatile FileChannel channel;
        private boolean closed;

        OldFile(Path path) throws IOException {
            this.path = path;
            channel = opened(path);
        }

        @Override
        public long size() throws IOException {
            return channel.size();
        }

        @Override
        public int read(ByteBuffer into, long offset) throws IOException {
            while (true) {
                FileChannel current = channel;
                try {
                    return current.read(into, offset);
                } catch (ClosedByInterruptException e) {
                    throw e;
                } catch (ClosedChannelException e) {
                    openAgain(current, e);
                }
            }
        }

        private synchronized void openAgain(FileChannel dead, ClosedChannelException cause)
                throws IOException {
            if (closed) {
                throw cause;
            }
            if (channel.equals(dead)) {
                channel = opened(path);
            }
        }

        @Override
        public int write(ByteBuffer from) throws IOException {
            throw new IOException(path + " is open for reading");
        }

        @Override
        public void force() {}

        @Override
        public synchronized void close() throws IOException {
            closed = true;
            channel.close();
        }
    }
}
