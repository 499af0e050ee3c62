package io.stillpoint.vault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.CancelledException;
import io.stillpoint.vault.HangingStore.Call;
import io.stillpoint.vault.HangingStore.Hold;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.pack.PackFile;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.prune.PruneResult;
import io.stillpoint.vault.prune.PruneRules;
import io.stillpoint.vault.read.Contents;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.session.StoredDisk;
import io.stillpoint.vault.session.VaultSettings;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import io.stillpoint.vault.verify.Verification;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// One open vault that many use at once: "In one process" in `docs/locking.md`.
final class SharedVaultTest {
    private static final int CHUNK = TestVault.CHUNK;
    private static final VaultSettings SMALL =
            new VaultSettings(2 * CHUNK, true, 7 * CHUNK, 2 * CHUNK, Duration.ofHours(24));
    private static final PruneRules PRUNE_ALL =
            new PruneRules(Duration.ZERO, Duration.ZERO, 90, Long.MAX_VALUE, false);

    @TempDir Path folder;
    private TestVault vaults;
    private HangingStore store;
    private Vault vault;

    @BeforeEach
    void make() {
        vaults = TestVault.make(folder);
        vaults.use(SMALL);
        store = new HangingStore(new LocalStore(folder.resolve("vault")));
        vault = vaults.open(store);
    }

    /// Opens the vault anew: it remembers nothing.
    private void open() {
        vault.close();
        vault = vaults.open(store);
    }

    @AfterEach
    void close() {
        vault.close(Duration.ofMinutes(1));
        vaults.close();
    }

    private static <T> Future<T> start(Callable<T> work) {
        FutureTask<T> task = new FutureTask<>(work);
        Thread.ofPlatform().daemon().start(task);
        return task;
    }

    private static <T> T of(Future<T> future) throws InterruptedException, ExecutionException {
        try {
            return future.get(2, TimeUnit.MINUTES);
        } catch (TimeoutException e) {
            throw new AssertionError(e);
        }
    }

    private Set<ObjectId> packs() {
        Set<ObjectId> packs = new HashSet<>();
        vaults.store().list(Area.PACKS, listed -> packs.add(listed.name().id()));
        return packs;
    }

    private byte[] restored(RecoveryPoint point) {
        DiskImage image = point.disks().getFirst().image();
        MemoryDisk target = new MemoryDisk(new byte[(int) image.size()]);
        vault.restore(image, target, new Cancellation(), _ -> {});
        return target.content();
    }

    private BackupSession session() {
        return vault.backup(Optional.empty(), new Cancellation(), (_, _) -> {});
    }

    private static StoredDisk stored(BackupSession session, byte[] content) {
        return session.store(
                        List.of(
                                new DiskInput(
                                        "disk",
                                        new MemoryDisk(content),
                                        new Scan.Everything(Optional.empty()))))
                .getFirst();
    }

    private RecoveryPoint backup(byte[] content) {
        try (BackupSession session = session()) {
            return vaults.commit(session, stored(session, content));
        }
    }

    private PruneResult prune() {
        return vault.prune(PRUNE_ALL, new Cancellation());
    }

    private boolean isData(ObjectId pack) {
        try (PackFile file =
                PackFile.open(vaults.store(), vaults.vault().parts().contents().keys(), pack)) {
            return file.kind() == ObjectKind.DATA_PACK;
        }
    }

    private Hold holdPacks(Set<ObjectId> held) {
        return store.hold(
                Call.OPEN, path -> held.stream().anyMatch(id -> path.equals("packs/" + id)));
    }

