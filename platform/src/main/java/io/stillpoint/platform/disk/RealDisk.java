package io.stillpoint.platform.disk;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/// The operating system's files.
public final class RealDisk implements Disk {
    /// Files that this process has locked. They must not even be opened another time: whoever closes a file that its own process
    /// has locked loses that lock (fcntl(2)). Guarded by itself.
    private static final Set<Path> LOCKED = new HashSet<>();

    @Override
    public Optional<Attributes> attributes(Path path) throws IOException {
        try {
            BasicFileAttributes found = Files.readAttributes(path, BasicFileAttributes.class);
            return Optional.of(
                    new Attributes(
                            found.isRegularFile(),
                            found.isDirectory(),
                            found.size(),
                            found.lastModifiedTime().toInstant()));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (FileSystemException e) {
            if (liesBelowAFile(path)) {
                return Optional.empty();
            }
            throw e;
        }
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
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                visitor.visit(file);
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
    }

    @Override
    public void createFolder(Path folder) throws IOException {
        Files.createDirectory(folder);
    }

    @Override
    public DiskFile create(Path file) throws IOException {
        return new NewFile(
                FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE));
    }

    @Override
    public Path createUnique(Path folder, String suffix) throws IOException {
        return Files.createTempFile(folder, "", suffix);
    }

    @Override
    public DiskFile open(Path file) throws IOException {
        return new OldFile(file);
    }

    @Override
    public void link(Path existing, Path link) throws IOException {
        Files.createLink(link, existing);
    }

    @Override
    public void rename(Path from, Path to) throws IOException {
        // Without REPLACE_EXISTING, so it looks first.
        Files.move(from, to);
    }

    @Override
    public boolean delete(Path path) throws IOException {
        return Files.deleteIfExists(path);
    }

    @Override
    public void syncFolder(Path folder) throws IOException {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    @Override
    public Optional<Closeable> tryLock(Path file) throws IOException {
        Path key = file.toAbsolutePath();
        synchronized (LOCKED) {
            if (LOCKED.contains(key)) {
                return Optional.empty();
            }
            FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
            try {
                if (channel.tryLock() == null) {
                    channel.close();
                    return Optional.empty();
                }
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
            LOCKED.add(key);
            return Optional.of(() -> unlock(key, channel));
        }
    }

    private static void unlock(Path key, FileChannel channel) throws IOException {
        synchronized (LOCKED) {
            if (LOCKED.remove(key)) {
                channel.close();
            }
        }
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
    private static final class OldFile implements DiskFile {
        private final Path path;
        private volatile FileChannel channel;
        private boolean closed;

        OldFile(Path path) throws IOException {
            this.path = path;
            channel = FileChannel.open(path, StandardOpenOption.READ);
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
                channel = FileChannel.open(path, StandardOpenOption.READ);
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
