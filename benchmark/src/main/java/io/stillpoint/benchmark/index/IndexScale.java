package io.stillpoint.benchmark.index;

import io.stillpoint.benchmark.ProcessMemory;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.index.SegmentWriter;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.record.DamagedFrames;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectStore;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

/// One step of the measurement; see the script `benchmark/index`.
public final class IndexScale {
    private static final PrintStream OUT =
            new PrintStream(System.out, true, StandardCharsets.UTF_8);
    private static final VaultKeys KEYS = new VaultKeys(new ObjectId(1, 2), new byte[32]);
    private static final int ITEMS_PER_PACK = 1000;
    private static final int BATCH = 100;
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final int CHUNK = 65_536;

    private IndexScale() {}

    /// `make FOLDER SEGMENTS ENTRIES`, `lookups FOLDER SECONDS`, `merge FOLDER`, `census FOLDER`, or `rebuild FOLDER CHUNKS`.
    public static void main(String[] args) throws IOException, InterruptedException {
        Path folder = Path.of(args[1]);
        switch (args[0]) {
            case "make" -> make(folder, Integer.parseInt(args[2]), Long.parseLong(args[3]));
            case "lookups" -> lookups(folder, Integer.parseInt(args[2]));
            case "merge" -> merge(folder);
            case "census" -> census(folder);
            case "rebuild" -> Rebuild.run(folder, Long.parseLong(args[2]));
            default -> throw new IllegalArgumentException("see benchmark/index");
        }
    }

    static void say(String format, Object... values) {
        OUT.printf(Locale.ROOT, format + "%n", values);
    }

    static double since(long nanos) {
        return (System.nanoTime() - nanos) / 1e9;
    }

    private static double cpuSince(long nanos) {
        return (THREADS.getCurrentThreadCpuTime() - nanos) / 1e9;
    }

    private static ItemIndex open(ObjectStore store) {
        return ItemIndex.open(store, KEYS, Randomness.secure(), Set::of, () -> DamagedFrames.NONE);
    }

    private static void make(Path folder, int segments, long entries) throws IOException {
        long begin = System.nanoTime();
        try (ObjectStore store = new LocalStore(folder);
                DataOutputStream sample = Sample.create(folder)) {
            SplittableRandom random = new SplittableRandom(entries);
            for (int i = 0; i < segments; i++) {
                make(store, entries / segments, Sample.stride(entries), random, sample);
            }
        }
        say("made %,d entries in %d segments: %.1f s", entries, segments, since(begin));
    }

    /// Ids in ascending order, each random in a part of the range that is its own.
    private static void make(
            ObjectStore store,
            long entries,
            long stride,
            SplittableRandom random,
            DataOutputStream sample) {
        List<ObjectId> packs = new ArrayList<>();
        for (long i = 0; i <= entries / ITEMS_PER_PACK; i++) {
            packs.add(new ObjectId(random.nextLong(), random.nextLong()));
        }
        ObjectId name = new ObjectId(random.nextLong(), random.nextLong());
        try (SegmentWriter writer = new SegmentWriter(store, KEYS, name, packs)) {
            long part = Long.divideUnsigned(-1, entries);
            for (long i = 0; i < entries; i++) {
                ItemId id =
                        new ItemId(
                                i * part + random.nextLong(part),
                                random.nextLong(),
                                random.nextLong(),
                                random.nextLong());
                int frame = random.nextInt(16);
                writer.add(
                        id,
                        new Place(
                                packs.get(random.nextInt(packs.size())),
                                32L + frame * 1_000_000L,
                                1_000_000,
                                random.nextInt(64) * CHUNK,
                                CHUNK));
                if (i % stride == 0) {
                    Sample.add(sample, id);
                }
            }
            writer.commit();
        }
    }

