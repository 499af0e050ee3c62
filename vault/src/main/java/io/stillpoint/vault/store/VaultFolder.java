package io.stillpoint.vault.store;

import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.disk.Disk;
import io.stillpoint.vault.VaultException;
import io.stillpoint.vault.VaultException.Kind;
import io.stillpoint.vault.store.ObjectName.Area;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// The folder that a vault's objects lie in: what must be durable before what, and what its failures mean. Safe for use by
/// several threads.
final class VaultFolder {
    /// What stands in them is true whatever else is there, so that they need not wait for [#settle].
    private static final Set<Area> BUILT_ON_NOTHING = EnumSet.of(Area.PACKS, Area.SESSIONS);

    private final Disk disk;
    private final Path root;

    /// What this process has looked at since it was last synced; see [#settle].
    private final Set<Area> seen = EnumSet.noneOf(Area.class);

    VaultFolder(Disk disk, Path root) {
        this.disk = disk;
        this.root = root;
    }

    Disk disk() {
        return disk;
    }

    Path root() {
        return root;
    }

    Path path(ObjectName name) {
        return root.resolve(name.toString());
    }

    Path path(Area area) {
        return root.resolve(area.folder());
    }

    Path tmp() {
        return root.toAbsolutePath().resolve("tmp");
    }

    /// Makes whatever is missing of the folders, durably.
    void create() throws IOException {
        Path absolute = root.toAbsolutePath();
        createWithParents(absolute);
        for (Area area : Area.values()) {
            if (area != Area.VAULT) {
                createMissing(path(area).toAbsolutePath());
            }
        }
        createMissing(tmp());
        disk.syncFolder(absolute);
        // Without a header the vault is being made, perhaps again after a crash: whoever made these
        // folders may not have
        // lived to make them durable.
        if (disk.attributes(path(ObjectName.vault())).isEmpty()) {
            syncAbove(absolute);
        }
    }

    private void createWithParents(Path folder) throws IOException {
        if (disk.attributes(folder).isEmpty()) {
            Path parent = folder.getParent();
            if (parent != null) {
                createWithParents(parent);
            }
            createMissing(folder);
        }
    }

    private void createMissing(Path folder) throws IOException {
        if (isFolder(folder)) {
            return;
        }
        try {
            disk.createFolder(folder);
        } catch (FileAlreadyExistsException e) {
            // By another process at the same time, or by a file.
            if (!isFolder(folder)) {
                throw e;
            }
        }
    }

    private boolean isFolder(Path path) throws IOException {
        return disk.attributes(path).filter(Disk.Attributes::isFolder).isPresent();
    }

    private void syncAbove(Path folder) throws IOException {
        for (Path above = folder.getParent(); above != null; above = above.getParent()) {
            try {
                disk.syncFolder(above);
            } catch (AccessDeniedException _) {
                // Not ours to read, so none of those that we made.
            }
        }
    }

    /// Notes that what lies in an area has been looked at.
    void saw(Area area) {
        synchronized (seen) {
            seen.add(area);
        }
    }

    /// As [#settle], before an object is made, if it may build on what was seen.
    void settleFor(ObjectName made) throws IOException {
        if (!BUILT_ON_NOTHING.contains(made.area())) {
            settle();
        }
    }

    /// Makes durable what this process has seen, to be called before it changes anything. What it sees may be the work of another
    /// process that died, or still waits, before its sync. Were that undone by a power cut, what we build on it would
    /// lack its ground: a point its packs, a pruned pack the deletion of the point that needed it.
    void settle() throws IOException {
        synchronized (seen) {
            while (!seen.isEmpty()) {
                Area area = seen.iterator().next();
                // The vault's header lies in the root itself, which is synced when the folders are
                // made.
                if (area != Area.VAULT && disk.attributes(path(area)).isPresent()) {
                    disk.syncFolder(path(area));
                }
                seen.remove(area);
            }
        }
    }

    /// Makes an object's name durable, or its absence.
    void syncFolderOf(ObjectName name) throws IOException {
        Path folder = path(name).toAbsolutePath().getParent();
        if (folder != null) {
            disk.syncFolder(folder);
        }
    }

    /// What to throw when the disk has failed.
    ///
    /// @param verb what was tried, to be shown
    StillpointException failed(IOException e, String verb, Object what) {
        if (e instanceof ClosedByInterruptException) {
            return new CancelledException();
        }
        if (e instanceof AccessDeniedException) {
            return new VaultException(
                    Kind.STORE, "vault.store-denied", e, root, verb, what.toString());
        }
        return isFull(e, verb)
                ? new VaultException(Kind.STORE_FULL, "vault.store-full", e, root)
                : new VaultException(
                        Kind.STORE,
                        "vault.store-failed",
                        e,
                        root,
                        verb,
                        what.toString(),
                        reason(e));
    }

    private boolean isFull(IOException e, String verb) {
        String text = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
        return text.contains("no space left")
                || text.contains("quota exceeded")
                || (verb.equals("write") && hasNoRoom());
    }

    /// In case the system says it in another language.
    private boolean hasNoRoom() {
        try {
            Optional<Disk.Attributes> folder = disk.attributes(root);
            return folder.isPresent() && disk.usableBytes(root) == 0;
        } catch (IOException e) {
            return false;
        }
    }

    /// Java's exceptions for files have no text of their own when the class says it all.
    private static String reason(IOException e) {
        return e instanceof FileSystemException file && file.getReason() == null
                ? e.getClass().getSimpleName() + " " + e.getMessage()
                : String.valueOf(e.getMessage());
    }
}
