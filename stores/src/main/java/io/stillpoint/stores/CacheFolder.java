package io.stillpoint.stores;

import io.stillpoint.vault.store.ObjectName;
import java.io.IOException;
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
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// The files of a cache: one for each object, whose time of change is that of its last use. Files appear whole by being
/// renamed, so processes share a folder without locks, and a killed one leaves at most a temporary file. Nothing is synced:
/// what a power cut spoils is seen by its checksums. Failures are those of a disk that nobody depends on: the cache
/// is then as if empty.
final class CacheFolder {
    private static final String TEMPORARY = ".tmp";
    private static final Duration ABANDONED = Duration.ofDays(1);
    private static final AtomicLong NUMBERS = new AtomicLong();

    private final Path folder;
    private final long bytesMax;
    private final InstantSource clock;

    CacheFolder(Path folder, long bytesMax, InstantSource clock) {
        this.folder = folder;
        this.bytesMax = bytesMax;
        this.clock = clock;
    }

    private Path path(ObjectName name) {
        return folder.resolve(name.area().folder() + "-" + name.id());
    }

    /// Whether an object of this size has a place here.
    boolean holds(long size) {
        return size <= bytesMax;
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
        Files.createDirectories(
                folder,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        return folder.resolve(
                ProcessHandle.current().pid()
                        + "-"
                        + System.nanoTime()
                        + "-"
                        + NUMBERS.incrementAndGet()
                        + TEMPORARY);
    }

    void publish(Path temporary, ObjectName name) throws IOException {
        setUsed(temporary);
        Files.move(temporary, path(name), StandardCopyOption.ATOMIC_MOVE);
        trim();
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

    private record Entry(Path file, long size, Instant used) {}

    /// Removes what was not used for the longest time until the rest is within bounds.
    private void trim() throws IOException {
        List<Entry> entries = new ArrayList<>();
        Instant eldest = clock.instant().minus(ABANDONED);
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                Entry entry = entry(file);
                if (entry == null) {
                    continue;
                }
                if (!file.toString().endsWith(TEMPORARY)) {
                    entries.add(entry);
                } else if (entry.used.isBefore(eldest)) {
                    discard(file);
                }
            }
        }
        entries.sort(Comparator.comparing(Entry::used));
        long bytes = entries.stream().mapToLong(Entry::size).sum();
        for (Entry entry : entries) {
            if (bytes <= bytesMax) {
                return;
            }
            discard(entry.file);
            bytes -= entry.size;
        }
    }

    private static @Nullable Entry entry(Path file) throws IOException {
        try {
            BasicFileAttributes found =
                    Files.readAttributes(
                            file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            return new Entry(file, found.size(), found.lastModifiedTime().toInstant());
        } catch (NoSuchFileException e) {
            // Another process was faster.
            return null;
        }
    }
}
