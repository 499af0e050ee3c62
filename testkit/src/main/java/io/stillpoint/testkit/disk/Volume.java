package io.stillpoint.testkit.disk;

import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The files and folders of a [FaultyDisk], each as everybody sees it and as a power cut may leave it. Guarded by the
/// disk.
final class Volume {
    private static final int SECTOR = 512;

    private final boolean orderly;
    private final Folder root = new Folder();

    /// What was done to folders and was not synced since, oldest first.
    private final List<Change> changes = new ArrayList<>();

    private int changesMade;

    /// @param orderly whether changes of folders last in the order they were made in, as in a journal
    Volume(boolean orderly) {
        this.orderly = orderly;
    }

    sealed interface Entry permits Folder, File {}

    static final class Folder implements Entry {
        final Map<String, Entry> seen = new TreeMap<>();
        final Map<String, Entry> lasting = new TreeMap<>();
    }

    static final class File implements Entry {
        private final List<Write> pending = new ArrayList<>();
        private byte[] lasting = {};
        private byte[] seen = lasting;
        private int size;
        final Instant madeAt;

        File(Instant madeAt) {
            this.madeAt = madeAt;
        }

        private File(Instant madeAt, byte[] content) {
            this.madeAt = madeAt;
            lasting = content;
            seen = content;
            size = content.length;
        }

        int size() {
            return size;
        }

        void append(byte[] bytes) {
            pending.add(new Write(size, bytes));
            // The first since they were equal, and one array.
            if (pending.size() == 1 || seen.length < size + bytes.length) {
                seen = Arrays.copyOf(seen, Math.max(2 * size, size + bytes.length));
            }
            System.arraycopy(bytes, 0, seen, size, bytes.length);
            size += bytes.length;
        }

        void read(int from, byte[] into) {
            System.arraycopy(seen, from, into, 0, into.length);
        }

        void force() {
            lasting = Arrays.copyOf(seen, size);
            seen = lasting;
            pending.clear();
        }

        File survivor(Random random) {
            if (pending.isEmpty()) {
                return new File(madeAt, lasting);
            }
            // Sometimes all or nothing: of many writes that would be as good as never.
            return switch (random.nextInt(4)) {
                case 0 -> new File(madeAt, Arrays.copyOf(seen, size));
                case 1 -> new File(madeAt, lasting);
                default -> {
                    Platter platter = new Platter(lasting);
                    pending.forEach(write -> platter.survive(write, random));
                    yield new File(madeAt, platter.content());
                }
            };
        }
    }

    private record Write(int at, byte[] bytes) {}

    /// @param number equal for what one call did
    /// @param entry what the name leads to from then on; null: to nothing
    private record Change(int number, Folder folder, String name, @Nullable Entry entry) {
        void last() {
            if (entry == null) {
                folder.lasting.remove(name);
            } else {
                folder.lasting.put(name, entry);
            }
        }
    }

    /// What is found of a file's bytes afterwards.
    private static final class Platter {
        private byte[] bytes;
        private int size;

        Platter(byte[] lasting) {
            bytes = lasting.clone();
            size = lasting.length;
        }

        void survive(Write write, Random random) {
            byte[] from = write.bytes;
            switch (random.nextInt(5)) {
                case 0 -> put(write.at, from, 0, from.length);
                case 1 -> {
                    // Lost.
                }
                // The file has grown already, its blocks were not written yet.
                case 2 -> grow(write.at + from.length);
                case 3 -> put(write.at, from, 0, random.nextInt(from.length + 1));
                default -> tear(write, random);
            }
        }

        /// Each sector is new, old or what never was there.
        private void tear(Write write, Random random) {
            byte[] garbage = new byte[SECTOR];
            int end = write.at + write.bytes.length;
            grow(end);
            int from = write.at;
            while (from < end) {
                int to = Math.min(end, (from / SECTOR + 1) * SECTOR);
                switch (random.nextInt(3)) {
                    case 0 -> put(from, write.bytes, from - write.at, to - from);
                    case 1 -> {
                        random.nextBytes(garbage);
                        put(from, garbage, 0, to - from);
                    }
                    default -> {
                        // Old.
                    }
                }
                from = to;
            }
        }

        private void put(int at, byte[] from, int start, int length) {
            grow(at + length);
            System.arraycopy(from, start, bytes, at, length);
        }

        private void grow(int length) {
            if (bytes.length < length) {
                bytes = Arrays.copyOf(bytes, Math.max(length, 2 * bytes.length));
            }
            size = Math.max(size, length);
        }

        byte[] content() {
            return Arrays.copyOf(bytes, size);
        }
    }

    /// Null if there is nothing.
    @Nullable Entry find(Path path) {
        Entry entry = root;
        for (Path name : path.toAbsolutePath().normalize()) {
            if (!(entry instanceof Folder folder)) {
                return null;
            }
            entry = folder.seen.get(name.toString());
            if (entry == null) {
                return null;
            }
        }
        return entry;
    }

    Folder folder(@Nullable Path path) throws NoSuchFileException, NotDirectoryException {
        Entry entry = path == null ? root : find(path);
        return switch (entry) {
            case null -> throw new NoSuchFileException(String.valueOf(path));
            case File _ -> throw new NotDirectoryException(String.valueOf(path));
            case Folder folder -> folder;
        };
    }

    /// Makes a name lead elsewhere, or to nothing.
    ///
    /// @param isSameCall as the change before
    void change(Folder folder, String name, @Nullable Entry entry, boolean isSameCall) {
        if (!isSameCall) {
            changesMade++;
        }
        changes.add(new Change(changesMade, folder, name, entry));
        if (entry == null) {
            folder.seen.remove(name);
        } else {
            folder.seen.put(name, entry);
        }
    }

    void sync(Folder folder) {
        List<Change> synced =
                orderly
                        ? List.copyOf(changes)
                        : changes.stream().filter(change -> change.folder == folder).toList();
        synced.forEach(Change::last);
        changes.removeAll(synced);
    }

    /// What a power cut would leave now. Changes nothing here.
    Volume survivor(Random random) {
        List<Change> kept = orderly ? keptInOrder(random) : keptInAnyOrder(random);
        Volume after = new Volume(orderly);
        new Survivors(kept, random).copy(root, after.root);
        return after;
    }

    private List<Change> keptInOrder(Random random) {
        int last = changesMade - random.nextInt(changes.size() + 1);
        return changes.stream().filter(change -> change.number <= last).toList();
    }

    private List<Change> keptInAnyOrder(Random random) {
        // Sometimes nearly all or nearly none: halves would rarely be that.
        double share = random.nextInt(5) / 4.0;
        return changes.stream().filter(_ -> random.nextDouble() < share).toList();
    }

    private static final class Survivors {
        private final List<Change> kept;
        private final Random random;
        private final Map<File, File> files = new HashMap<>();

        Survivors(List<Change> kept, Random random) {
            this.kept = kept;
            this.random = random;
        }

        void copy(Folder from, Folder to) {
            Map<String, Entry> names = new TreeMap<>(from.lasting);
            for (Change change : kept) {
                if (change.folder == from) {
                    if (change.entry == null) {
                        names.remove(change.name);
                    } else {
                        names.put(change.name, change.entry);
                    }
                }
            }
            names.forEach((name, entry) -> {
                Entry copy =
                        switch (entry) {
                            case File file ->
                                    files.computeIfAbsent(file, each -> each.survivor(random));
                            case Folder folder -> {
                                Folder made = new Folder();
                                copy(folder, made);
                                yield made;
                            }
                        };
                to.seen.put(name, copy);
                to.lasting.put(name, copy);
            });
        }
    }
}
