package io.stillpoint.benchmark.index;

import io.stillpoint.benchmark.ProcessMemory;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.pack.FrameCodec;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.PointDraft;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.session.StoredDisk;
import io.stillpoint.vault.session.VaultSettings;
import io.stillpoint.vault.store.LocalStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/// Makes a real vault, deletes its index and has it made again from the packs.
final class Rebuild {
    private static final int CHUNK = 65_536;

    /// As many chunks in a pack as there are in one of 32 MiB with ordinary content.
    private static final VaultSettings SETTINGS =
            new VaultSettings(FrameCodec.PLAIN_MAX, true, 300_000, 1 << 20, Duration.ofHours(24));

    private Rebuild() {}

    static void run(Path folder, long chunks) throws IOException {
        Path key = folder.resolveSibling("key");
        Files.deleteIfExists(key);
        long items;
        long begin = System.nanoTime();
        try (Vault vault =
                Vault.init(
                        new LocalStore(folder),
                        KeyFile.create(key, Randomness.secure()),
                        new Vault.Surroundings(
                                Randomness.secure(),
                                InstantSource.system(),
                                ProcessResources.ofThisProcess(),
                                SETTINGS))) {
            backup(vault, new CountedDisk(chunks));
            Vault.Facts facts = vault.facts();
            items = facts.items();
            IndexScale.say(
                    "backed up %,d chunks: %.1f s; %,d items in %,d packs, %,d segments",
                    chunks, IndexScale.since(begin), items, facts.packs(), facts.segments());
        }
        try (Stream<Path> segments = Files.list(folder.resolve("index"))) {
            for (Path segment : segments.toList()) {
                Files.delete(segment);
            }
        }
        begin = System.nanoTime();
        try (Vault vault =
                Vault.open(
                        new LocalStore(folder),
                        KeyFile.read(key),
                        new Vault.Surroundings(
                                Randomness.secure(),
                                InstantSource.system(),
                                ProcessResources.ofThisProcess()))) {
            // A session adopts what no segment lists, and writes it down at its end.
            backup(vault, new CountedDisk(1));
            Vault.Facts facts = vault.facts();
            IndexScale.say(
                    "made again from packs: %.1f s; %,d items, %,d segments; RSS at most %.0f MiB",
                    IndexScale.since(begin),
                    facts.items(),
                    facts.segments(),
                    ProcessMemory.now().peakMib());
            if (facts.items() < items) {
                throw new IllegalStateException("items are missing");
            }
        }
    }

    private static void backup(Vault vault, CountedDisk disk) {
        Scan scan = new Scan.Everything(Optional.empty());
        try (BackupSession session =
                vault.backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            StoredDisk stored =
                    session.store(List.of(new DiskInput("disk", disk, scan))).getFirst();
            PointDisk record =
                    new PointDisk(
                            "disk",
                            stored.image(),
                            "raw",
                            Optional.empty(),
                            PointDisk.Method.FULL,
                            "first-backup",
                            stored.changedBytes(),
                            stored.readBytes(),
                            stored.newBytes());
            session.commit(
                    new PointDraft(
                            "vm",
                            Json.object(),
                            InstantSource.system().instant(),
                            InstantSource.system().instant(),
                            Consistency.STOPPED,
                            "",
                            OptionalLong.empty(),
                            List.of(record),
                            "benchmark",
                            Optional.empty(),
                            Optional.empty()));
        }
    }

    /// Chunks that differ, and compress to some hundred bytes.
    private record CountedDisk(long chunks) implements BlockSource {
        private static final int RANDOM = 256;

        @Override
        public long size() {
            return chunks * CHUNK;
        }

        @Override
        public Iterator<Extent> dataExtents() {
            return List.of(new Extent(0, size())).iterator();
        }

        @Override
        public void read(long offset, byte[] into, int at, int length) {
            for (int done = 0; done < length; done += CHUNK) {
                int end = at + Math.min(length, done + CHUNK);
                Arrays.fill(into, at + done, end, (byte) 0);
                byte[] random = new byte[RANDOM];
                new SplittableRandom((offset + done) / CHUNK).nextBytes(random);
                System.arraycopy(random, 0, into, at + done, Math.min(RANDOM, length - done));
            }
        }

        @Override
        public void close() {}
    }
}
