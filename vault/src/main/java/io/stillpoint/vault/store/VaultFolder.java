package io.stillpoint.vault.store;

import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.disk.Disk;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.VaultException.Kind;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// The folder that a vault's objects lie in: what must be durable before what, what its failures mean, and the reserve: a file that
/// takes room which backups leave alone, so that forgetting and pruning have some on a disk that is full. Safe for use by several
/// threads.
final class VaultFolder {
    /// What stands in them is true whatever else is there, so that they need not wait for [#settle].
    private static final Set<Area> BUILT_ON_NOTHING = EnumSet.of(Area.PACKS, Area.SESSIONS);

    private static final String TMP = "tmp";
    private static final String MAKING = "making";
    private static final String SLOTS = Area.KEYS.folder() + "/";
    private static final String RESERVE = "reserve";
    private static final long RESERVE_MAX = 8 << 20;

    /// Of the room that is left when it is made, which part the reserve takes at most.
    private static final int RESERVE_PART = 64;

    private final Disk disk;
    private final Path root;
    private final Set<Thread> makingRoom = ConcurrentHashMap.newKeySet();

    /// How often this process has given the reserve away.
    private int spent;

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
        return root.toAbsolutePath().resolve(TMP);
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
        } else {
            making(false);
            if (!mayUseReserve()) {
                makeReserve();
            }
        }
    }

    private Path reserve() {
        return root.resolve(RESERVE);
    }

    /// Puts room aside if it is not there yet. What is too little anyway is not made less by this.
    private void makeReserve() {
        try {
            if (disk.attributes(reserve()).isEmpty()) {
                long bytes = Math.min(RESERVE_MAX, disk.usableBytes(root) / RESERVE_PART);
                if (bytes > 0) {
                    disk.allocate(reserve(), bytes);
                }
            }
        } catch (IOException _) {
            // No room, or a file system that can't promise any: then there is no reserve.
        }
    }

    /// Whether what this thread writes from now on may take the reserve. Others that store something meanwhile may not.
    void useReserve(boolean may) {
        if (may) {
            makingRoom.add(Thread.currentThread());
        } else {
            makingRoom.remove(Thread.currentThread());
        }
    }

    private boolean mayUseReserve() {
        return makingRoom.contains(Thread.currentThread());
    }

    /// Puts aside again what this process has taken, if there is room by now.
    void restoreReserve() {
        if (spends() > 0) {
            makeReserve();
        }
    }

    private synchronized int spends() {
        return spent;
    }

    /// Gives the reserve away. Returns whether there is more room than there was at the time of `before`.
    private synchronized boolean spend(int before) throws IOException {
        if (spent == before && disk.delete(reserve())) {
            spent++;
        }
        return spent > before;
    }

    /// Something done to the disk.
    @FunctionalInterface
    interface Change<T> {
        T make() throws IOException;
    }

    /// Makes a change, if need be with the room of the reserve, provided that it may be used.
    <T> T withRoom(Change<T> change) throws IOException {
        return withRoom(change, () -> true);
    }

    /// @param isUndone whether nothing of a change that failed was done, so that it can be made again
    <T> T withRoom(Change<T> change, Change<Boolean> isUndone) throws IOException {
        int before = spends();
        try {
            return change.make();
        } catch (IOException e) {
            if (!mayUseReserve() || !isFull(e, "write") || !isUndone.make() || !spend(before)) {
                throw e;
            }
            return change.make();
        }
    }

    private Path marker() {
        return root.toAbsolutePath().resolve(MAKING);
    }

    /// As [ObjectStore#making]: a marker lasts before the vault's first object does, and goes after its header.
    void making(boolean isUnderWay) throws IOException {
        if (isUnderWay) {
            create();
            if (disk.attributes(marker()).isEmpty()) {
                disk.create(marker()).close();
            }
            disk.syncFolder(root.toAbsolutePath());
        } else {
            try {
                if (disk.delete(marker())) {
                    disk.syncFolder(root.toAbsolutePath());
                }
            } catch (IOException _) {
                // The vault is made. It does not harm while there are points; the next writer
                // removes it.
            }
        }
    }

    /// As [ObjectStore#occupant]. Folders that a vault has, and what killed processes leave in `tmp/`, are nobody's while empty.
    Optional<ObjectStore.Occupant> occupant() throws IOException {
        List<ObjectStore.Occupant> found = new ArrayList<>();
        try {
            disk.list(root, (file, attributes) -> found.addAll(occupants(file, attributes)));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
        // A vault begins with its key slot. Behind it nothing is stored before the header is.
        if (disk.attributes(marker()).isPresent()) {
            found.removeIf(each -> each.isOurs() && each.path().startsWith(SLOTS));
        }
        return found.stream()
                .filter(ObjectStore.Occupant::isOurs)
                .findFirst()
                .or(() -> found.stream().findFirst());
    }

    private List<ObjectStore.Occupant> occupants(Path file, Disk.Attributes attributes)
            throws IOException {
        String name = String.valueOf(file.getFileName());
        boolean isArea =
                Arrays.stream(Area.values())
                        .anyMatch(area -> area != Area.VAULT && area.folder().equals(name));
        boolean isTmp = file.equals(root.resolve(TMP));
        if (!attributes.isFolder() || !(isArea || isTmp)) {
            boolean isAid = name.equals(RESERVE) || name.equals(MAKING);
            return isAid && attributes.isFile()
                    ? List.of()
                    : List.of(new ObjectStore.Occupant(name, ObjectName.isOurs(name)));
        }
        List<ObjectStore.Occupant> found = new ArrayList<>();
        disk.list(
                file,
                (below, _) -> {
                    String path = name + "/" + below.getFileName();
                    if (!isTmp || !WorkFolder.isOurs(below)) {
                        found.add(new ObjectStore.Occupant(path, ObjectName.isOurs(path)));
                    }
                });
        return found;
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
            // By another process at the same time, or something else has the name.
            if (!isFolder(folder)) {
                // Says what it is.
                disk.list(folder, (_, _) -> {});
                throw new NotDirectoryException(folder.toString());
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
        String object = what.toString();
        return switch (Reason.kind(e)) {
            case DENIED ->
                    new VaultException(Kind.STORE, "vault.store-denied", e, root, verb, object);
            case READ_ONLY ->
                    new VaultException(Kind.DENIED, "vault.store-read-only", e, root, verb, object);
            case QUOTA -> new VaultException(Kind.STORE_FULL, "vault.store-quota", e, root);
            case NOT_A_FOLDER, IS_A_FOLDER, IS_A_LINK, IS_A_PIPE, IS_A_SOCKET, IS_A_DEVICE ->
                    notPlain(e, what);
            default ->
                    isFull(e, verb)
                            ? new VaultException(Kind.STORE_FULL, "vault.store-full", e, root)
                            : new VaultException(
                                    Kind.STORE,
                                    "vault.store-failed",
                                    e,
                                    root,
                                    verb,
                                    object,
                                    Reason.of(e));
        };
    }

    /// Something in the store is neither file nor folder, or the one in the other's place. An object that is no file counts as a
    /// damaged one; without a folder nothing can be said of any.
    private VaultException notPlain(IOException e, Object what) {
        Path found =
                e instanceof FileSystemException file && file.getFile() != null
                        ? root.getFileSystem().getPath(file.getFile())
                        : root;
        boolean isObject =
                what instanceof ObjectName name
                        && path(name).toAbsolutePath().equals(found.toAbsolutePath());
        return isObject
                ? new VaultException(Kind.DAMAGED, "vault.no-file", e, found, Reason.of(e))
                : new VaultException(
                        Kind.REFUSED, "vault.not-followed", e, root, found, Reason.of(e));
    }

    private boolean isFull(IOException e, String verb) {
        return Reason.isFull(e) || (verb.equals("write") && hasNoRoom());
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
}