    @Test
    void oneObjectThatDoesNotComeHoldsUpOnlyWhoNeedsIt() throws Exception {
        byte[] slow = TestVault.random(10 * CHUNK, 1);
        byte[] other = TestVault.random(10 * CHUNK, 2);
        RecoveryPoint first = vaults.full(slow);
        Set<ObjectId> held = packs();
        held.removeIf(pack -> !isData(pack));
        RecoveryPoint second = vaults.full(other);
        open();
        Hold hold = holdPacks(held);
        Future<byte[]> waiting = start(() -> restored(first));
        hold.awaitAsked();

        assertThat(restored(second)).isEqualTo(other);
        assertThat(vault.points()).hasSize(2);
        byte[] fresh = TestVault.random(10 * CHUNK, 3);
        RecoveryPoint third = backup(fresh);
        assertThat(restored(third)).isEqualTo(fresh);
        assertThat(prune().reachableItems()).isPositive();
        assertThat(waiting.isDone()).isFalse();

        hold.release();
        assertThat(of(waiting)).isEqualTo(slow);
    }

    @Test
    void oneNodeThatDoesNotComeHoldsUpOnlyWhoNeedsIt() throws Exception {
        byte[] slow = TestVault.random(10 * CHUNK, 1);
        byte[] other = TestVault.random(10 * CHUNK, 2);
        RecoveryPoint first = vaults.full(slow);
        Set<ObjectId> held = packs();
        held.removeIf(this::isData);
        assertThat(held).isNotEmpty();
        RecoveryPoint second = vaults.full(other);
        open();
        Hold hold = holdPacks(held);
        Future<byte[]> waiting = start(() -> restored(first));
        Future<byte[]> waitingToo = start(() -> restored(first));
        hold.awaitAsked();

        assertThat(restored(second)).isEqualTo(other);
        byte[] fresh = TestVault.random(10 * CHUNK, 3);
        assertThat(restored(backup(fresh))).isEqualTo(fresh);

        hold.release();
        assertThat(of(waiting)).isEqualTo(slow);
        assertThat(of(waitingToo)).isEqualTo(slow);
        assertThat(hold.asked()).as("requests for one object").isEqualTo(1);
    }

    @Test
    void aCommitDoesNotWaitForTheSegmentOfAnotherSession() throws Exception {
        open();
        byte[] slow = TestVault.random(10 * CHUNK, 1);
        byte[] quick = TestVault.random(10 * CHUNK, 2);
        Hold hold = store.holdOnce(Call.COMMIT, path -> path.startsWith("index/"));
        Future<RecoveryPoint> waiting = start(() -> backup(slow));
        hold.awaitAsked();
        Set<ObjectId> ofOther = packs();

        RecoveryPoint point = backup(quick);
        assertThat(waiting.isDone()).isFalse();
        // What was committed stands in the index of the store, without the other's.
        try (Vault elsewhere = vaults.open(vaults.store())) {
            Set<ObjectId> mine = packs();
            mine.removeAll(ofOther);
            assertThat(elsewhere.parts().contents().index().packs()).containsAll(mine);
        }
        assertThat(restored(point)).isEqualTo(quick);

        hold.release();
        assertThat(restored(of(waiting))).isEqualTo(slow);
        assertThat(vault.parts().contents().index().packs()).isEqualTo(packs());
    }

    @Test
    void aCommitWaitsForTheSegmentOfWhatItReliesOn() throws Exception {
        open();
        byte[] content = TestVault.random(10 * CHUNK, 1);
        Hold hold = store.holdOnce(Call.COMMIT, path -> path.startsWith("index/"));
        Future<RecoveryPoint> waiting = start(() -> backup(content));
        hold.awaitAsked();
        FutureTask<RecoveryPoint> relying = new FutureTask<>(() -> backup(content));
        Thread second = Thread.ofPlatform().daemon().start(relying);
        awaitWaiting(second);
        assertThat(relying.isDone()).isFalse();
        assertThat(vault.points()).isEmpty();

        hold.release();
        of(waiting);
        RecoveryPoint point = of(relying);
        assertThat(point.disks().getFirst().newBytes()).isZero();
        assertThat(restored(point)).isEqualTo(content);
        try (Vault elsewhere = vaults.open(vaults.store())) {
            assertThat(elsewhere.parts().contents().index().packs()).isEqualTo(packs());
        }
    }

