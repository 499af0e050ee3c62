package io.stillpoint.platform.natives;

import io.stillpoint.platform.natives.LibC.Function;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;

/// An open file of ours, to be handed to another process by [UnixSocket#write(byte[], OwnedDescriptor)], or a folder that
/// is held by itself rather than by its name: names in a folder that nobody but its owner writes can't be exchanged,
/// even if somebody can rename the folder.
public final class OwnedDescriptor implements AutoCloseable {
    private static final int WRITABLE_BY_OTHERS = 022;

    private final int number;
    private final Path path;
    private boolean closed;

    private OwnedDescriptor(int number, Path path) {
        this.number = number;
        this.path = path;
    }

    /// The user that this process acts as.
    public static int user() {
        return FolderHandle.user();
    }

    /// Holds a folder; a link in its place is refused.
    public static OwnedDescriptor ofFolder(Path folder) throws IOException {
        return open(folder, LibC.O_DIRECTORY | LibC.O_NOFOLLOW | LibC.O_CLOEXEC);
    }

    /// Makes a new file, for its owner alone; what has the name already, a link too, is refused.
    public static OwnedDescriptor ofNewFile(Path file) throws IOException {
        OwnedDescriptor made =
                open(
                        file,
                        LibC.O_RDWR
                                | LibC.O_CREAT
                                | LibC.O_EXCL
                                | LibC.O_NOFOLLOW
                                | LibC.O_CLOEXEC);
        // Whatever the process's mask.
        LibC.require(file.toString(), Function.FCHMOD, made.number, 0600, 0, 0, 0);
        return made;
    }

    /// A socket that is bound to a new name, for its owner alone, and that does not listen yet.
    public static OwnedDescriptor ofNewSocket(Path socket) throws IOException {
        return new OwnedDescriptor(UnixSocket.bound(socket), socket);
    }

    /// Whether it belongs to the user of this process, and nobody else can write it.
    public boolean isOurs() throws IOException {
        int mode = (int) Files.getAttribute(self(), "unix:mode");
        return owner() == user() && (mode & WRITABLE_BY_OTHERS) == 0;
    }

    /// The id of the user whose it is.
    public int owner() throws IOException {
        return (int) Files.getAttribute(self(), "unix:uid");
    }

    public int mode() throws IOException {
        return (int) Files.getAttribute(self(), "unix:mode") & 07777;
    }

    /// A path to a name in this folder, which leads there as long as this is open, whatever is renamed.
    public Path at(String name) {
        return self().resolve(name);
    }

    /// Where it was opened.
    public Path path() {
        return path;
    }

    int number() {
        return number;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        LibC.call(Function.CLOSE, number);
    }

    private Path self() {
        return Path.of("/proc/self/fd/" + number);
    }

    private static OwnedDescriptor open(Path path, int flags) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            return new OwnedDescriptor(
                    LibC.require(
                            path.toString(),
                            Function.OPENAT,
                            LibC.AT_FDCWD,
                            arena.allocateFrom(path.toString()).address(),
                            flags,
                            0600,
                            0),
                    path);
        }
    }
}
