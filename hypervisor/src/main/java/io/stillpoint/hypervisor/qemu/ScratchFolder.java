package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.natives.OtherUsers;
import io.stillpoint.platform.natives.OwnedDescriptor;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Where the scratch images and the NBD server's socket lie: a folder that belongs to the user who runs us and that
/// nobody else can write. It is held open, and everything in it is reached through what is held, so that it does not
/// matter whether somebody can rename a folder above it.
///
/// QEMU needs no access to it: it gets the files as open descriptors, whoever it runs as and whatever confines it.
final class ScratchFolder implements AutoCloseable {
    private static final int ROOT = 0;
    private static final int STICKY = 01000;

    private final OwnedDescriptor folder;

    private ScratchFolder(OwnedDescriptor folder) {
        this.folder = folder;
    }

    /// Opens the folder, and makes it if there is none. In one that many may write, as /tmp, a folder for this user
    /// alone is made and taken.
    static ScratchFolder open(Path wanted) {
        Path path = wanted.toAbsolutePath().normalize();
        try {
            refuseLinksOfOthers(path);
            make(path);
            return checked(path);
        } catch (IOException e) {
            throw failure("scratch.folder", path, e, Reason.of(e));
        }
    }

    /// The folder, if it is there and ours.
    static Optional<ScratchFolder> find(Path wanted) {
        Path path = wanted.toAbsolutePath().normalize();
        try {
            return Files.isDirectory(path) ? Optional.of(checked(path)) : Optional.empty();
        } catch (IOException | HypervisorException e) {
            return Optional.empty();
        }
    }

    /// Its path, for people.
    Path path() {
        return folder.path();
    }

    /// A path to a name in it that nobody else can lead elsewhere while this is open.
    Path at(String name) {
        return folder.at(name);
    }

    /// The same name as people know it.
    Path shown(String name) {
        return folder.path().resolve(name);
    }

    /// Makes a new file in it, readable for its owner alone.
    OwnedDescriptor newFile(String name) {
        try {
            return OwnedDescriptor.ofNewFile(at(name));
        } catch (IOException e) {
            throw failure("scratch.folder", path(), e, Reason.of(e));
        }
    }

    /// Makes a socket that is bound to a name in it, in place of one that is there.
    OwnedDescriptor newSocket(String name) {
        try {
            Files.deleteIfExists(at(name));
            return OwnedDescriptor.ofNewSocket(at(name));
        } catch (IOException e) {
            throw failure("scratch.folder", path(), e, Reason.of(e));
        }
    }

    /// The names in it that match a glob.
    List<String> names(String glob) throws IOException {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(at("."), glob)) {
            for (Path file : files) {
                names.add(file.getFileName().toString());
            }
        }
        return names;
    }

    /// Removes the name itself, whatever it is, unless it is a folder that holds something.
    void remove(String name) throws IOException {
        Files.deleteIfExists(at(name));
    }

    /// Bytes that this user may still write into its file system.
    long usable() {
        try {
            return Files.getFileStore(at(".")).getUsableSpace();
        } catch (IOException e) {
            throw failure("scratch.folder", path(), e, Reason.of(e));
        }
    }

    @Override
    public void close() {
        folder.close();
    }

    private static ScratchFolder checked(Path path) throws IOException {
        refuseLinksOfOthers(path);
        // Links of root or of our own are followed knowingly.
        Path real = path.toRealPath();
        OwnedDescriptor folder = OwnedDescriptor.ofFolder(real);
        if (folder.isOurs()) {
            return new ScratchFolder(folder);
        }
        try (folder) {
            int owner = folder.owner();
            boolean isMine = owner == OwnedDescriptor.user();
            if (!isMine && owner != ROOT) {
                throw failure("scratch.not-ours", path, null, OtherUsers.owner(real));
            }
            if (!isMine && (folder.mode() & STICKY) == 0) {
                throw failure("scratch.shared", path, null);
            }
        }
        // Others may write this one: ours is a folder in it.
        Path own = real.resolve("stillpoint-" + Integer.toUnsignedString(OwnedDescriptor.user()));
        makeFolder(own);
        OwnedDescriptor held = OwnedDescriptor.ofFolder(own);
        if (!held.isOurs()) {
            held.close();
            throw failure("scratch.not-ours", own, null, OtherUsers.owner(own));
        }
        return new ScratchFolder(held);
    }

    private static void refuseLinksOfOthers(Path path) throws IOException {
        Optional<Path> link = OtherUsers.linkOn(path);
        if (link.isPresent()) {
            throw failure("scratch.link", path, null, link.get(), OtherUsers.owner(link.get()));
        }
    }

    private static void make(Path path) throws IOException {
        Path parent = path.getParent();
        if (parent != null && !Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            Files.createDirectories(parent);
            makeFolder(path);
        }
    }

    private static void makeFolder(Path path) throws IOException {
        try {
            Files.createDirectory(
                    path,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
        } catch (FileAlreadyExistsException e) {
            // Whose it is, is looked at in any case.
        }
    }

    private static HypervisorException failure(
            String code, Path path, @Nullable IOException cause, Object... more) {
        Object[] arguments = new Object[more.length + 1];
        arguments[0] = path;
        System.arraycopy(more, 0, arguments, 1, more.length);
        return new HypervisorException(Kind.UNSUPPORTED, code, cause, arguments);
    }
}
