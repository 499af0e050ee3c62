package io.stillpoint.stores;

import io.stillpoint.platform.natives.FileStatus;
import io.stillpoint.platform.natives.FolderHandle;
import io.stillpoint.platform.natives.LockedFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.OptionalLong;

/// How many blocks of 4 KiB the files of a cache take, for all processes that share its folder: the length of a file, to which each
/// process appends a byte for each block before the blocks appear. That needs no lock, costs the same however much lies in the
/// folder, and holds when the process is killed.
///
/// The tally is never less than what is there, unless somebody put files there by hand. It is more when a file was replaced or
/// dropped, or did not come after all; a recount puts that right. Without the file nothing is known.
final class CacheTally {
    private static final int BLOCK = 4096;
    private static final String FILE = ".tally";
    private static final String NEXT = ".tally.next";
    private static final String LOCK = ".recount";
    private static final int MODE = 0600;
    private static final byte[] MARKS = new byte[8192];

    private final Path folder;

    CacheTally(Path folder) {
        this.folder = folder;
    }

    /// How many blocks a file of this many bytes takes.
    static long blocks(long bytes) {
        return Math.ceilDiv(bytes, BLOCK);
    }

    /// How many whole blocks so many bytes are.
    static long wholeBlocks(long bytes) {
        return bytes / BLOCK;
    }

    /// Adds to the tally and returns the new one. If there is none, adds nothing and returns nothing.
    OptionalLong add(long blocks) throws IOException {
        try (FolderHandle within = FolderHandle.open(folder)) {
            return add(within, blocks);
        }
    }

    private static OptionalLong add(FolderHandle within, long blocks) throws IOException {
        while (true) {
            Optional<FileStatus> before = within.status(FILE);
            if (before.isEmpty()) {
                return OptionalLong.empty();
            }
            long length;
            try (FileChannel tally = within.open(FILE, StandardOpenOption.APPEND)) {
                append(tally, blocks);
                length = tally.size();
            } catch (NoSuchFileException e) {
                return OptionalLong.empty();
            }
            // A recount that replaced the file meanwhile may not have seen the marks: then they are
            // made again.
            if (within.status(FILE).filter(now -> now.isSame(before.get())).isPresent()) {
                return OptionalLong.of(length);
            }
        }
    }

    private static void append(FileChannel tally, long blocks) throws IOException {
        for (long left = blocks; left > 0; ) {
            left -= tally.write(ByteBuffer.wrap(MARKS, 0, (int) Math.min(left, MARKS.length)));
        }
    }

    /// Counts what is there.
    @FunctionalInterface
    interface Count {
        /// @param tally up to now; nothing if it is not known
        /// @return the blocks that are there; nothing if the tally shall stay as it is
        OptionalLong blocks(OptionalLong tally) throws IOException;
    }

    /// Replaces the tally by what is counted, and what is added by others meanwhile. Does nothing while another process, or
    /// another caller in this one, is at it: nobody waits.
    void recount(Count count) throws IOException {
        try (FolderHandle within = FolderHandle.open(folder)) {
            Optional<LockedFile> lock = within.tryLock(LOCK, true, MODE, 0, 1);
            if (lock.isPresent()) {
                try (LockedFile held = lock.get()) {
                    assert held.channel().isOpen();
                    recount(within, count);
                }
            }
        }
    }

    private static void recount(FolderHandle within, Count count) throws IOException {
        boolean isKnown = within.status(FILE).isPresent();
        if (!isKnown) {
            // From now on others add to it.
            make(within, FILE, 0);
        }
        try (FileChannel old = within.open(FILE, StandardOpenOption.READ)) {
            long before = old.size();
            OptionalLong counted =
                    count.blocks(isKnown ? OptionalLong.of(before) : OptionalLong.empty());
            if (counted.isEmpty()) {
                return;
            }
            // What was added meanwhile may have been counted as well: rather twice than never.
            long seen = old.size();
            within.unlink(NEXT);
            make(within, NEXT, counted.getAsLong() + seen - before);
            within.replace(NEXT, within, FILE);
            add(within, old.size() - seen);
        }
    }

    private static void make(FolderHandle within, String name, long blocks) throws IOException {
        try (FileChannel made = within.create(name, MODE)) {
            append(made, blocks);
        }
    }
}
