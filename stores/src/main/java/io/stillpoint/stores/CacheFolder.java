package io.stillpoint.stores;

import io.stillpoint.vault.store.ObjectName;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// The files of a cache: one for each object, whose time of change is that of its last use. Files appear whole by being
/// renamed, so processes share a folder without waiting for each other, and a killed one leaves at most a temporary file and a
/// tally that is too high. Nothing is synced: what a power cut spoils is seen by its checksums. Failures are those of a disk that
/// nobody depends on: the cache is then as if empty.
///
/// Adding, reading and dropping take a constant number of steps, however many files there are. Only when the [CacheTally] exceeds
/// the bound are all of them looked at, and then a tenth of the bound is made free: so looking at all comes once in a
/// tenth of them, or more, and costs each added file as much as looking at some ten others.
///
/// The bound holds for all processes together, for whole blocks of the disk, without what is still being written; each process
/// goes by its own bound. Safe for use by several threads.
final class CacheFolder {
    private static final String INCOMING = ".incoming";
    private static final String OURS = ".";
    private static final Duration ABANDONED = Duration.ofDays(1);
    private static final int FREED_PART = 10;
    private static final int ATTEMPTS = 10;
    private static final AtomicLong NUMBERS = new AtomicLong();

    private final Path folder;
    private final long blocksMax;
    private final InstantSource clock;
    private final CacheTally tally;
    private final AtomicReference<Instant> cleanedAt = new AtomicReference<>(Instant.MIN);

    CacheFolder(Path folder, long bytesMax, InstantSource clock) {
        this.folder = folder;
        this.blocksMax = CacheTally.wholeBlocks(bytesMax);
        this.clock = clock;
        tally = new CacheTally(folder);
    }

    private Path path(ObjectName name) {
        return folder.resolve(name.area().folder() + "-" + name.id());
    }

    /// Whether an object of this size has a place here.
    boolean holds(long size) {
        return CacheTally.blocks(CacheFile.length(size)) <= blocksMax;
    }

    /// The copy of an object, or null if there is no good one.
    @Nullable CacheFile open(ObjectName name) {
        Path file = path(name);
        try {
            CacheFile opened = CacheFile.open(file);
            if (opened == null) {
                drop(name);
                return null;
            }
            setUsed(file);
            return opened;
        } catch (IOException e) {
            return null;
        }
    }

    private void setUsed(Path file) throws IOException {
        Files.getFileAttributeView(file, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
                .setTimes(FileTime.from(clock.instant()), null, null);
    }

    /// A place to write a copy to before it is [#publish]ed.
    Path temporary() throws IOException {
        Path incoming = folder.resolve(INCOMING);
        Files.createDirectories(
                incoming,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        clean(incoming);
        return incoming.resolve(
                ProcessHandle.current().pid()
                        + "-"
                        + System.nanoTime()
                        + "-"
                        + NUMBERS.incrementAndGet());
    }

    /// Removes what killed processes left behind, at first and then once in a while.
    private void clean(Path incoming) throws IOException {
        Instant now = clock.instant();
        Instant last = cleanedAt.get();
        Instant eldest = now.minus(ABANDONED);
        if (last.isAfter(eldest) || !cleanedAt.compareAndSet(last, now)) {
            return;
        }
        visit(
                incoming,
                file -> {
                    if (file.used.isBefore(eldest)) {
                        discard(file.path);
                    }
                });
    }

    void publish(Path temporary, ObjectName name) throws IOException {
        setUsed(temporary);
        long total = counted(CacheTally.blocks(Files.size(temporary)));
        Files.move(temporary, path(name), StandardCopyOption.ATOMIC_MOVE);
        if (total > blocksMax) {
            trim();
        }
    }

    private long counted(long blocks) throws IOException {
        for (int i = 0; i < ATTEMPTS; i++) {
            OptionalLong total = tally.add(blocks);
            if (total.isPresent()) {
                return total.getAsLong();
            }
            // Nobody has counted yet, or somebody deletes the folder.
            trim();
        }
        throw new NoSuchFileException(folder.toString());
    }

    void drop(ObjectName name) {
        discard(path(name));
    }

    static void discard(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            // It is overwritten or trimmed some time.
        }
    }

    private void trim() throws IOException {
        tally.recount(known ->
                // Another process may have been faster.
                known.isPresent() && known.getAsLong() <= blocksMax
                        ? OptionalLong.empty()
                        : OptionalLong.of(kept()));
    }

    /// Removes what was not used for the longest time, if there is more than may be. Returns how many blocks are left.
    private long kept() throws IOException {
        List<Use> uses = new ArrayList<>();
        visit(folder, file -> uses.add(new Use(file.used, file.blocks)));
        long blocks = uses.stream().mapToLong(Use::blocks).sum();
        if (blocks <= blocksMax) {
            return blocks;
        }
        long excess = blocks - (blocksMax - blocksMax / FREED_PART);
        Instant last = lastToGo(uses, excess);
        AtomicLong freed = new AtomicLong();
        visit(
                folder,
                file -> {
                    // What another process uses now is younger than it was a moment ago, and stays.
                    if (freed.get() < excess && !file.used.isAfter(last)) {
                        discard(file.path);
                        freed.addAndGet(file.blocks);
                    }
                });
        return blocks - freed.get();
    }

    /// When the youngest file was used that goes to free so many blocks. The youngest of all stays, however large.
    private static Instant lastToGo(List<Use> uses, long excess) {
        uses.sort(Comparator.comparing(Use::at));
        long freed = 0;
        int at = 0;
        while (freed < excess && at < uses.size() - 1) {
            freed += uses.get(at++).blocks;
        }
        return at == 0 ? Instant.MIN : uses.get(at - 1).at;
    }

    private record Use(Instant at, long blocks) {}

    private record Found(Path path, long blocks, Instant used) {}

    @FunctionalInterface
    private interface Visitor {
        void visit(Found file);
    }

    /// Looks at the files that lie directly in a folder, but for our own.
    private static void visit(Path folder, Visitor visitor) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, CacheFolder::isCopy)) {
            for (Path file : files) {
                Optional<Found> found = found(file);
                if (found.isPresent()) {
                    visitor.visit(found.get());
                }
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
    }

    private static boolean isCopy(Path file) {
        Path name = file.getFileName();
        return name != null && !name.toString().startsWith(OURS);
    }

    private static Optional<Found> found(Path file) throws IOException {
        try {
            BasicFileAttributes found =
                    Files.readAttributes(
                            file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            return found.isDirectory()
                    ? Optional.empty()
                    : Optional.of(
                            new Found(
                                    file,
                                    CacheTally.blocks(found.size()),
                                    found.lastModifiedTime().toInstant()));
        } catch (NoSuchFileException e) {
            // Another process was faster.
            return Optional.empty();
        }
    }
}
