package io.stillpoint.vault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.prune.PruneRules;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.session.StoredDisk;
import io.stillpoint.vault.session.VaultSettings;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Merging the index beside everything else: the last column and row of the table in `docs/locking.md`.
final class IndexMergeTest {
    /// As many segments of one size as are merged.
    private static final int WIDTH = 8;

    private static final int CHUNK = TestVault.CHUNK;

    @TempDir Path folder;
    private final IndexFixture fixture = new IndexFixture(1);

    private BucketLikeStore store() {
        return new BucketLikeStore(folder.resolve("vault"));
    }

    /// Writes segments of some new items each. Returns all items.
    private List<ItemId> addSegments(ItemIndex index, int segments) {
        List<ItemId> ids = new ArrayList<>();
        for (int i = 0; i < segments; i++) {
            ids.addAll(fixture.addPack(index, 200));
            index.flush();
        }
        return ids;
    }

    private static void requireAll(ItemIndex index, List<ItemId> ids) {
        ItemIndex.Lookup lookup = index.lookup();
        assertThat(ids).allMatch(id -> lookup.findIndexed(id) != null);
        assertThat(ids).allMatch(id -> lookup.places(id).size() == 1);
        assertThat(IndexFixture.visited(index)).containsOnlyKeys(ids);
    }

