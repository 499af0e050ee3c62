package io.stillpoint.vault.store;

import io.stillpoint.platform.disk.DiskFile;
import io.stillpoint.vault.store.VaultException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;

/// An object on its way into a [LocalStore].
final class LocalUpload implements ObjectStore.Upload {
    private static final int WRITE_SLICE = 1 << 20;

    private final VaultFolder folder;
    private final ObjectName name;
    private final Path path;
    private final DiskFile file;
    private long written;

    /// @param path where it is written to
    LocalUpload(VaultFolder folder, ObjectName name, Path path) throws IOException {
        this.folder = folder;
        this.name = name;
        this.path = path;
        file = folder.withRoom(() -> folder.disk().create(path));
    }

    @Override
    public void write(byte[] from, int at, int length) {
        try {
            // In slices: the JDK copies each through a native buffer of the slice's size.
            for (int done = 0; done < length; ) {
                ByteBuffer slice =
                        ByteBuffer.wrap(from, at + done, Math.min(WRITE_SLICE, length - done));
                done += write(slice);
            }
        } catch (IOException e) {
            throw folder.failed(e, "write", name);
        }
    }

    private int write(ByteBuffer slice) throws IOException {
        int start = slice.position();
        int count =
                folder.withRoom(
                        () -> file.write(slice),
                        () -> slice.position() == start && file.size() == written);
        written += count;
        return count;
    }

    @Override
    public void commit() {
        try {
            folder.withRoom(() -> {
                file.force();
                return true;
            });
            folder.settleFor(name);
            folder.withRoom(() -> {
                publish(folder.path(name));
                return true;
            });
            // Should this fail, the object stays: others may have seen it and rely on it.
            folder.syncFolderOf(name);
        } catch (FileAlreadyExistsException e) {
            throw new VaultException(Kind.EXISTS, "vault.object-exists", e, folder.path(name));
        } catch (IOException e) {
            throw folder.failed(e, "write", name);
        }
    }

    private void publish(Path target) throws IOException {
        try {
            folder.disk().link(path, target);
        } catch (FileAlreadyExistsException e) {
            throw e;
        } catch (IOException | UnsupportedOperationException e) {
            // Some file systems (exFAT, some network ones) know no hard links and say so only by
            // failing.
            folder.disk().rename(path, target);
        }
    }

    /// Never throws: what can't be removed is a leftover like any other, and nothing of it is visible. After a commit a failure
    /// would deny what has happened.
    @Override
    public void close() {
        try {
            file.close();
        } catch (IOException _) {
            // What matters was forced.
        }
        try {
            folder.disk().delete(path);
        } catch (IOException _) {
            // Goes with the work folder, or with the next writer's sweep.
        }
    }
}
