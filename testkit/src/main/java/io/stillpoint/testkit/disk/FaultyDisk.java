package io.stillpoint.testkit.disk;

import io.stillpoint.platform.disk.Disk;
import io.stillpoint.platform.disk.DiskFile;
import io.stillpoint.testkit.disk.FaultPlan.Outcome;
import io.stillpoint.testkit.disk.Volume.Entry;
import io.stillpoint.testkit.disk.Volume.File;
import io.stillpoint.testkit.disk.Volume.Folder;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/// A disk in memory that promises no more than [Disk] does. What was written is pending until its file is forced, what was done to a
/// folder's entries until the folder is synced. The machine can be made to stop at a given call; from then on every call
/// throws, and:
/// - [#afterCrash] gives the disk as a power cut leaves it: of what was pending each write is, independently, there, lost or torn
///   (a part from its start, sectors of new, old and strange bytes, zeros), each change of a folder there or lost. All by a seed; the
///   same stop can be looked at with many.
/// - [#afterKill] gives the disk as the next process finds it when only the one before has died: everything seen is
///   there, and pending as before.
///
/// Besides, calls can be made to fail, once or from then on ([#fail]).
public final class FaultyDisk implements Disk {
    private static final long ROOM = 1L << 40;

    private final InstantSource clock;
    private final Volume volume;
    private final FaultPlan plan = new FaultPlan();
    private final Set<File> locked = new HashSet<>();
    private final Map<Operation, Integer> calls = new EnumMap<>(Operation.class);
    private final Traits traits;
    private int names;
    private int openFiles;

    /// What kind of file system it is.
    ///
    /// @param isJournaled changes of folders last in the order they were made in (as on ext4 and XFS), otherwise in any
    /// @param knowsLinks hard links, that is
    public record Traits(boolean isJournaled, boolean knowsLinks) {
        /// Promises the least.
        public static final Traits PLAIN = new Traits(false, true);

        public static final Traits JOURNALED = new Traits(true, true);
        public static final Traits WITHOUT_LINKS = new Traits(false, false);
    }

    /// An empty disk.
    public FaultyDisk(Traits traits, InstantSource clock) {
        this(traits, clock, new Volume(traits.isJournaled));
    }

    /// What stamps its files.
    public InstantSource clock() {
        return clock;
    }

    private FaultyDisk(Traits traits, InstantSource clock, Volume volume) {
        this.traits = traits;
        this.clock = clock;
        this.volume = volume;
    }

    /// Has the machine stop at the `number`-th of these calls from now on, counted from 1, before it has any effect.
    public synchronized void stopAt(Set<Operation> counted, int number) {
        plan.stopAt(counted, number);
    }

    public synchronized boolean isStopped() {
        return plan.isStopped();
    }

    /// Has the `number`-th of these calls from now on fail, counted from 1; if `forEver` all later ones too.
    public synchronized void fail(
            Set<Operation> counted, int number, Fault fault, boolean forEver) {
        plan.fail(counted, number, fault, forEver);
    }

    /// Ends the failing.
    public synchronized void heal() {
        plan.heal();
    }

    /// Whether any call has failed since [#fail] was called last.
    public synchronized boolean hasStruck() {
        return plan.hasStruck();
    }

    /// How many of these calls there were so far.
    public synchronized int calls(Set<Operation> counted) {
        return counted.stream().mapToInt(each -> calls.getOrDefault(each, 0)).sum();
    }

    /// Files that are open and locks that are held.
    public synchronized int openFiles() {
        return openFiles;
    }

    /// The disk as it is found when power is back. Changes nothing here.
    public synchronized FaultyDisk afterCrash(long seed) {
        return new FaultyDisk(traits, clock, volume.survivor(new Random(seed)));
    }

    /// The disk as the next process finds it. It is the same disk: this one must not be used any more.
    public synchronized FaultyDisk afterKill() {
        FaultyDisk next = new FaultyDisk(traits, clock, volume);
        next.names = names;
        return next;
    }

    private Outcome enter(Operation operation, Path path) throws IOException {
        calls.merge(operation, 1, Integer::sum);
        return plan.enter(operation, path);
    }

    private static String name(Path path) {
        return Objects.requireNonNull(path.getFileName()).toString();
    }

    private Folder folderOf(Path path) throws IOException {
        return volume.folder(path.toAbsolutePath().getParent());
    }

    private File file(Path path) throws IOException {
        return switch (volume.find(path)) {
            case null -> throw new NoSuchFileException(path.toString());
            case File file -> file;
            case Folder _ -> throw new FileSystemException(path.toString(), null, "Is a directory");
        };
    }

    private void add(Path path, Entry entry, boolean isSameCall) throws IOException {
        Folder folder = folderOf(path);
        if (folder.seen.containsKey(name(path))) {
            throw new FileAlreadyExistsException(path.toString());
        }
        volume.change(folder, name(path), entry, isSameCall);
    }

