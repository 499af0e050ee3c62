package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.integration.FaultyVault.History;
import io.stillpoint.testkit.Bytes;
import io.stillpoint.testkit.disk.FaultyDisk;
import io.stillpoint.testkit.disk.FaultyDisk.Traits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.IntPredicate;

/// What is done to a vault while its disk lies: the steps of a process, and the vault that it finds.
final class VaultScript {
    /// How many segments are of one size when the script begins; its first one completes the eight that the second backup merges.
    private static final int SMALL_BACKUPS = 7;

    private static final byte[] FULL = content(20, 100);
    private static final byte[] CHANGED = changed(FULL);
    private static final byte[] NEXT = next(CHANGED);

    static final byte[] SMALL = content(5, 200);

    /// One step of the process.
    ///
    /// @param name shown when it fails
    record Step(String name, Consumer<FaultyVault> run) {}

    /// The steps, in their order, on one open vault.
    static final List<Step> STEPS =
            List.of(
                    new Step("full backup", vault -> vault.backup("vm", FULL)),
                    new Step("incremental backup, merge", vault -> vault.backup("vm", CHANGED)),
                    new Step("forget", FaultyVault::forgetOldest),
                    new Step("prune: condemn", FaultyVault::prune),
                    new Step("prune: delete", FaultyVault::prune));

    private VaultScript() {}

    /// At every which call to stop or to fail: `-Dstillpoint.every=1` for all of them.
    static int stride(int usual) {
        return Integer.getInteger("stillpoint.every", usual);
    }

    /// Of a power cut: `-Dstillpoint.seed=N` for others than usual, or to see one again.
    ///
    /// @param number counted from 0
    static long seed(int number) {
        return Long.getLong("stillpoint.seed", 0) + number;
    }

    /// Tries a stop or fault at the first call, and at every `stride`th after it, on all processors, until one finds no call left.
    /// Each has a disk of its own. Returns the number of the first call that there was not; throws the failure of the first that failed.
    static int atEvery(int stride, IntPredicate attempt) {
        AtomicInteger next = new AtomicInteger(1);
        AtomicInteger end = new AtomicInteger(Integer.MAX_VALUE);
        ConcurrentSkipListMap<Integer, AssertionError> failures = new ConcurrentSkipListMap<>();
        Runnable worker =
                () -> {
                    int call;
                    while ((call = next.getAndAdd(stride)) < end.get()) {
                        try {
                            if (!attempt.test(call)) {
                                end.accumulateAndGet(call, Math::min);
                            }
                        } catch (RuntimeException | Error e) {
                            failures.put(call, new AssertionError("at call " + call, e));
                            end.accumulateAndGet(call, Math::min);
                        }
                    }
                };
        try (ExecutorService workers = Executors.newCachedThreadPool()) {
            for (int i = 0; i < Runtime.getRuntime().availableProcessors(); i++) {
                var _ = workers.submit(worker);
            }
        }
        if (!failures.isEmpty()) {
            throw failures.firstEntry().getValue();
        }
        return end.get();
    }

    private static byte[] content(int chunks, long seed) {
        return Bytes.RANDOM.of(chunks * FaultyVault.CHUNK, seed);
    }

    private static byte[] changed(byte[] before) {
        byte[] after = before.clone();
        for (int chunk = 2; chunk < 6; chunk++) {
            after[chunk * FaultyVault.CHUNK + 17]++;
        }
        Arrays.fill(after, 9 * FaultyVault.CHUNK, 10 * FaultyVault.CHUNK, (byte) 0);
        return after;
    }

    private static byte[] next(byte[] before) {
        byte[] after = before.clone();
        after[0]++;
        after[9 * FaultyVault.CHUNK]++;
        return after;
    }

    /// A disk with a vault that the steps are done to.
    record Prepared(FaultyDisk disk, History history) {
        /// An independent copy, not for the first time booted.
        FaultyDisk boot() {
            return disk.afterCrash(0);
        }
    }

    static FaultyDisk emptyDisk(Traits traits) {
        try {
            AtomicLong millis = new AtomicLong();
            FaultyDisk disk =
                    new FaultyDisk(
                            traits, () -> FaultyVault.BEGIN.plusMillis(millis.incrementAndGet()));
            disk.createFolder(Path.of("/srv"));
            disk.syncFolder(Path.of("/"));
            return disk;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Prepared prepare(Traits traits) {
        FaultyDisk disk = emptyDisk(traits);
        History history = new History();
        try (FaultyVault vault = FaultyVault.init(disk, history)) {
            for (int i = 0; i < SMALL_BACKUPS; i++) {
                vault.backup("small " + i, content(5, i));
            }
        }
        return new Prepared(disk, history);
    }

    static void run(FaultyVault vault) {
        STEPS.forEach(step -> step.run.accept(vault));
    }

    /// What any process can do when all is well again: incremental to whatever point is there.
    static void runNext(FaultyVault vault) {
        vault.requireRestores(vault.backup("vm", NEXT));
        assertThat(vault.verify().problems()).isEmpty();
    }
}
