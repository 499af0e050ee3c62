package io.stillpoint.platform.disk;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Predicate;

/// A file system. Safe for use by several threads.
///
/// What is written to a file lasts once [DiskFile#force] has returned. What is done to a folder's entries ([#create],
/// [#createFolder], [#link], [#rename], [#delete]) lasts once [#syncFolder] of that folder has returned. Until then a power cut may undo
/// or halve it, each independently of the others (SQLite, "Atomic Commit In SQLite", section 3; Pillai et al., OSDI 2014); other
/// processes see it at once.
///
/// Others may write here too, and mean harm. So only plain files and folders are opened, and no link is followed; what is
/// found instead ends a call with an exception. A link may still lead to where the whole begins, see [RealDisk].
public interface Disk {
    /// What is known of a file or folder; of anything else neither holds.
    ///
    /// @param isFile a regular file
    /// @param size in bytes
    record Attributes(boolean isFile, boolean isFolder, long size, Instant modifiedAt) {}

    /// Is told of what lies in a folder.
    @FunctionalInterface
    interface Visitor {
        /// @param file the folder's path with the entry's name
        void visit(Path file, Attributes attributes) throws IOException;
    }

    /// What the path leads to. Empty if it leads nowhere; a disk that can't tell throws.
    Optional<Attributes> attributes(Path path) throws IOException;

    /// Calls the visitor for all that is directly in the folder, in no particular order. What appears or goes meanwhile may be
    /// among it or not. Throws [NoSuchFileException], [NotDirectoryException].
    void list(Path folder, Visitor visitor) throws IOException;

    /// As [#list(Path, Visitor)], of the entries whose names are wanted: nothing is asked about the others.
    default void list(Path folder, Predicate<String> wanted, Visitor visitor) throws IOException {
        list(
                folder,
                (file, attributes) -> {
                    if (wanted.test(String.valueOf(file.getFileName()))) {
                        visitor.visit(file, attributes);
                    }
                });
    }

    /// Makes a folder for its owner alone. Throws [FileAlreadyExistsException] if there is anything of this name.
    void createFolder(Path folder) throws IOException;

    /// Makes a new file, for its owner alone, to be written from its start on. Throws [FileAlreadyExistsException].
    DiskFile create(Path file) throws IOException;

    /// Makes a new, empty file under a name that was free.
    Path createUnique(Path folder, String suffix) throws IOException;

    /// Makes a new file that has room for so many bytes on the disk from now on, or throws and leaves nothing.
    void allocate(Path file, long bytes) throws IOException;

    /// Opens a file for reading. Throws [NoSuchFileException].
    DiskFile open(Path file) throws IOException;

    /// Gives a file another name. Throws [FileAlreadyExistsException], and [IOException] or [UnsupportedOperationException] on a file
    /// system that knows no hard links.
    void link(Path existing, Path link) throws IOException;

    /// Throws [FileAlreadyExistsException] if there is a file under the new name already; but another process that is just as
    /// fast may get overwritten.
    void rename(Path from, Path to) throws IOException;

    /// Removes a file, an empty folder, or whatever else has this name: never what that leads to. Returns whether it was there.
    boolean delete(Path path) throws IOException;

    /// Makes the folder's entries last. What they lead to is not part of it.
    void syncFolder(Path folder) throws IOException;

    /// Locks a file against other processes and against other callers in this one, until it is closed or the process
    /// ends. Empty if somebody has locked it. Throws [NoSuchFileException].
    Optional<Closeable> tryLock(Path file) throws IOException;

    /// How many bytes can still be written to the file system that the folder lies in.
    long usableBytes(Path folder) throws IOException;
}
