package io.stillpoint.vault.store;

import io.stillpoint.platform.disk.Disk;
import io.stillpoint.platform.disk.RealDisk;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.VaultException.Kind;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Objects as files of a folder.
///
/// A new object is written to `tmp/`, synced, hard-linked to its name (which fails if the name is taken), and the
/// folder is synced: after a power cut it is there whole or not at all. Each process writes below `tmp/` in a
/// folder of its own that it holds locked; what a dead process left there is removed by the next one that writes. Others may have
/// put anything into the folder: nothing there is followed, and only plain files are opened (see [Disk]). What others
/// made or deleted, and a process has seen, is durable before that process makes or deletes anything (see [VaultFolder]).
public final class LocalStore implements ObjectStore {
    private final VaultFolder folder;
    private final AtomicLong uploads = new AtomicLong();
    private @Nullable WorkFolder workFolder;

    /// @param root the vault's folder; need not exist before the first write
    public LocalStore(Path root) {
        this(new RealDisk(root), root);
    }

    /// @param disk that the folder lies on
    public LocalStore(Disk disk, Path root) {
        folder = new VaultFolder(disk, root);
    }

    @Override
    public String description() {
        return folder.root().toString();
    }

    @Override
    public Upload create(ObjectName name) {
        try {
            Path file = workFolder().resolve(Long.toString(uploads.incrementAndGet()));
            return new LocalUpload(folder, name, file);
        } catch (IOException e) {
            throw folder.failed(e, "write", name);
        }
    }

    @Override
    public StoredObject open(ObjectName name) {
        try {
            return new LocalObject(folder, name);
        } catch (NoSuchFileException e) {
            throw new VaultException(Kind.MISSING, "vault.missing", e, folder.path(name));
        } catch (IOException e) {
            throw folder.failed(e, "read", name);
        }
    }

    @Override
    public boolean exists(ObjectName name) {
        try {
            // Not a folder: that is what a vault's parent may have under this name.
            return folder.disk()
                    .attributes(folder.path(name))
                    .filter(Disk.Attributes::isFile)
                    .isPresent();
        } catch (IOException e) {
            throw folder.failed(e, "find", name);
        }
    }

    @Override
    public void list(Area area, Consumer<Listed> visitor) {
        list(area, "", visitor);
    }

    @Override
    public void list(Area area, String prefix, Consumer<Listed> visitor) {
        try {
            folder.disk()
                    .list(
                            folder.path(area),
                            name -> name.startsWith(prefix),
                            (file, found) -> visit(area, file, found, visitor));
        } catch (NoSuchFileException e) {
            // Nothing was written there yet.
            return;
        } catch (IOException e) {
            throw folder.failed(e, "list", area.folder());
        } finally {
            folder.saw(area);
        }
    }

    private void visit(Area area, Path file, Disk.Attributes found, Consumer<Listed> visitor) {
        String name = String.valueOf(file.getFileName());
        // Other files are none of ours: a file manager's, a desktop's.
        if (name.matches("[0-9a-f]{32}")) {
            folder.saw(area);
            // Whatever it is: who opens what is no file is told so.
            visitor.accept(
                    new Listed(
                            new ObjectName(area, ObjectId.parse(name)),
                            found.isFile() ? found.size() : 0,
                            found.modifiedAt()));
        }
    }

    @Override
    public Optional<Occupant> occupant() {
        try {
            return folder.occupant();
        } catch (IOException e) {
            throw folder.failed(e, "list", description());
        }
    }

    @Override
    public void making(boolean isUnderWay) {
        try {
            folder.making(isUnderWay);
        } catch (IOException e) {
            throw folder.failed(e, "write", description());
        }
    }

    @Override
    public void useReserve(boolean may) {
        folder.useReserve(may);
    }

    @Override
    public void delete(ObjectName name) {
        try {
            folder.settle();
            // Synced also when it is gone already: whoever deleted it may have died before that.
            boolean there = folder.withRoom(() -> folder.disk().delete(folder.path(name)));
            if (there || folder.disk().attributes(folder.path(name.area())).isPresent()) {
                folder.syncFolderOf(name);
            }
        } catch (IOException e) {
            throw folder.failed(e, "delete", name);
        }
    }

    @Override
    public synchronized void close() {
        if (workFolder != null) {
            workFolder.close();
            workFolder = null;
        }
        folder.restoreReserve();
    }

    private synchronized Path workFolder() throws IOException {
        if (workFolder == null) {
            workFolder =
                    folder.withRoom(() -> {
                        folder.create();
                        WorkFolder.sweep(folder.disk(), folder.tmp());
                        return WorkFolder.make(folder.disk(), folder.tmp());
                    });
        }
        return workFolder.path();
    }
}