    @Override
    public synchronized Optional<Attributes> attributes(Path path) throws IOException {
        enter(Operation.ATTRIBUTES, path);
        return switch (volume.find(path)) {
            case null -> Optional.empty();
            case File file -> Optional.of(new Attributes(true, false, file.size(), file.madeAt));
            case Folder _ -> Optional.of(new Attributes(false, true, 0, clock.instant()));
        };
    }

    @Override
    public void list(Path folder, Visitor visitor) throws IOException {
        List<String> found;
        synchronized (this) {
            enter(Operation.LIST, folder);
            found = new ArrayList<>(volume.folder(folder).seen.keySet());
        }
        for (String name : found) {
            Path path = folder.resolve(name);
            Optional<Attributes> attributes = attributes(path);
            if (attributes.isPresent()) {
                visitor.visit(path, attributes.get());
            }
        }
    }

    @Override
    public synchronized void createFolder(Path folder) throws IOException {
        enter(Operation.CREATE_FOLDER, folder);
        add(folder, new Folder(), false);
    }

    @Override
    public synchronized DiskFile create(Path path) throws IOException {
        enter(Operation.CREATE, path);
        File file = new File(clock.instant());
        add(path, file, false);
        return new OpenFile(path, file);
    }

    @Override
    public synchronized Path createUnique(Path folder, String suffix) throws IOException {
        enter(Operation.CREATE, folder);
        Path path;
        do {
            path = folder.resolve(++names + suffix);
        } while (volume.find(path) != null);
        add(path, new File(clock.instant()), false);
        return path;
    }

    /// Takes no room: there is more than enough.
    @Override
    public synchronized void allocate(Path file, long bytes) throws IOException {
        enter(Operation.CREATE, file);
        add(file, new File(clock.instant()), false);
    }

    @Override
    public synchronized DiskFile open(Path path) throws IOException {
        enter(Operation.OPEN, path);
        return new OpenFile(path, file(path));
    }

    @Override
    public synchronized void link(Path existing, Path link) throws IOException {
        enter(Operation.LINK, link);
        if (!traits.knowsLinks) {
            throw new FileSystemException(link.toString(), null, "Operation not permitted");
        }
        add(link, file(existing), false);
    }

    @Override
    public synchronized void rename(Path from, Path to) throws IOException {
        enter(Operation.RENAME, to);
        add(to, file(from), false);
        volume.change(folderOf(from), name(from), null, true);
    }

    @Override
    public synchronized boolean delete(Path path) throws IOException {
        enter(Operation.DELETE, path);
        Entry entry = volume.find(path);
        if (entry == null) {
            return false;
        }
        if (entry instanceof Folder folder && !folder.seen.isEmpty()) {
            throw new DirectoryNotEmptyException(path.toString());
        }
        volume.change(folderOf(path), name(path), null, false);
        return true;
    }

    @Override
    public synchronized void syncFolder(Path folder) throws IOException {
        enter(Operation.SYNC_FOLDER, folder);
        volume.sync(volume.folder(folder));
    }

    @Override
    public synchronized Optional<Closeable> tryLock(Path path) throws IOException {
        enter(Operation.LOCK, path);
        File file = file(path);
        if (!locked.add(file)) {
            return Optional.empty();
        }
        openFiles++;
        return Optional.of(() -> unlock(file));
    }

    private synchronized void unlock(File file) {
        if (locked.remove(file)) {
            openFiles--;
        }
    }

    @Override
    public long usableBytes(Path folder) {
        return ROOM;
    }

    private final class OpenFile implements DiskFile {
        private final Path path;
        private final File file;
        private boolean closed;

        OpenFile(Path path, File file) {
            this.path = path;
            this.file = file;
            openFiles++;
        }

        private Outcome enterOpen(Operation operation) throws IOException {
            if (closed) {
                throw new IOException(path + " is closed");
            }
            return enter(operation, path);
        }

        @Override
        public long size() throws IOException {
            synchronized (FaultyDisk.this) {
                enterOpen(Operation.ATTRIBUTES);
                return file.size();
            }
        }

        @Override
        public int read(ByteBuffer into, long offset) throws IOException {
            synchronized (FaultyDisk.this) {
                Outcome outcome = enterOpen(Operation.READ);
                if (offset >= file.size()) {
                    return -1;
                }
                int there = (int) Math.min(into.remaining(), file.size() - offset);
                byte[] bytes = new byte[outcome.length(there)];
                file.read((int) offset, bytes);
                into.put(bytes);
                return bytes.length;
            }
        }

        @Override
        public int write(ByteBuffer from) throws IOException {
            synchronized (FaultyDisk.this) {
                Outcome outcome = enterOpen(Operation.WRITE);
                byte[] bytes = new byte[outcome.length(from.remaining())];
                from.get(bytes);
                file.append(bytes);
                if (outcome.thrown() != null) {
                    throw outcome.thrown();
                }
                return bytes.length;
            }
        }

        @Override
        public void force() throws IOException {
            synchronized (FaultyDisk.this) {
                enterOpen(Operation.FORCE);
                file.force();
            }
        }

        @Override
        public void close() {
            synchronized (FaultyDisk.this) {
                if (!closed) {
                    closed = true;
                    openFiles--;
                }
            }
        }
    }
}
