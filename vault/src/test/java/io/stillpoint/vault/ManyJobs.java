package io.stillpoint.vault;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.BlockTarget;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.vault.point.PointDraft;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.session.StoredDisk;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// Many jobs at once in a process of its own, whose heap is the parent's choice. Arguments: a folder and what to do.
/// Prints a line when all is well, and fails otherwise.
final class ManyJobs {
    private static final int CHUNK = 1 << 16;
    private static final int JOBS = 50;
    private static final int CHUNKS = 96;

    private final TestVault vaults;
    private final ConcurrentHashMap<Integer, RecoveryPoint> points = new ConcurrentHashMap<>();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    private ManyJobs(Path folder) {
        vaults = TestVault.make(folder);
    }

    static void main(String[] arguments) throws Throwable {
        ManyJobs jobs = new ManyJobs(Path.of(arguments[0]));
        switch (arguments[1]) {
            case "fifty" -> jobs.fiftyAtOnce();
            case "small" -> jobs.smallBesideLarge();
            default -> throw new IllegalArgumentException(arguments[1]);
        }
        jobs.vaults.close();
        System.out.println("all is well");
    }

    /// Every VM is backed up, backed up again with a little of every chunk changed, which is the costliest in memory, and
    /// restored: all at once each time.
    private void fiftyAtOnce() throws Throwable {
        all(job -> points.put(job, backup("vm-" + job, List.of(disk(job, 0)), Optional.empty())));
        all(job -> {
            RecoveryPoint before = points.get(job);
            points.put(
                    job, backup("vm-" + job, List.of(disk(job, 1)), Optional.ofNullable(before)));
        });
        all(job -> {
            Disk disk = disk(job, 1);
            RecoveryPoint point = points.get(job);
            if (point == null) {
                throw new AssertionError("no point of " + job);
            }
            vaults.vault()
                    .restore(point.disks().getFirst().image(), disk, new Cancellation(), _ -> {});
            disk.requireWritten();
        });
    }

    /// Large ones that together need all the memory there is; then a small one.
    // The linter does not see the threads that read the list.
    @SuppressWarnings("ModifiedButNotUsed")
    private void smallBesideLarge() throws Throwable {
        ConcurrentLinkedQueue<String> ended = new ConcurrentLinkedQueue<>();
        CountDownLatch begun = new CountDownLatch(3);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            int first = 1000 * (i + 1);
            List<Disk> disks = new ArrayList<>();
            for (int disk = 0; disk < 100; disk++) {
                disks.add(
                        new Disk(first + disk, 0, 1024) {
                            @Override
                            public void read(long offset, byte[] into, int at, int length) {
                                begun.countDown();
                                super.read(offset, into, at, length);
                            }
                        });
            }
            threads.add(
                    start(() -> {
                        backup("large-" + first, disks, Optional.empty());
                        ended.add("large");
                    }));
        }
        begun.await();
        start(
                        () -> {
                            backup("small", List.of(disk(1, 0)), Optional.empty());
                            ended.add("small");
                        })
                .join();
        if (!List.copyOf(ended).equals(List.of("small"))) {
            throw new AssertionError(ended + " " + failure.get());
        }
        System.out.println("all is well");
        // The large ones would go on for minutes.
        System.exit(0);
    }

    @FunctionalInterface
    private interface Job {
        void run(int number);
    }

    private void all(Job job) throws Throwable {
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < JOBS; i++) {
            int number = i;
            threads.add(start(() -> job.run(number)));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        Throwable thrown = failure.get();
        if (thrown != null) {
            throw thrown;
        }
    }

    private Thread start(Runnable task) {
        return Thread.ofPlatform()
                .daemon()
                .start(() -> {
                    try {
                        task.run();
                    } catch (Throwable e) {
                        failure.compareAndSet(null, e);
                    }
                });
    }

    private RecoveryPoint backup(String vm, List<Disk> disks, Optional<RecoveryPoint> base) {
        List<DiskInput> inputs = new ArrayList<>();
        for (Disk disk : disks) {
            inputs.add(
                    new DiskInput(
                            "disk-" + disk.seed,
                            disk,
                            new Scan.Everything(
                                    base.map(point -> point.disks().getFirst().image()))));
        }
        try (BackupSession session =
                vaults.vault().backup(base, new Cancellation(), (_, _) -> {})) {
            StoredDisk stored = session.store(inputs).getFirst();
            PointDraft draft;
            synchronized (vaults) {
                draft = vaults.draft(vm, stored);
            }
            return session.commit(draft);
        }
    }

    private static Disk disk(int seed, int version) {
        return new Disk(seed, version, CHUNKS);
    }

    /// A disk of chunks that can't be compressed, made anew for each read; of later versions each chunk differs in a few bytes.
    private static class Disk implements BlockSource, BlockTarget {
        final int seed;
        private final int version;
        private final int chunks;
        private final boolean[] written;

        Disk(int seed, int version, int chunks) {
            this.seed = seed;
            this.version = version;
            this.chunks = chunks;
            written = new boolean[chunks];
        }

        private byte[] chunk(int number) {
            byte[] bytes = new byte[CHUNK];
            new Random(seed * 1_000_003L + number).nextBytes(bytes);
            for (int i = 0; i < 8 * version; i++) {
                bytes[1000 + i] ^= (byte) (version + i);
            }
            return bytes;
        }

        @Override
        public long size() {
            return (long) chunks * CHUNK;
        }

        @Override
        public Iterator<Extent> dataExtents() {
            return List.of(new Extent(0, size())).iterator();
        }

        @Override
        public void read(long offset, byte[] into, int at, int length) {
            for (int done = 0; done < length; done += CHUNK) {
                System.arraycopy(chunk((int) ((offset + done) / CHUNK)), 0, into, at + done, CHUNK);
            }
        }

        @Override
        public void write(long offset, byte[] from, int at, int length) {
            for (int done = 0; done < length; done += CHUNK) {
                int number = (int) ((offset + done) / CHUNK);
                byte[] expected = chunk(number);
                for (int i = 0; i < CHUNK; i++) {
                    if (from[at + done + i] != expected[i]) {
                        throw new AssertionError("chunk " + number + " of disk " + seed);
                    }
                }
                synchronized (written) {
                    written[number] = true;
                }
            }
        }

        void requireWritten() {
            synchronized (written) {
                for (boolean each : written) {
                    if (!each) {
                        throw new AssertionError("disk " + seed + " was not restored whole");
                    }
                }
            }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }
}
