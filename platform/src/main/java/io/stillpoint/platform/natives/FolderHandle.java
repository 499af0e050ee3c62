package io.stillpoint.platform.natives;

import io.stillpoint.platform.natives.LibC.Function;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.charset.Charset;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;

/// A folder that is held open, and what lies directly in it, for places where others may write too: whoever exchanges a part of the
/// path, or puts a link, pipe or device under a name, leads nobody astray. Every name is looked up in this very folder (openat(2)
/// and its kin); a link is never followed; only plain files and folders are ever opened, and what something is gets known from a
/// handle that doesn't open it (`O_PATH`, open(2)), so that no pipe blocks and no device stirs.
///
/// Linux, 64 bit, with `/proc`. Safe for several threads, but not concurrently with [#close]. Loading the native calls takes some
/// tens of milliseconds, once per process.
///
/// Failures are Java's own exceptions for files, [OtherTypeException] among them.
public final class FolderHandle implements AutoCloseable {
    private static final String OWN_FILES = "/proc/self/fd/";
    private static final int STATX_BASIC = 0x7ff;
    private static final int STATX_BYTES = 256;
    private static final int PERMISSIONS = 0xfff;
    private static final int OTHERS = 077;

    /// What Java makes paths of.
    private static final Charset CHARSET =
            Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));

    private final int descriptor;
    private final Path path;
    private boolean closed;

    private FolderHandle(int descriptor, Path path) {
        this.descriptor = descriptor;
        this.path = path;
    }

    /// Opens a folder by its path, in which links are followed, the last part too: whoever gave the path is trusted with it.
    public static FolderHandle open(Path folder) throws IOException {
        return open(LibC.AT_FDCWD, folder.toString(), folder, LibC.O_DIRECTORY);
    }

    /// As [#open], but throws [OtherTypeException] if the last part of the path is a link.
    public static FolderHandle openUnlinked(Path folder) throws IOException {
        Path absolute = folder.toAbsolutePath().normalize();
        Path parent = absolute.getParent();
        if (parent == null) {
            return open(absolute);
        }
        try (FolderHandle above = open(parent)) {
            return above.folder(name(absolute));
        }
    }

    private static FolderHandle open(int from, String name, Path path, int flags)
            throws IOException {
        int descriptor =
                withText(
                        name,
                        text ->
                                LibC.call(
                                        Function.OPENAT,
                                        from,
                                        text,
                                        LibC.O_PATH | LibC.O_CLOEXEC | flags,
                                        0,
                                        0));
        if (descriptor < 0) {
            throw LibC.failure(-descriptor, path.toString());
        }
        return new FolderHandle(descriptor, path);
    }

    /// The last part of a path, as the methods here want it.
    public static String name(Path file) throws IOException {
        Path name = file.getFileName();
        if (name == null) {
            throw new FileSystemException(file.toString(), null, "Is a directory");
        }
        return checked(name.toString());
    }

    private static String checked(String name) throws IOException {
        if (name.isEmpty()
                || name.equals(".")
                || name.equals("..")
                || name.indexOf('/') >= 0
                || name.indexOf('\0') >= 0) {
            throw new FileSystemException(name, null, "Invalid argument");
        }
        return name;
    }

    /// The number of the user as whom this process makes and opens files.
    public static int user() {
        return LibC.call(Function.GETEUID, 0);
    }

    /// What to call it in a message: where it was found.
    public Path path() {
        return path;
    }

    /// A folder in this one.
    public FolderHandle folder(String name) throws IOException {
        FolderHandle found = thing(name);
        boolean done = false;
        try {
            FileType type = found.status().type();
            if (type == FileType.FILE) {
                throw new NotDirectoryException(found.path.toString());
            }
            if (type != FileType.FOLDER) {
                throw new OtherTypeException(found.path.toString(), type);
            }
            done = true;
            return found;
        } finally {
            if (!done) {
                found.close();
            }
        }
    }

    /// Whatever has this name, not opened.
    private FolderHandle thing(String name) throws IOException {
        return open(descriptor, checked(name), path.resolve(name), LibC.O_NOFOLLOW);
    }

    /// A plain file, not opened.
    private FolderHandle file(String name) throws IOException {
        FolderHandle found = thing(name);
        boolean done = false;
        try {
            found.requireFile();
            done = true;
            return found;
        } finally {
            if (!done) {
                found.close();
            }
        }
    }

    private void requireFile() throws IOException {
        FileType type = status().type();
        switch (type) {
            case FILE -> {}
            case FOLDER -> throw new FileSystemException(path.toString(), null, "Is a directory");
            default -> throw new OtherTypeException(path.toString(), type);
        }
    }

    /// Opens a plain file as it is: to be read, written or both; never made, cut or emptied by this.
    public FileChannel open(String name, OpenOption... options) throws IOException {
        try (FolderHandle file = file(name)) {
            return file.channel(Set.of(options));
        }
    }

    /// Makes a new file to be written. Throws [FileAlreadyExistsException] if there is anything of this name, a link that leads
    /// nowhere among it.
    ///
    /// @param mode its permissions, exactly: the umask decides nothing for others
    public FileChannel create(String name, int mode) throws IOException {
        try (FolderHandle file = created(name, mode)) {
            file.openFor(mode);
            return file.channel(Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE));
        }
    }

    /// Gives others than the owner what a umask may have taken; what the owner gets is in no umask.
    private void openFor(int mode) throws IOException {
        if ((mode & OTHERS) != 0) {
            setMode(mode);
        }
    }

    private FolderHandle created(String name, int mode) throws IOException {
        Path file = path.resolve(checked(name));
        int made =
                withText(
                        name,
                        text ->
                                LibC.call(
                                        Function.OPENAT,
                                        descriptor,
                                        text,
                                        LibC.O_WRONLY
                                                | LibC.O_CREAT
                                                | LibC.O_EXCL
                                                | LibC.O_NOFOLLOW
                                                | LibC.O_CLOEXEC,
                                        mode,
                                        0));
        if (made < 0) {
            throw LibC.failure(-made, file.toString());
        }
        return new FolderHandle(made, file);
    }

    /// Makes a new file of zeros that has its room on the disk already, or leaves nothing. Throws [FileAlreadyExistsException].
    ///
    /// @param mode its permissions, exactly
    public void allocate(String name, int mode, long bytes) throws IOException {
        boolean done = false;
        try (FolderHandle file = created(name, mode)) {
            file.openFor(mode);
            int error = LibC.call(Function.POSIX_FALLOCATE, file.descriptor, 0, bytes, 0, 0);
            if (error != 0) {
                throw LibC.failure(Math.abs(error), file.path.toString());
            }
            done = true;
        } catch (FileAlreadyExistsException e) {
            done = true;
            throw e;
        } finally {
            if (!done) {
                unlink(name);
            }
        }
    }

    /// Opens a plain file, for reading and writing, and locks a range of it against everybody else: other processes, other callers in
    /// this one. Empty if somebody has it. See [LockedFile].
    ///
    /// @param create whether to make the file if there is none; else [NoSuchFileException]
    /// @param mode of a new file, less what the process's umask takes
    public Optional<LockedFile> tryLock(
            String name, boolean create, int mode, long from, long length) throws IOException {
        while (true) {
            try (FolderHandle file = openedOrCreated(name, create, mode)) {
                Optional<LockedFile> locked = LockedFile.tryLock(file, from, length);
                // What was renamed or removed between opening and locking is locked in vain.
                if (locked.isEmpty() || status(name).filter(now -> isSame(file, now)).isPresent()) {
                    return locked;
                }
                locked.get().close();
            }
        }
    }

    private static boolean isSame(FolderHandle file, FileStatus now) {
        try {
            return file.status().isSame(now);
        } catch (IOException e) {
            return false;
        }
    }

    private FolderHandle openedOrCreated(String name, boolean create, int mode) throws IOException {
        while (true) {
            try {
                return file(name);
            } catch (NoSuchFileException e) {
                if (!create) {
                    throw e;
                }
            }
            try (FolderHandle made = created(name, mode)) {
                assert made.descriptor >= 0;
            } catch (FileAlreadyExistsException _) {
                // By another process in this moment.
            }
        }
    }

    /// The thing itself, opened another time, by way of the descriptor that is known to be the right one.
    FileChannel channel(Set<? extends OpenOption> options) throws IOException {
        try {
            return FileChannel.open(own(), options);
        } catch (NoSuchFileException e) {
            throw renamed(e);
        } catch (FileSystemException e) {
            throw named(e);
        }
    }

    private Path own() {
        return Path.of(OWN_FILES + descriptor);
    }

    private static IOException renamed(NoSuchFileException e) {
        return Files.exists(Path.of(OWN_FILES))
                ? e
                : new FileSystemException(OWN_FILES, null, "/proc is not mounted");
    }

    /// The same failure, under the name that people know.
    private IOException named(FileSystemException e) {
        IOException named =
                e instanceof AccessDeniedException
                        ? new AccessDeniedException(path.toString())
                        : new FileSystemException(path.toString(), null, e.getReason());
        named.initCause(e);
        return named;
    }

    /// Opens the thing itself natively. Returns the descriptor.
    int openAgain(int flags) throws IOException {
        int opened =
                withText(
                        own().toString(),
                        text ->
                                LibC.call(
                                        Function.OPENAT,
                                        LibC.AT_FDCWD,
                                        text,
                                        flags | LibC.O_CLOEXEC | LibC.O_NONBLOCK,
                                        0,
                                        0));
        if (opened < 0) {
            throw -opened == LibC.ENOENT
                    ? renamed(new NoSuchFileException(path.toString()))
                    : LibC.failure(-opened, path.toString());
        }
        return opened;
    }

    /// Of the folder itself.
    public FileStatus status() throws IOException {
        return status(descriptor, "", LibC.AT_EMPTY_PATH, path);
    }

    /// Of what has this name. Empty if nothing has.
    public Optional<FileStatus> status(String name) throws IOException {
        try {
            return Optional.of(
                    status(
                            descriptor,
                            checked(name),
                            LibC.AT_SYMLINK_NOFOLLOW,
                            path.resolve(name)));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private static FileStatus status(int from, String name, int flags, Path path)
            throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment found = arena.allocate(STATX_BYTES, Long.BYTES);
            int result =
                    LibC.call(
                            Function.STATX,
                            from,
                            arena.allocateFrom(name).address(),
                            flags,
                            STATX_BASIC,
                            found.address());
            if (result < 0) {
                throw LibC.failure(-result, path.toString());
            }
            return parsed(found);
        }
    }

    /// `struct statx`, statx(2): the same on all machines.
    private static FileStatus parsed(MemorySegment found) {
        int mode = Short.toUnsignedInt(found.get(ValueLayout.JAVA_SHORT, 28));
        long device =
                (long) found.get(ValueLayout.JAVA_INT, 136) << 32
                        | Integer.toUnsignedLong(found.get(ValueLayout.JAVA_INT, 140));
        return new FileStatus(
                FileType.of(mode),
                device,
                found.get(ValueLayout.JAVA_LONG, 32),
                mode & PERMISSIONS,
                found.get(ValueLayout.JAVA_INT, 20),
                found.get(ValueLayout.JAVA_INT, 24),
                found.get(ValueLayout.JAVA_INT, 16),
                found.get(ValueLayout.JAVA_LONG, 40),
                Instant.ofEpochSecond(
                        found.get(ValueLayout.JAVA_LONG, 112),
                        found.get(ValueLayout.JAVA_INT, 120)));
    }

    /// Is told of the names in a folder.
    @FunctionalInterface
    public interface Visitor {
        void visit(String name) throws IOException;
    }

    /// Calls the visitor for all that lies directly in the folder, whatever it is, in no particular order. What appears or goes
    /// meanwhile may be among it or not.
    public void list(Visitor visitor) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(own())) {
            for (Path file : files) {
                visitor.visit(name(file));
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        } catch (NoSuchFileException e) {
            throw renamed(e);
        } catch (FileSystemException e) {
            throw e.getFile() != null && e.getFile().startsWith(OWN_FILES) ? named(e) : e;
        }
    }

    /// Makes a folder in this one. Throws [FileAlreadyExistsException] if there is anything of this name.
    ///
    /// @param mode its permissions, exactly: the umask decides nothing for others
    public void createFolder(String name, int mode) throws IOException {
        requireDone(
                withText(
                        checked(name),
                        text -> LibC.call(Function.MKDIRAT, descriptor, text, mode, 0, 0)),
                name);
        try (FolderHandle made = folder(name)) {
            made.openFor(mode);
        }
    }

    /// Sets the permissions of this folder, whatever the umask.
    ///
    /// @param mode the lower twelve bits of `st_mode`
    public void setMode(int mode) throws IOException {
        int result =
                withText(
                        own().toString(),
                        text -> LibC.call(Function.FCHMODAT, LibC.AT_FDCWD, text, mode, 0, 0));
        if (result < 0) {
            throw LibC.failure(-result, path.toString());
        }
    }

    /// Removes a file, or a link, pipe or whatever else is no folder: the name itself, never what it leads to. Returns whether it was
    /// there.
    public boolean unlink(String name) throws IOException {
        return isGone(name, 0);
    }

    /// Removes an empty folder. Returns whether it was there.
    public boolean removeFolder(String name) throws IOException {
        return isGone(name, LibC.AT_REMOVEDIR);
    }

    private boolean isGone(String name, int flags) throws IOException {
        int result =
                withText(
                        checked(name),
                        text -> LibC.call(Function.UNLINKAT, descriptor, text, flags, 0, 0));
        if (-result == LibC.ENOENT) {
            return false;
        }
        requireDone(result, name);
        return true;
    }

    /// Gives a file one more name, in this folder or another one. Throws [FileAlreadyExistsException].
    public void link(String name, FolderHandle to, String newName) throws IOException {
        to.requireDone(
                withTexts(
                        checked(name),
                        checked(newName),
                        (from, into) ->
                                LibC.call(
                                        Function.LINKAT, descriptor, from, to.descriptor, into, 0)),
                newName);
    }

    /// Moves a file to a name that is free, in this folder or another one. Throws [FileAlreadyExistsException]. On file systems that
    /// can't do that in one step another process that is just as fast may get overwritten.
    public void rename(String name, FolderHandle to, String newName) throws IOException {
        int result = rename(name, to, newName, LibC.RENAME_NOREPLACE);
        if (-result == LibC.EINVAL || -result == LibC.ENOSYS) {
            if (to.status(newName).isPresent()) {
                throw new FileAlreadyExistsException(to.path.resolve(newName).toString());
            }
            result = rename(name, to, newName, 0);
        }
        to.requireDone(result, newName);
    }

    /// Moves a file to a name, which leads to either the old or the new file at any moment. A link of this name is replaced itself.
    public void replace(String name, FolderHandle to, String newName) throws IOException {
        to.requireDone(rename(name, to, newName, 0), newName);
    }

    private int rename(String name, FolderHandle to, String newName, int flags) throws IOException {
        return withTexts(
                checked(name),
                checked(newName),
                (from, into) ->
                        LibC.call(
                                Function.RENAMEAT2, descriptor, from, to.descriptor, into, flags));
    }

    /// Makes the folder's entries last.
    public void sync() throws IOException {
        try (FileChannel channel = channel(Set.of(StandardOpenOption.READ))) {
            channel.force(true);
        }
    }

    private void requireDone(int result, String name) throws IOException {
        if (result < 0) {
            throw LibC.failure(-result, path.resolve(name).toString());
        }
    }

    @FunctionalInterface
    private interface WithText {
        int call(long text);
    }

    private static int withText(String text, WithText call) {
        try (Arena arena = Arena.ofConfined()) {
            return call.call(encoded(arena, text));
        }
    }

    @FunctionalInterface
    private interface WithTexts {
        int call(long first, long second);
    }

    private static int withTexts(String first, String second, WithTexts call) {
        try (Arena arena = Arena.ofConfined()) {
            return call.call(encoded(arena, first), encoded(arena, second));
        }
    }

    private static long encoded(Arena arena, String text) {
        return arena.allocateFrom(text, CHARSET).address();
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            // Nothing was written through it, so a failure has nothing to say.
            int ignored = LibC.call(Function.CLOSE, descriptor);
            assert ignored <= 0;
        }
    }
}
