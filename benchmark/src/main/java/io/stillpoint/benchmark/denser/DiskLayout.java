package io.stillpoint.benchmark.denser;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/// Where files lie on a disk, in blocks of 4 KiB as a file system would put them: a file keeps its blocks under a new
/// name, what it grows by comes behind everything else, and freed blocks keep their bytes. Kept as lines of
/// `inode fileBlock diskBlock count`.
final class DiskLayout {
    private static final long BLOCK = 4096;

    private final Path saved;
    private final Map<Long, List<Extent>> extents = new TreeMap<>();
    private long end;

    /// All three in blocks.
    private record Extent(long inFile, long onDisk, long count) {}

    /// A part of a file and where it lies, in bytes.
    record Piece(Path file, long inFile, long onDisk, long length) {}

    private DiskLayout(Path saved) {
        this.saved = saved;
    }

    static DiskLayout load(Path saved) throws IOException {
        DiskLayout layout = new DiskLayout(saved);
        if (Files.exists(saved)) {
            for (String line : Files.readAllLines(saved)) {
                long[] n = Stream.of(line.split(" ", -1)).mapToLong(Long::parseLong).toArray();
                layout.add(n[0], new Extent(n[1], n[2], n[3]));
            }
        }
        return layout;
    }

    private void add(long inode, Extent extent) {
        extents.computeIfAbsent(inode, _ -> new ArrayList<>()).add(extent);
        end = Math.max(end, extent.onDisk + extent.count);
    }

    void save() throws IOException {
        List<String> lines = new ArrayList<>();
        extents.forEach((inode, list) ->
                list.forEach(e ->
                        lines.add("%d %d %d %d".formatted(inode, e.inFile, e.onDisk, e.count))));
        Files.write(saved, lines);
    }

    /// Gives every file of a folder its place.
    List<Piece> lay(Path folder) throws IOException {
        List<Piece> pieces = new ArrayList<>();
        List<Path> files;
        try (Stream<Path> all = Files.walk(folder)) {
            files = all.filter(Files::isRegularFile).sorted().toList();
        }
        for (Path file : files) {
            long inode = (Long) Files.getAttribute(file, "unix:ino");
            long size = Files.size(file);
            List<Extent> known = extents.getOrDefault(inode, List.of());
            long has = known.isEmpty() ? 0 : known.getLast().inFile + known.getLast().count;
            long needs = (size + BLOCK - 1) / BLOCK;
            if (needs > has) {
                add(inode, new Extent(has, end, needs - has));
            }
            for (Extent e : extents.getOrDefault(inode, List.of())) {
                long length = Math.min(e.count * BLOCK, size - e.inFile * BLOCK);
                if (length > 0) {
                    pieces.add(new Piece(file, e.inFile * BLOCK, e.onDisk * BLOCK, length));
                }
            }
        }
        return pieces;
    }
}