    /// Until the thread waits in the index for another one's segment.
    private static void awaitWaiting(Thread thread) {
        long end = System.nanoTime() + Duration.ofMinutes(1).toNanos();
        while (!isIn(thread, "io.stillpoint.vault.index.Recent", "flush")
                || thread.getState() != Thread.State.WAITING) {
            if (System.nanoTime() > end) {
                throw new AssertionError("does not wait");
            }
            LockSupport.parkNanos(1_000_000);
        }
    }

    private static boolean isIn(Thread thread, String type, String method) {
        for (StackTraceElement frame : thread.getStackTrace()) {
            if (frame.getClassName().equals(type) && frame.getMethodName().equals(method)) {
                return true;
            }
        }
        return false;
    }

    @Test
    void aSegmentThatCouldNotBeWrittenIsWrittenByWhoNeedsItNext() throws Exception {
        open();
        byte[] content = TestVault.random(10 * CHUNK, 1);
        Hold hold = store.holdOnce(Call.COMMIT, path -> path.startsWith("index/"));
        Future<RecoveryPoint> failing = start(() -> backup(content));
        hold.awaitAsked();
        FutureTask<RecoveryPoint> relying = new FutureTask<>(() -> backup(content));
        Thread second = Thread.ofPlatform().daemon().start(relying);
        awaitWaiting(second);

        hold.fail(failure());
        assertThatThrownBy(() -> of(failing)).hasCauseInstanceOf(VaultException.class);
        RecoveryPoint point = of(relying);
        assertThat(restored(point)).isEqualTo(content);
        try (Vault elsewhere = vaults.open(vaults.store())) {
            assertThat(elsewhere.parts().contents().index().packs()).isEqualTo(packs());
        }
    }

    private static VaultException failure() {
        return new VaultException(Kind.STORE, "vault.store-failed", null, "", "", "", "");
    }

    @Test
    void manyWhoRefreshAtOnceLookTwiceAtMost() throws Exception {
        byte[] content = TestVault.random(10 * CHUNK, 1);
        RecoveryPoint point = vaults.full(content);
        open();
        Contents contents = vault.parts().contents();
        contents.index();
        Hold hold = store.holdOnce(Call.LIST, "index"::equals);
        int before = store.indexListings();
        List<Future<Integer>> refreshing = new ArrayList<>();
        refreshing.add(start(() -> contents.refreshedIndex().packs().size()));
        hold.awaitAsked();
        CountDownLatch asked = new CountDownLatch(6);
        for (int i = 0; i < 6; i++) {
            refreshing.add(
                    start(() -> {
                        asked.countDown();
                        return contents.refreshedIndex().packs().size();
                    }));
        }
        asked.await();
        // Nobody else waits.
        assertThat(restored(point)).isEqualTo(content);
        vaults.full(TestVault.random(CHUNK, 7));
        hold.release();
        for (Future<Integer> each : refreshing) {
            of(each);
        }
        assertThat(contents.refreshedIndex().packs()).isEqualTo(packs());
        // Those who came late may have asked alone, after the others had ended.
        assertThat(store.indexListings() - before).isBetween(2, 8);
    }

    @Test
    void whoIsInterruptedWhileAnotherAsksLeavesTheAnswerToThatOne() throws Exception {
        byte[] content = TestVault.random(10 * CHUNK, 1);
        vaults.full(content);
        open();
        ObjectId pack = packs().iterator().next();
        Contents contents = vault.parts().contents();
        Hold hold = holdPacks(Set.of(pack));
        Future<ObjectId> asking = start(() -> acquired(contents, pack));
        hold.awaitAsked();
        CountDownLatch ended = new CountDownLatch(1);
        List<Throwable> thrown = new ArrayList<>();
        Thread waiting =
                Thread.ofPlatform()
                        .daemon()
                        .start(() -> {
                            try {
                                acquired(contents, pack);
                            } catch (RuntimeException e) {
                                thrown.add(e);
                            }
                            ended.countDown();
                        });
        waiting.interrupt();
        assertThat(ended.await(1, TimeUnit.MINUTES)).isTrue();
        assertThat(thrown).singleElement().isInstanceOf(CancelledException.class);
        hold.release();
        assertThat(of(asking)).isEqualTo(pack);
        assertThat(hold.asked()).isEqualTo(1);
    }

