package io.stillpoint.vault.store;

import io.stillpoint.vault.VaultException;
import io.stillpoint.vault.VaultException.Kind;
import io.stillpoint.vault.store.ObjectName.Area;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Objects as files of a folder.
///
/// A new object is written to `tmp/`, synced, hard-linked to its name (which fails if the name is taken), and the
/// folder is synced: after a power cut it is there whole or not at all. Each process writes below `tmp/` in a
/// folder of its own that it holds locked; what a dead process left there is removed by the next one that writes.
public final class LocalStore implements ObjectStore {
    private static final int WRITE_SLICE = 1 << 20;

    private final Path root;
    private final AtomicLong uploads = new AtomicLong();
    private @Nullable WorkFolder workFolder;

    /// @param root the vault's folder; need not exist before the first write
    public LocalStore(Path root) {
        this.root = root;
    }

    @Override
    public String description() {
        return root.toString();
    }

    @Override
    public Upload create(ObjectName name) {
        try {
            Path work = workFolder();
            Path file = work.resolve(Long.toString(uploads.incrementAndGet()));
            FileChannel channel =
                    FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            return new FileUpload(name, file, channel);
        } catch (IOException e) {
            throw failed(e, "write", name.toString());
        }
    }

    @Override
    public StoredObject open(ObjectName name) {
        try {
            FileChannel channel = FileChannel.open(path(name), StandardOpenOption.READ);
            return new FileObject(name, channel, channel.size());
        } catch (NoSuchFileException e) {
            throw new VaultException(Kind.MISSING, "vault.missing", e, path(name));
        } catch (IOException e) {
            throw failed(e, "read", name.toString());
        }
    }

    @Override
    public boolean exists(ObjectName name) {
        // Not a folder: that is what a vault's parent may have under this name.
        return Files.isRegularFile(path(name));
    }

