package io.stillpoint.benchmark.scale;

import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.session.StoredDisk;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;

/// A VM with one disk of four chunks, which changes one chunk at a time. Its content follows from its number and how often it
/// has changed.
///
/// @param number of the VM, from 0
record TinyVm(int number) {
    private static final int CHUNK = 65_536;
    private static final int CHUNKS = 4;
    private static final int RANDOM = 1024;

    String name() {
        return String.format(Locale.ROOT, "vm%05d", number);
    }

    /// The disk after so many changes, to be stored.
    ///
    /// @param before as it was stored one change ago
    DiskInput disk(int changes, Optional<DiskImage> before) {
        Extent changed = new Extent((long) (changes % CHUNKS) * CHUNK, CHUNK);
        Scan scan =
                before.<Scan>map(image -> new Scan.Changed(image, List.of(changed)::iterator))
                        .orElse(new Scan.Everything(Optional.empty()));
        return new DiskInput(name(), new Content(number, changes), scan);
    }

    static PointDisk record(StoredDisk stored, boolean isFirst) {
        return new PointDisk(
                "disk",
                stored.image(),
                "raw",
                Optional.empty(),
                isFirst ? PointDisk.Method.FULL : PointDisk.Method.INCREMENTAL,
                isFirst ? "first-backup" : "",
                stored.changedBytes(),
                stored.readBytes(),
                stored.newBytes());
    }

    /// Each chunk begins with random bytes, of its own for each of its changes.
    private record Content(int vm, int changes) implements BlockSource {
        @Override
        public long size() {
            return (long) CHUNKS * CHUNK;
        }

        @Override
        public Iterator<Extent> dataExtents() {
            return List.of(new Extent(0, size())).iterator();
        }

        @Override
        public void read(long offset, byte[] into, int at, int length) {
            byte[] content = new byte[CHUNKS * CHUNK];
            for (int chunk = 0; chunk < CHUNKS; chunk++) {
                // The last change that hit this chunk; below 0: none did.
                int last = changes - Math.floorMod(changes - chunk, CHUNKS);
                byte[] random = new byte[RANDOM];
                long seed = ((long) vm << 32) + ((long) last << 3) + chunk;
                new SplittableRandom(seed).nextBytes(random);
                System.arraycopy(random, 0, content, chunk * CHUNK, RANDOM);
            }
            System.arraycopy(content, Math.toIntExact(offset), into, at, length);
        }

        @Override
        public void close() {}
    }
}