    private static ObjectId acquired(Contents contents, ObjectId pack) {
        PackFile file = contents.packs().acquire(pack);
        try {
            return file.id();
        } finally {
            contents.packs().release(file);
        }
    }

    @Test
    void aFailureIsToldToWhoWaitsAndIsNotKept() throws Exception {
        vaults.full(TestVault.random(10 * CHUNK, 1));
        open();
        ObjectId pack = packs().iterator().next();
        Contents contents = vault.parts().contents();
        Hold hold = holdPacks(Set.of(pack));
        Future<ObjectId> asking = start(() -> acquired(contents, pack));
        hold.awaitAsked();
        FutureTask<ObjectId> waiting = new FutureTask<>(() -> acquired(contents, pack));
        Thread thread = Thread.ofPlatform().daemon().start(waiting);
        long end = System.nanoTime() + Duration.ofMinutes(1).toNanos();
        while (thread.getState() != Thread.State.WAITING && System.nanoTime() < end) {
            LockSupport.parkNanos(1_000_000);
        }
        hold.fail(failure());
        assertThatThrownBy(() -> of(asking)).hasRootCauseInstanceOf(VaultException.class);
        assertThatThrownBy(() -> of(waiting)).hasRootCauseInstanceOf(VaultException.class);
        assertThat(acquired(contents, pack)).isEqualTo(pack);
    }

