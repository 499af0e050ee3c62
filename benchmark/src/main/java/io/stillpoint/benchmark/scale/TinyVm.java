package io.stillpoint.benchmark.scale;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.vault.BackupSession;
import io.stillpoint.vault.Consistency;
import io.stillpoint.vault.DiskInput;
import io.stillpoint.vault.PointDisk;
import io.stillpoint.vault.PointDraft;
import io.stillpoint.vault.RecoveryPoint;
import io.stillpoint.vault.Scan;
import io.stillpoint.vault.StoredDisk;
import io.stillpoint.vault.Vault;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SplittableRandom;

/// A VM with one disk of four chunks. Its content follows from its number and how often it changed: one chunk each time.
///
/// @param number of the VM, from 0
record TinyVm(int number) {
    private static final int CHUNK = 65_536;
    private static final int CHUNKS = 4;
    private static final int RANDOM = 256;

    String name() {
        return String.format(Locale.ROOT, "vm%05d", number);
    }

    /// Makes a recovery point.
    ///
    /// @param change how often the disk has changed by now
    /// @param isChanged whether it has since the point before
    RecoveryPoint backup(
            Vault vault, Optional<RecoveryPoint> before, int change, boolean isChanged) {
        Instant now = InstantSource.system().instant();
        try (BackupSession session = vault.backup(before, new Cancellation(), (_, _) -> {})) {
            Scan scan =
                    session.base()
                            .<Scan>map(base -> scan(base, change, isChanged))
                            .orElse(new Scan.Everything(Optional.empty()));
            DiskInput input = new DiskInput("disk", new Content(number, change), scan);
            StoredDisk stored = session.store(List.of(input)).getFirst();
            PointDisk disk =
                    new PointDisk(
                            "disk",
                            stored.image(),
                            "raw",
                            Optional.empty(),
                            session.base().isPresent()
                                    ? PointDisk.Method.INCREMENTAL
                                    : PointDisk.Method.FULL,
                            session.base().isPresent() ? "" : "first-backup",
                            stored.changedBytes(),
                            stored.readBytes(),
                            stored.newBytes());
            return session.commit(
                    new PointDraft(
                            name(),
                            Json.object(),
                            now,
                            now,
                            Consistency.STOPPED,
                            "",
                            OptionalLong.empty(),
                            List.of(disk),
                            "benchmark",
                            Optional.empty(),
                            Optional.empty()));
        }
    }

    private static Scan scan(RecoveryPoint base, int change, boolean isChanged) {
        Extent changed = new Extent((long) (change % CHUNKS) * CHUNK, CHUNK);
        List<Extent> ranges = isChanged ? List.of(changed) : List.of();
        return new Scan.Changed(base.disks().getFirst().image(), ranges::iterator);
    }

    /// Each chunk holds a few random bytes, of its own for each of its changes.
    private record Content(int vm, int change) implements BlockSource {
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
                int last = change - Math.floorMod(change - chunk, CHUNKS);
                byte[] random = new byte[RANDOM];
                new SplittableRandom(((long) vm << 32) + ((long) last << 3) + chunk)
                        .nextBytes(random);
                System.arraycopy(random, 0, content, chunk * CHUNK, RANDOM);
            }
            System.arraycopy(content, Math.toIntExact(offset), into, at, length);
        }

        @Override
        public void close() {}
    }
}
