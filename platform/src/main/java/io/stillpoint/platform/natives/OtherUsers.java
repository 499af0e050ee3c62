package io.stillpoint.platform.natives;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;

/// What users besides root and the one who runs us could do with a path. Looks only.
public final class OtherUsers {
    private static final int ROOT = 0;
    private static final int WRITABLE_BY_ALL = 02;
    private static final int STICKY = 01000;

    private OtherUsers() {}

    /// A link on the way that another user made could lead anywhere. Links of root or of our own are followed knowingly.
    ///
    /// @param path absolute and normal
    public static Optional<Path> linkOn(Path path) throws IOException {
        Path part = path.getRoot();
        for (Path name : path) {
            part = part.resolve(name);
            if (Files.isSymbolicLink(part) && isOfOther(part)) {
                return Optional.of(part);
            }
        }
        return Optional.empty();
    }

    /// Whether a folder belongs to another user, or all users may write to it. The members of a group that may were let
    /// in by its owner.
    public static boolean mayChange(Path folder) throws IOException {
        Path real = folder.toRealPath();
        return isOfOther(real)
                || ((int) Files.getAttribute(real, "unix:mode") & WRITABLE_BY_ALL) != 0;
    }

    /// Whether another user could put something else in the place of what is in a folder: it is theirs, or all may write to it
    /// and it is not one, as /tmp, in which everybody may change what is their own alone.
    public static boolean mayReplaceIn(Path folder) throws IOException {
        Path real = folder.toRealPath();
        int mode = (int) Files.getAttribute(real, "unix:mode");
        return isOfOther(real) || ((mode & WRITABLE_BY_ALL) != 0 && (mode & STICKY) == 0);
    }

    private static boolean isOfOther(Path path) throws IOException {
        int owner = (int) Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS);
        return owner != ROOT && owner != OwnedDescriptor.user();
    }

    /// The name of the user whose it is.
    public static String owner(Path path) throws IOException {
        return Files.getOwner(path, LinkOption.NOFOLLOW_LINKS).getName();
    }
}