    @Override
    public void list(Area area, Consumer<Listed> visitor) {
        Path folder = root.resolve(area.folder());
        if (!Files.isDirectory(folder)) {
            return;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                // Other files are none of ours: a file manager's, a desktop's.
                if (name.matches("[0-9a-f]{32}")) {
                    visit(new ObjectName(area, ObjectId.parse(name)), file, visitor);
                }
            }
        } catch (IOException e) {
            throw failed(e, "list", area.folder());
        }
    }

    private static void visit(ObjectName name, Path file, Consumer<Listed> visitor)
            throws IOException {
        BasicFileAttributes attributes;
        try {
            attributes = Files.readAttributes(file, BasicFileAttributes.class);
        } catch (NoSuchFileException e) {
            // Deleted by another process since the folder was read: not there, then.
            return;
        }
        visitor.accept(
                new Listed(name, attributes.size(), attributes.lastModifiedTime().toInstant()));
    }

    @Override
    public void delete(ObjectName name) {
        try {
            if (Files.deleteIfExists(path(name))) {
                syncFolder(path(name).toAbsolutePath().getParent());
            }
        } catch (IOException e) {
            throw failed(e, "delete", name.toString());
        }
    }

    @Override
    public synchronized void close() {
        if (workFolder == null) {
            return;
        }
        try {
            workFolder.close();
        } catch (IOException e) {
            throw failed(e, "clean", workFolder.path().toString());
        } finally {
            workFolder = null;
        }
    }

    private Path path(ObjectName name) {
        return root.resolve(name.toString());
    }

    private synchronized Path workFolder() throws IOException {
        if (workFolder == null) {
            createFolders();
            WorkFolder.sweep(root.resolve("tmp"));
            workFolder = WorkFolder.make(root.resolve("tmp"));
        }
        return workFolder.path();
    }

    private void createFolders() throws IOException {
        Path absolute = root.toAbsolutePath();
        if (!Files.isDirectory(absolute)) {
            Files.createDirectories(absolute);
            syncFolder(absolute.getParent());
        }
        for (Area area : Area.values()) {
            if (area != Area.VAULT) {
                Files.createDirectories(root.resolve(area.folder()));
            }
        }
        Files.createDirectories(root.resolve("tmp"));
        syncFolder(absolute);
    }

    private static void syncFolder(@Nullable Path folder) throws IOException {
        if (folder != null) {
            try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
                channel.force(true);
            }
        }
    }

    private VaultException failed(IOException e, String verb, String what) {
        String text = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
        boolean full =
                text.contains("no space left")
                        || text.contains("quota exceeded")
                        || (verb.equals("write")
                                && root.toFile().exists()
                                && root.toFile().getUsableSpace() == 0);
        return full
                ? new VaultException(Kind.STORE_FULL, "vault.store-full", e, root)
                : new VaultException(
                        Kind.STORE,
                        "vault.store-failed",
                        e,
                        root,
                        verb,
                        what,
                        String.valueOf(e.getMessage()));
    }

    private final class FileUpload implements Upload {
        private final ObjectName name;
        private final Path file;
        private final FileChannel channel;

        FileUpload(ObjectName name, Path file, FileChannel channel) {
            this.name = name;
            this.file = file;
            this.channel = channel;
        }

        @Override
        public void write(byte[] from, int at, int length) {
            try {
                // In slices: the JDK copies each through a native buffer of the slice's size.
                for (int done = 0; done < length; ) {
                    ByteBuffer slice =
                            ByteBuffer.wrap(from, at + done, Math.min(WRITE_SLICE, length - done));
                    done += channel.write(slice);
                }
            } catch (IOException e) {
                throw failed(e, "write", name.toString());
            }
        }

        @Override
        public void commit() {
            Path target = path(name);
            try {
                channel.force(true);
                publish(target);
                syncFolder(target.toAbsolutePath().getParent());
            } catch (FileAlreadyExistsException e) {
                throw new VaultException(Kind.EXISTS, "vault.object-exists", e, target);
            } catch (IOException e) {
                throw failed(e, "write", name.toString());
            }
        }

        private void publish(Path target) throws IOException {
            try {
                Files.createLink(target, file);
            } catch (UnsupportedOperationException e) {
                move(target);
            } catch (FileAlreadyExistsException e) {
                throw e;
            } catch (IOException e) {
                // Some file systems (exFAT, some network ones) know no hard links and say so only
                // by failing.
                move(target);
            }
        }

        private void move(Path target) throws IOException {
            if (Files.exists(target)) {
                throw new FileAlreadyExistsException(target.toString());
            }
            Files.move(file, target);
        }

        @Override
        public void close() {
            try {
                channel.close();
                Files.deleteIfExists(file);
            } catch (IOException e) {
                throw failed(e, "clean", file.toString());
            }
        }
    }

    private final class FileObject implements StoredObject {
        private final ObjectName name;
        private final FileChannel channel;
        private final long size;

        FileObject(ObjectName name, FileChannel channel, long size) {
            this.name = name;
            this.channel = channel;
            this.size = size;
        }

        @Override
        public ObjectName name() {
            return name;
        }

        @Override
        public long size() {
            return size;
        }

        @Override
        public Instant modifiedAt() {
            try {
                return Files.getLastModifiedTime(path(name)).toInstant();
            } catch (NoSuchFileException e) {
                throw new VaultException(Kind.MISSING, "vault.missing", e, path(name));
            } catch (IOException e) {
                throw failed(e, "read", name.toString());
            }
        }

        @Override
        public void read(long offset, byte[] into, int at, int length) {
            try {
                ByteBuffer buffer = ByteBuffer.wrap(into, at, length);
                while (buffer.hasRemaining()) {
                    int count = channel.read(buffer, offset + buffer.position() - at);
                    if (count < 0) {
                        throw new VaultException(
                                Kind.DAMAGED,
                                "vault.truncated",
                                null,
                                path(name),
                                Long.toString(offset + length),
                                Long.toString(size));
                    }
                }
            } catch (IOException e) {
                throw failed(e, "read", name.toString());
            }
        }

        @Override
        public void close() {
            try {
                channel.close();
            } catch (IOException e) {
                throw failed(e, "close", name.toString());
            }
        }
    }
}
