package io.stillpoint.benchmark.denser;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.stream.Stream;

/// The days of one disk: files `NN.changes`, each a row of (u64 chunk number, 65,536 bytes) of what differs from the
/// day before, and `disk.raw`, the disk as of the last day.
final class History implements AutoCloseable {
    static final int CHUNK = 1 << 16;
    private static final int RECORD = Long.BYTES + CHUNK;

    private final List<FileChannel> days = new ArrayList<>();

    /// Takes in a changed chunk.
    interface Visitor {
        void changed(long chunk, Content content) throws IOException;
    }

    /// @param limit of days
    History(Path folder, int limit) throws IOException {
        for (Path file : files(folder)) {
            if (days.size() < limit) {
                days.add(FileChannel.open(file));
            }
        }
    }

    int days() {
        return days.size();
    }

    void day(int day, Visitor visitor) throws IOException {
        FileChannel file = days.get(day);
        ByteBuffer number = ByteBuffer.allocate(Long.BYTES);
        for (long at = 0; at < file.size(); at += RECORD) {
            file.read(number.clear(), at);
            visitor.changed(number.getLong(0), new Content(file, at + Long.BYTES));
        }
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.filter(file -> file.toString().endsWith(".changes")).sorted().toList();
        }
    }

    /// Adds a day: what an image file, or the files of a folder laid out as on a disk, hold now.
    static void record(Path folder, Path source) throws IOException {
        Files.createDirectories(folder);
        Path next = folder.resolve("%02d.changes".formatted(files(folder).size()));
        BitSet dirty = new BitSet();
        try (FileChannel disk =
                FileChannel.open(
                        folder.resolve("disk.raw"),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.SPARSE)) {
            if (Files.isDirectory(source)) {
                DiskLayout layout = DiskLayout.load(folder.resolve("layout"));
                for (DiskLayout.Piece piece : layout.lay(source)) {
                    copy(piece, disk, dirty);
                }
                layout.save();
            } else {
                copy(new DiskLayout.Piece(source, 0, 0, Files.size(source)), disk, dirty);
            }
            write(disk, dirty, next);
        }
    }

    /// Copies what differs, as a guest's writes would.
    private static void copy(DiskLayout.Piece piece, FileChannel disk, BitSet dirty)
            throws IOException {
        byte[] after = new byte[CHUNK];
        byte[] before = new byte[CHUNK];
        try (FileChannel file = FileChannel.open(piece.file())) {
            int length;
            for (long done = 0; done < piece.length(); done += length) {
                long at = piece.onDisk() + done;
                length = (int) Math.min(CHUNK - at % CHUNK, piece.length() - done);
                Content.read(file, piece.inFile() + done, after, length);
                Arrays.fill(before, (byte) 0);
                if (at < disk.size()) {
                    disk.read(ByteBuffer.wrap(before, 0, length), at);
                }
                if (!Arrays.equals(after, 0, length, before, 0, length)) {
                    disk.write(ByteBuffer.wrap(after, 0, length), at);
                    dirty.set(Math.toIntExact(at / CHUNK));
                }
            }
        }
    }

    private static void write(FileChannel disk, BitSet dirty, Path next) throws IOException {
        byte[] chunk = new byte[CHUNK];
        try (FileChannel out =
                FileChannel.open(next, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (int i = dirty.nextSetBit(0); i >= 0; i = dirty.nextSetBit(i + 1)) {
                Arrays.fill(chunk, (byte) 0);
                disk.read(ByteBuffer.wrap(chunk), (long) i * CHUNK);
                out.write(ByteBuffer.allocate(Long.BYTES).putLong(i).flip());
                out.write(ByteBuffer.wrap(chunk));
            }
        }
    }

    @Override
    public void close() throws IOException {
        for (FileChannel day : days) {
            day.close();
        }
    }
}