    private static void lookups(Path folder, int seconds) throws IOException, InterruptedException {
        Sample sample = Sample.read(folder);
        long heapBefore = ProcessMemory.heap();
        double rssBefore = ProcessMemory.now().rssMib();
        long begin = System.nanoTime();
        long cpu = THREADS.getCurrentThreadCpuTime();
        try (ObjectStore store = new LocalStore(folder);
                ItemIndex index = open(store)) {
            double opened = since(begin);
            double openedCpu = cpuSince(cpu);
            AtomicLong bytes = new AtomicLong();
            AtomicLong segments = new AtomicLong();
            store.list(
                    ObjectName.Area.INDEX,
                    listed -> {
                        bytes.addAndGet(listed.size());
                        segments.incrementAndGet();
                    });
            double rss = ProcessMemory.now().rssMib();
            double perEntry = index.entries();
            say(
                    "%,d entries, %d segments: open %.2f s, CPU %.2f s; %.2f bytes an entry on disk, %.3f on the heap;"
                            + " RSS %.0f MiB before, %.0f after",
                    index.entries(),
                    segments.get(),
                    opened,
                    openedCpu,
                    bytes.get() / perEntry,
                    (ProcessMemory.heap() - heapBefore) / perEntry,
                    rssBefore,
                    rss);
            long total = 0;
            for (int threads = 1; threads <= 2; threads++) {
                total += run(index, new Sought("hits", sample::any, true), threads, seconds);
                total +=
                        run(
                                index,
                                new Sought("misses", IndexScale::random, false),
                                threads,
                                seconds);
            }
            ProcessMemory memory = ProcessMemory.now();
            say(
                    "after %,d lookups: RSS %.0f MiB, at most %.0f MiB",
                    total, memory.rssMib(), memory.peakMib());
        }
    }

    private static ItemId random(SplittableRandom random) {
        return new ItemId(
                random.nextLong(), random.nextLong(), random.nextLong(), random.nextLong());
    }

    /// Which ids are looked up, and whether the index has them.
    private record Sought(String name, Function<SplittableRandom, ItemId> ids, boolean isThere) {}

    private static long run(ItemIndex index, Sought sought, int threads, int seconds)
            throws InterruptedException {
        // The first round is for the compiler.
        Looked first = round(index, sought, threads, 2);
        long begin = System.nanoTime();
        Looked then = round(index, sought, threads, seconds);
        say(
                "%s, %d threads: %,.0f a second, CPU time of each %.2f µs",
                sought.name, threads, then.count / since(begin), then.cpuNanos / 1e3 / then.count);
        return first.count + then.count;
    }

    private record Looked(long count, long cpuNanos) {
        Looked plus(Looked other) {
            return new Looked(count + other.count, cpuNanos + other.cpuNanos);
        }
    }

    private static Looked round(ItemIndex index, Sought sought, int threads, int seconds)
            throws InterruptedException {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        List<Callable<Looked>> tasks = new ArrayList<>();
        for (int thread = 0; thread < threads; thread++) {
            SplittableRandom random = new SplittableRandom(thread * 31L + seconds);
            tasks.add(() -> look(index, sought, end, random));
        }
        Looked all = new Looked(0, 0);
        try (ExecutorService executor = Executors.newFixedThreadPool(threads)) {
            for (Future<Looked> task : executor.invokeAll(tasks)) {
                all = all.plus(task.get());
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
        return all;
    }

    private static Looked look(ItemIndex index, Sought sought, long end, SplittableRandom random) {
        ItemIndex.Lookup lookup = index.lookup();
        long begin = THREADS.getCurrentThreadCpuTime();
        long done = 0;
        while (System.nanoTime() < end) {
            for (int i = 0; i < BATCH; i++) {
                if ((lookup.findIndexed(sought.ids.apply(random)) != null) != sought.isThere) {
                    throw new IllegalStateException("a lookup is wrong");
                }
            }
            done += BATCH;
        }
        return new Looked(done, THREADS.getCurrentThreadCpuTime() - begin);
    }

    private static void merge(Path folder) throws IOException {
        try (ObjectStore store = new LocalStore(folder);
                ItemIndex index = open(store)) {
            long entries = index.entries();
            long begin = System.nanoTime();
            long cpu = THREADS.getCurrentThreadCpuTime();
            index.merge();
            say(
                    "merged %,d entries: %.1f s, CPU %.1f s; RSS at most %.0f MiB",
                    entries, since(begin), cpuSince(cpu), ProcessMemory.now().peakMib());
        }
    }

    private static void census(Path folder) throws IOException {
        try (ObjectStore store = new LocalStore(folder);
                ItemIndex index = open(store)) {
            long[] seen = new long[2];
            long begin = System.nanoTime();
            long cpu = THREADS.getCurrentThreadCpuTime();
            index.forEach((id, places) -> {
                seen[0]++;
                seen[1] += places.size() + id.a();
            });
            say(
                    "visited %,d items: %.1f s, CPU %.1f s (%d); RSS at most %.0f MiB",
                    seen[0],
                    since(begin),
                    cpuSince(cpu),
                    seen[1] & 1,
                    ProcessMemory.now().peakMib());
        }
    }
}