    @Test
    void nothingIsMissedWhileSegmentsAreWrittenAndMerged()
            throws InterruptedException, ExecutionException {
        List<ItemId> known = new CopyOnWriteArrayList<>();
        AtomicBoolean done = new AtomicBoolean();
        try (ObjectStore store = store();
                ItemIndex index = fixture.open(store);
                ItemIndex other = fixture.open(store);
                ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<Future<Integer>> futures = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                futures.add(threads.submit(() -> lookUp(index, known, done)));
            }
            futures.add(
                    threads.submit(() -> {
                        while (!done.get()) {
                            index.merge();
                        }
                        return 0;
                    }));
            futures.add(
                    threads.submit(() -> {
                        while (!done.get()) {
                            other.refresh();
                            other.merge();
                        }
                        return 0;
                    }));
            try {
                for (int i = 0; i < 150; i++) {
                    known.addAll(fixture.addPack(index, 20));
                    if (i % 2 == 1) {
                        index.flush();
                    }
                }
            } finally {
                done.set(true);
            }
            for (Future<Integer> future : futures) {
                future.get();
            }
            index.flush();
            index.refresh();
            index.merge();
            requireAll(index, known);
            assertThat(IndexFixture.segments(store)).hasSizeLessThan(2 * WIDTH);
        }
    }

    private static int lookUp(ItemIndex index, List<ItemId> known, AtomicBoolean done) {
        ItemIndex.Lookup lookup = index.lookup();
        int found = 0;
        while (!done.get()) {
            for (ItemId id : known) {
                if (lookup.findIndexed(id) == null || lookup.places(id).size() != 1) {
                    throw new AssertionError("missed " + id);
                }
                found++;
            }
        }
        return found;
    }

    private static Vault open(ObjectStore store, KeyFile key) {
        return Vault.open(
                store,
                key,
                new Vault.Surroundings(
                        Randomness.secure(),
                        InstantSource.system(),
                        ProcessResources.ofThisProcess()));
    }

    private KeyFile key() {
        return KeyFile.read(folder.resolve("key"));
    }

    @Test
    void mergeDuringBackup() {
        byte[] content = TestVault.random(20 * CHUNK, 1);
        try (TestVault backingUp = TestVault.make(folder);
                Vault merging = open(store(), key())) {
            for (int i = 1; i < WIDTH; i++) {
                backingUp.full(TestVault.random(CHUNK, 100 + i));
            }
            RecoveryPoint made;
            try (BackupSession session =
                    backingUp.vault().backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
                merging.parts().contents().index().merge();
                Scan scan = new Scan.Everything(Optional.empty());
                StoredDisk stored =
                        session.store(List.of(new DiskInput("disk", new MemoryDisk(content), scan)))
                                .getFirst();
                merging.parts().contents().index().merge();
                made = backingUp.commit(session, stored);
            }
            merging.parts().contents().refreshedIndex().merge();
            assertThat(IndexFixture.segments(backingUp.vault().parts().contents().store()))
                    .hasSizeLessThan(WIDTH);
            assertThat(backingUp.restored(made)).isEqualTo(content);
            assertThat(backingUp.full(content).disks().getFirst().newBytes()).isZero();
            assertThat(backingUp.verify().problems()).isEmpty();
        }
    }

    @Test
    void mergeDuringRestore() {
        byte[] content = TestVault.random(20 * CHUNK, 1);
        try (TestVault merging = TestVault.make(folder)) {
            RecoveryPoint point = merging.full(content);
            for (int i = 1; i < WIDTH; i++) {
                merging.full(TestVault.random(CHUNK, 100 + i));
            }
            DiskImage image = point.disks().getFirst().image();
            try (Vault restoring = open(store(), key())) {
                // Reads the list of segments now.
                assertThat(restoring.parts().contents().index().entries()).isPositive();
                List<ObjectName> before =
                        IndexFixture.segments(restoring.parts().contents().store());
                merging.vault().parts().contents().index().merge();
                assertThat(IndexFixture.segments(restoring.parts().contents().store()))
                        .doesNotContainAnyElementsOf(before.subList(0, 1));
                MemoryDisk target = new MemoryDisk(new byte[content.length]);
                restoring.restore(image, target, new Cancellation(), _ -> {});
                assertThat(target.content()).isEqualTo(content);
            }
        }
    }

    @Test
    void twoMergesAtOnce() throws InterruptedException, ExecutionException {
        BucketLikeStore first = store();
        BucketLikeStore second = store();
        try (ItemIndex one = fixture.open(first);
                ExecutorService threads = Executors.newFixedThreadPool(2)) {
            List<ItemId> ids = addSegments(one, WIDTH);
            try (ItemIndex two = fixture.open(second);
                    ItemIndex third = fixture.open(store())) {
                // Both have read everything before either writes, and both have looked round before
                // either deletes.
                CyclicBarrier step = new CyclicBarrier(2);
                for (BucketLikeStore store : List.of(first, second)) {
                    store.beforeSegment(() -> await(step));
                    store.beforeDeletion(() -> await(step));
                }
                for (Future<?> merge :
                        List.of(threads.submit(one::merge), threads.submit(two::merge))) {
                    merge.get();
                }
                assertThat(IndexFixture.segments(first)).hasSize(2);
                requireAll(one, ids);
                requireAll(two, ids);
                requireAll(third, ids);
                third.refresh();
                ids.addAll(addSegments(third, WIDTH - 2));
                third.merge();
                assertThat(IndexFixture.segments(first)).hasSize(1);
                assertThat(third.entries()).isEqualTo(ids.size());
                requireAll(third, ids);
                two.refresh();
                requireAll(two, ids);
            }
        }
    }

    private static void await(CyclicBarrier step) {
        try {
            step.await(1, TimeUnit.MINUTES);
        } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aMergeThatComesTooLateIsWithdrawn() {
        BucketLikeStore store = store();
        try (ItemIndex one = fixture.open(store)) {
            List<ItemId> ids = addSegments(one, WIDTH);
            try (ItemIndex two = fixture.open(store)) {
                store.beforeSegment(two::merge);
                one.merge();
                assertThat(IndexFixture.segments(store)).hasSize(1);
                requireAll(one, ids);
                requireAll(two, ids);
            }
        }
    }

    @Test
    void aMergeFindsASegmentGoneThatItIsReading() {
        BucketLikeStore store = store();
        try (ItemIndex one = fixture.open(store);
                ItemIndex two = fixture.open(store)) {
            List<ItemId> ids = addSegments(one, WIDTH);
            two.refresh();
            one.merge();
            two.merge();
            assertThat(IndexFixture.segments(store)).hasSize(1);
            requireAll(two, ids);
        }
    }

    @Test
    void aReaderOfTheOldListFindsEverything() {
        BucketLikeStore store = store();
        try (ItemIndex one = fixture.open(store)) {
            List<ItemId> ids = addSegments(one, WIDTH);
            try (ItemIndex reader = fixture.open(store);
                    ItemIndex visitor = fixture.open(store)) {
                one.merge();
                ItemIndex.Lookup lookup = reader.lookup();
                assertThat(ids).allMatch(id -> lookup.findIndexed(id) != null);
                assertThat(IndexFixture.visited(visitor)).containsOnlyKeys(ids);
            }
        }
    }

    @Test
    void aSegmentThatVanishesWhileAllAreVisitedIsReplaced() {
        BucketLikeStore store = store();
        try (ItemIndex one = fixture.open(store)) {
            List<ItemId> ids = new ArrayList<>();
            for (int i = 0; i < WIDTH; i++) {
                // More than is read at once.
                ids.addAll(fixture.addPack(one, 30_000));
                one.flush();
            }
            try (ItemIndex reader = fixture.open(store)) {
                List<ItemId> visited = new ArrayList<>();
                reader.forEach((id, _) -> {
                    if (visited.size() == 1000) {
                        one.merge();
                    }
                    visited.add(id);
                });
                assertThat(IndexFixture.segments(store)).hasSize(1);
                ids.sort(null);
                assertThat(visited.equals(ids)).isTrue();
            }
        }
    }

    @Test
    void aCrashBeforeTheOldSegmentsAreDeletedLosesNothingAndDoublesNothing() {
        BucketLikeStore store = store();
        List<ItemId> ids;
        try (ItemIndex index = fixture.open(store)) {
            ids = addSegments(index, WIDTH);
            store.beforeDeletion(IndexMergeTest::crash);
            assertThatThrownBy(index::merge).isInstanceOf(VaultException.class);
            assertThat(IndexFixture.segments(store)).hasSize(WIDTH + 1);
        }
        try (ItemIndex index = fixture.open(store)) {
            requireAll(index, ids);
            index.merge();
            assertThat(IndexFixture.segments(store)).hasSize(1);
            requireAll(index, ids);
            assertThat(index.entries()).isEqualTo(ids.size());
        }
    }

    @Test
    void aCrashBeforeTheMergedSegmentAppearsChangesNothing() {
        BucketLikeStore store = store();
        try (ItemIndex index = fixture.open(store)) {
            List<ItemId> ids = addSegments(index, WIDTH);
            store.beforeSegment(IndexMergeTest::crash);
            assertThatThrownBy(index::merge).isInstanceOf(VaultException.class);
            assertThat(IndexFixture.segments(store)).hasSize(WIDTH);
            requireAll(index, ids);
        }
    }

    private static void crash() {
        throw new VaultException(Kind.STORE, "vault.store-failed", null, "", "", "", "");
    }

    @Test
    void aPackThatPruneDroppedFromTheIndexDoesNotComeBackByALateMerge() {
        BucketLikeStore store = store();
        try (ItemIndex prune = fixture.open(store)) {
            ObjectId pack = fixture.pack();
            List<ItemId> gone = List.of(fixture.id(), fixture.id());
            prune.durable(pack, IndexFixture.groups(gone));
            prune.flush();
            List<ItemId> ids = addSegments(prune, WIDTH - 1);
            try (ItemIndex merging = fixture.open(store)) {
                // Between what the merge has read and what it writes, prune carries out a verdict
                // and
                // forgets it.
                store.beforeSegment(() -> {
                    fixture.verdicts().add(pack);
                    prune.refresh();
                    assertThat(prune.dropGone(Set.of())).isEmpty();
                    fixture.verdicts().clear();
                });
                merging.merge();
                requireAll(merging, ids);
            }
            try (ItemIndex later = fixture.open(store)) {
                assertThat(later.packs()).doesNotContain(pack);
                requireAll(later, ids);
            }
        }
    }

    @Test
    void anIndexMadeAgainFromPacksIsTheSame() {
        Map<ItemId, Set<Place>> before;
        try (TestVault vaults = TestVault.make(folder)) {
            VaultSettings small =
                    new VaultSettings(2 * CHUNK, true, 7 * CHUNK, 2 * CHUNK, Duration.ofHours(24));
            vaults.use(small);
            byte[] content = TestVault.random(40 * CHUNK, 1);
            RecoveryPoint old = vaults.full(content.clone());
            for (int chunk = 0; chunk < 40; chunk += 3) {
                System.arraycopy(TestVault.random(CHUNK, chunk), 0, content, chunk * CHUNK, CHUNK);
            }
            vaults.full(content);
            vaults.vault().forget(old, Duration.ZERO);
            // Copies what is needed of sparse packs, which stay until the next time.
            PruneRules rules =
                    new PruneRules(Duration.ZERO, Duration.ZERO, 90, Long.MAX_VALUE, false);
            assertThat(vaults.vault().prune(rules, new Cancellation()).copiedBytes()).isPositive();
            vaults.reopen();
            before = IndexFixture.visited(vaults.vault().parts().contents().index());
            assertThat(before.values()).anyMatch(places -> places.size() > 1);
            LocalStore store = vaults.store();
            IndexFixture.segments(store).forEach(store::delete);
            vaults.reopen();
            ItemIndex index = vaults.vault().parts().contents().index();
            assertThat(IndexFixture.visited(index)).isEmpty();
            index.adoptUnlisted();
            // What is not written yet is told as well.
            ItemIndex.Lookup lookup = index.lookup();
            before.forEach((id, places) -> assertThat(lookup.places(id)).isEqualTo(places));
            index.flush();
            assertThat(IndexFixture.visited(index)).isEqualTo(before);
            before.forEach((id, places) -> assertThat(lookup.places(id)).isEqualTo(places));
        }
    }

    @Test
    void segmentsThatWereReplacedAreClosed() {
        BucketLikeStore store = store();
        try (ItemIndex index = fixture.open(store)) {
            List<ItemId> ids = addSegments(index, WIDTH);
            for (int i = 0; i < 5; i++) {
                index.merge();
                ids.addAll(addSegments(index, WIDTH));
            }
            index.merge();
            requireAll(index, ids);
            assertThat(store.open()).isEqualTo(IndexFixture.segments(store).size());
        }
        assertThat(store.open()).isZero();
    }
}