    @Test
    void manyUseOneVaultAtOnce() throws Exception {
        List<byte[]> contents = new ArrayList<>();
        byte[] common = TestVault.random(20 * CHUNK, 99);
        for (int i = 0; i < 8; i++) {
            byte[] content = TestVault.random(40 * CHUNK, i);
            System.arraycopy(common, 0, content, i * CHUNK, common.length);
            contents.add(content);
        }
        RecoveryPoint old = vaults.full(contents.get(0));
        RecoveryPoint kept = vaults.full(contents.get(1));
        vaults.vault().forget(old, Duration.ZERO);
        open();
        int rounds = 3;
        List<Future<List<RecoveryPoint>>> sessions = new ArrayList<>();
        List<Future<Boolean>> others = new ArrayList<>();
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            for (byte[] content : contents) {
                sessions.add(
                        threads.submit(() -> {
                            List<RecoveryPoint> made = new ArrayList<>();
                            for (int round = 0; round < rounds; round++) {
                                content[round] ^= 1;
                                made.add(backup(content.clone()));
                            }
                            return made;
                        }));
            }
            for (int i = 0; i < 2; i++) {
                others.add(
                        threads.submit(() -> {
                            for (int round = 0; round < rounds; round++) {
                                assertThat(restored(kept)).isEqualTo(original(1, common));
                            }
                            return true;
                        }));
            }
            others.add(
                    threads.submit(() -> {
                        Verification found = vault.verify(new Cancellation(), _ -> {});
                        assertThat(found.problems()).isEmpty();
                        return true;
                    }));
            others.add(
                    threads.submit(() -> {
                        for (int round = 0; round < rounds; round++) {
                            prune();
                        }
                        return true;
                    }));
            for (Future<Boolean> other : others) {
                of(other);
            }
            for (int i = 0; i < sessions.size(); i++) {
                List<RecoveryPoint> made = of(sessions.get(i));
                byte[] content = original(i, common);
                for (int round = 0; round < rounds; round++) {
                    content[round] ^= 1;
                    assertThat(restored(made.get(round))).as("disk %d", i).isEqualTo(content);
                }
            }
        }
        vault.close();
        open();
        prune();
        prune();
        assertThat(vault.verify(new Cancellation(), _ -> {}).problems()).isEmpty();
        assertThat(vault.parts().contents().index().packs()).containsAll(packs());
        assertThat(vault.points()).hasSize(1 + 8 * rounds);
    }

    private static byte[] original(int seed, byte[] common) {
        byte[] content = TestVault.random(40 * CHUNK, seed);
        System.arraycopy(common, 0, content, seed * CHUNK, common.length);
        return content;
    }

    @Test
    void closingWaitsForASessionAndLetsNothingElseBegin() throws Exception {
        open();
        byte[] content = TestVault.random(10 * CHUNK, 1);
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        Future<RecoveryPoint> running =
                start(() -> {
                    try (BackupSession session = session()) {
                        begun.countDown();
                        goOn.await();
                        // What goes on may look at its vault.
                        assertThat(vault.points()).isEmpty();
                        return vaults.commit(session, stored(session, content));
                    }
                });
        begun.await();
        assertThatThrownBy(() -> vault.close(Duration.ofMillis(1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("a backup (begun by thread ");
        assertThat(vault.uses()).hasSize(1);
        List<Runnable> refused =
                List.of(
                        () -> vault.points(),
                        () -> vault.newest("vm"),
                        () -> vault.point("00000000"),
                        () -> vault.completeCatalogue(),
                        () -> vault.verify(new Cancellation(), _ -> {}),
                        () -> session());
        for (Runnable work : refused) {
            assertThatThrownBy(work::run)
                    .isInstanceOfSatisfying(
                            VaultException.class,
                            e -> assertThat(e.kind()).isEqualTo(Kind.OVERTAKEN));
        }
        Future<Boolean> closing =
                start(() -> {
                    vault.close();
                    return true;
                });
        goOn.countDown();
        RecoveryPoint point = of(running);
        of(closing);
        open();
        assertThat(restored(point)).isEqualTo(content);
    }

    @Test
    void aSessionThatWasLeftOpenIsNamedByWhoCloses() {
        open();
        try (BackupSession session = session()) {
            assertThatThrownBy(() -> vault.close())
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("a backup (begun by thread ");
            assertThat(vaults.commit(session, stored(session, new byte[CHUNK]))).isNotNull();
        }
    }

    @Test
    void aSessionBeginsWithoutListingPacksUnlessSomebodyMayHaveLeftSome() {
        byte[] content = TestVault.random(30 * CHUNK, 1);
        vaults.full(TestVault.random(CHUNK, 2));
        open();
        int before = store.packListings();
        backup(TestVault.random(CHUNK, 3));
        backup(TestVault.random(CHUNK, 4));
        assertThat(store.packListings()).isEqualTo(before);
        // Another process stores everything, and dies before its index is written.
        BackupSession killed =
                vaults.vault().backup(Optional.empty(), new Cancellation(), (_, _) -> {});
        assertThat(stored(killed, content).newBytes()).isEqualTo(content.length);
        int packs = packs().size();
        open();
        before = store.packListings();
        try (BackupSession session = session()) {
            // Of what filled whole packs, nothing is stored again.
            StoredDisk again = stored(session, content);
            assertThat(again.newBytes()).isLessThanOrEqualTo(14L * CHUNK);
            vaults.commit(session, again);
        }
        assertThat(store.packListings()).isGreaterThan(before);
        assertThat(packs).isGreaterThan(3);
        killed.close();
    }

    @Test
    void whatAFailedSessionStoredTheNextProcessFinds() {
        byte[] content = TestVault.random(30 * CHUNK, 1);
        try (BackupSession session =
                vaults.vault().backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            stored(session, content);
            session.flush();
        }
        try (BackupSession session =
                vaults.vault().backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            // Ends without a flush.
            stored(session, TestVault.random(30 * CHUNK, 2));
        }
        open();
        int before = store.packListings();
        try (BackupSession session = session()) {
            assertThat(stored(session, content).newBytes()).isZero();
            StoredDisk second = stored(session, TestVault.random(30 * CHUNK, 2));
            assertThat(second.newBytes()).isLessThanOrEqualTo(14L * CHUNK);
        }
        assertThat(store.packListings()).isEqualTo(before);
    }
}
