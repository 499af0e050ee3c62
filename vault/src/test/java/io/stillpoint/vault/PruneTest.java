package io.stillpoint.vault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.vault.point.ForgottenPoint;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.prune.PruneResult;
import io.stillpoint.vault.prune.PruneRules;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.session.StoredDisk;
import io.stillpoint.vault.session.VaultSettings;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Pruning, alone and beside everything else: the cells of the table in `docs/locking.md`.
final class PruneTest {
    private static final int CHUNK = TestVault.CHUNK;

    /// Small packs, so that a few chunks fill several.
    private static final VaultSettings SMALL =
            new VaultSettings(2 * CHUNK, true, 7 * CHUNK, 2 * CHUNK, Duration.ofHours(24));

    private static final PruneRules AT_ONCE =
            new PruneRules(Duration.ZERO, Duration.ZERO, 70, Long.MAX_VALUE, false);

    private static final PruneRules DRY =
            new PruneRules(Duration.ZERO, Duration.ZERO, 70, Long.MAX_VALUE, true);

    @TempDir Path folder;
    private TestVault vaults;

    @BeforeEach
    void make() {
        vaults = TestVault.make(folder);
        vaults.use(SMALL);
    }

    @AfterEach
    void close() {
        vaults.close();
    }

    private PruneResult prune(PruneRules rules) {
        return vaults.vault().prune(rules, new Cancellation());
    }

    private void forget(RecoveryPoint point) {
        vaults.vault().forget(point, Duration.ZERO);
    }

    private List<ObjectName> objects(Area area) {
        List<ObjectName> names = new ArrayList<>();
        vaults.vault().parts().contents().store().list(area, listed -> names.add(listed.name()));
        return names;
    }

    private long bytes() {
        try (Stream<Path> files = Files.walk(folder.resolve("vault/packs"))) {
            return files.filter(Files::isRegularFile).mapToLong(PruneTest::size).sum();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long size(Path file) {
        try {
            return Files.size(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// A disk of random chunks, of which some are replaced by others.
    private static byte[] disk(int chunks, long seed, int... changed) {
        byte[] disk = TestVault.random(chunks * CHUNK, seed);
        for (int chunk : changed) {
            byte[] other = TestVault.random(CHUNK, 1000 * seed + chunk);
            System.arraycopy(other, 0, disk, chunk * CHUNK, CHUNK);
        }
        return disk;
    }

    private void requireSound(RecoveryPoint point, byte[] content) {
        assertThat(vaults.verify().problems()).isEmpty();
        assertThat(vaults.restored(point)).isEqualTo(content);
        vaults.reopen();
        assertThat(vaults.restored(point)).isEqualTo(content);
    }

    @Test
    void whatOnlyAForgottenPointNeedsGoesInTwoSteps() {
        RecoveryPoint old = vaults.full(disk(40, 1));
        byte[] content = disk(40, 2);
        RecoveryPoint kept = vaults.full(content);
        long before = bytes();
        forget(old);
        assertThat(vaults.vault().points()).containsExactly(kept);
        PruneResult first = prune(AT_ONCE);
        assertThat(first.purgedPoints()).isEqualTo(1);
        assertThat(first.condemnedBytes()).isPositive();
        assertThat(bytes()).as("the first step deletes nothing").isGreaterThanOrEqualTo(before);
        PruneResult second = prune(AT_ONCE);
        assertThat(second.deletedBytes()).isEqualTo(first.condemnedBytes());
        assertThat(bytes()).isLessThan(before * 55 / 100);
        requireSound(kept, content);
    }

    @Test
    void whatIsNeededOfSparsePacksIsCopiedFirst() {
        RecoveryPoint old = vaults.full(disk(40, 1));
        byte[] content = disk(40, 1, 0, 1, 3, 4, 5, 7, 9, 11, 12, 13, 14, 16, 18, 20, 21, 22, 23);
        RecoveryPoint kept = vaults.full(content);
        forget(old);
        PruneResult first = prune(AT_ONCE);
        assertThat(first.rewrittenPacks()).isPositive();
        assertThat(first.copiedBytes()).isPositive();
        requireSound(kept, content);
        prune(AT_ONCE);
        prune(AT_ONCE);
        requireSound(kept, content);
        assertThat(bytes()).isLessThan(45L * CHUNK);
        PruneResult last = prune(AT_ONCE);
        assertThat(last.condemnedPacks()).isZero();
        assertThat(last.deletedPacks()).isZero();
    }

    @Test
    void aDryRunTellsWhatARunDoesAndDoesNothing() {
        RecoveryPoint old = vaults.full(disk(40, 1));
        vaults.full(disk(40, 1, 0, 1, 3, 4, 5, 7, 9, 30, 31, 32, 33, 34));
        forget(old);
        for (int run = 0; run < 3; run++) {
            long before = bytes();
            int condemned = objects(Area.CONDEMNED).size();
            PruneResult told = prune(DRY);
            assertThat(bytes()).isEqualTo(before);
            assertThat(objects(Area.CONDEMNED)).hasSize(condemned);
            assertThat(prune(AT_ONCE)).isEqualTo(told);
        }
    }

    @Test
    void aForgottenPointIsARootUntilItsDateAndCanBeBroughtBackBefore() {
        byte[] content = disk(10, 1);
        RecoveryPoint point = vaults.full(content);
        ForgottenPoint forgotten = vaults.vault().forget(point, Duration.ofDays(14));
        assertThat(vaults.vault().points()).isEmpty();
        assertThat(vaults.vault().forgotten()).containsExactly(forgotten);
        assertThat(prune(AT_ONCE).condemnedPacks()).isZero();
        prune(AT_ONCE);
        vaults.vault().bringBack(forgotten);
        assertThat(vaults.vault().points()).containsExactly(point);
        requireSound(point, content);
    }

    @Test
    void undeleteBeforeThePurge() {
        RecoveryPoint point = vaults.full(disk(10, 1));
        ForgottenPoint forgotten = vaults.vault().forget(point, Duration.ZERO);
        assertThatThrownBy(() -> vaults.vault().bringBack(forgotten))
                .isInstanceOfSatisfying(
                        VaultException.class, e -> assertThat(e.kind()).isEqualTo(Kind.NOT_FOUND));
        assertThat(vaults.vault().points()).isEmpty();
    }

    @Test
    void forgottenTwice() {
        RecoveryPoint point = vaults.full(disk(10, 1));
        forget(point);
        assertThatThrownBy(() -> forget(point))
                .isInstanceOfSatisfying(
                        VaultException.class, e -> assertThat(e.kind()).isEqualTo(Kind.EXISTS));
    }

    @Test
    void pruneDuringBackup() {
        byte[] content = disk(20, 1);
        RecoveryPoint old = vaults.full(content);
        Scan scan = new Scan.Everything(Optional.empty());
        RecoveryPoint made;
        try (BackupSession session =
                vaults.vault().backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            // Its chunks are all there, in packs that nothing else needs soon.
            StoredDisk stored =
                    session.store(List.of(new DiskInput("disk", new MemoryDisk(content), scan)))
                            .getFirst();
            assertThat(stored.newBytes()).isZero();
            forget(old);
            assertThat(prune(AT_ONCE).condemnedPacks()).isPositive();
            assertThat(prune(AT_ONCE).waitingPacks()).isPositive();
            made = vaults.commit(session, stored);
        }
        PruneResult after = prune(AT_ONCE);
        assertThat(after.keptPacks()).isPositive();
        assertThat(after.deletedPacks()).isZero();
        requireSound(made, content);
    }

    @Test
    void aBackupThatBeginsAfterACondemnationStoresAnew() {
        byte[] content = disk(20, 1);
        RecoveryPoint old = vaults.full(content);
        forget(old);
        assertThat(prune(AT_ONCE).condemnedPacks()).isPositive();
        Scan scan = new Scan.Everything(Optional.empty());
        RecoveryPoint made;
        try (BackupSession session =
                vaults.vault().backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            StoredDisk stored =
                    session.store(List.of(new DiskInput("disk", new MemoryDisk(content), scan)))
                            .getFirst();
            assertThat(stored.newBytes()).isEqualTo(content.length);
            assertThat(prune(AT_ONCE).deletedPacks()).isPositive();
            made = vaults.commit(session, stored);
        }
        requireSound(made, content);
    }

    @Test
    void forgottenBase() {
        RecoveryPoint base = vaults.full(disk(20, 1));
        forget(base);
        try (BackupSession session =
                vaults.vault().backup(Optional.of(base), new Cancellation(), (_, _) -> {})) {
            assertThat(session.base()).isEmpty();
        }
    }

    @Test
    void aBaseThatIsForgottenDuringTheBackupIsNotPurged() {
        byte[] content = disk(20, 1);
        RecoveryPoint base = vaults.full(content);
        RecoveryPoint made;
        try (BackupSession session =
                vaults.vault().backup(Optional.of(base), new Cancellation(), (_, _) -> {})) {
            assertThat(session.base()).contains(base);
            forget(base);
            assertThat(prune(AT_ONCE).purgedPoints()).isZero();
            prune(AT_ONCE);
            Scan scan =
                    new Scan.Changed(
                            base.disks().getFirst().image(), () -> List.<Extent>of().iterator());
            StoredDisk stored =
                    session.store(List.of(new DiskInput("disk", new MemoryDisk(content), scan)))
                            .getFirst();
            made = vaults.commit(session, stored);
        }
        assertThat(prune(AT_ONCE).purgedPoints()).isEqualTo(1);
        prune(AT_ONCE);
        requireSound(made, content);
    }

    @Test
    void silentSessionIsRevoked() {
        VaultSettings silent =
                new VaultSettings(2 * CHUNK, true, 7 * CHUNK, 2 * CHUNK, Duration.ofSeconds(-10));
        byte[] content = disk(20, 1);
        Scan scan = new Scan.Everything(Optional.empty());
        try (BackupSession session =
                vaults.vault().backup(silent, Optional.empty(), new Cancellation(), (_, _) -> {})) {
            StoredDisk stored =
                    session.store(List.of(new DiskInput("disk", new MemoryDisk(content), scan)))
                            .getFirst();
            assertThat(prune(AT_ONCE).revokedSessions()).isEqualTo(1);
            assertThatThrownBy(() -> vaults.commit(session, stored))
                    .isInstanceOfSatisfying(
                            VaultException.class,
                            e -> assertThat(e.kind()).isEqualTo(Kind.OVERTAKEN));
        }
        assertThat(vaults.vault().points()).isEmpty();
        requireSound(vaults.full(content), content);
    }

    @Test
    void aLockedPointCannotBeForgotten() {
        RecoveryPoint point = vaults.locked(disk(10, 1), Duration.ofDays(1));
        assertThatThrownBy(() -> forget(point))
                .isInstanceOfSatisfying(
                        VaultException.class, e -> assertThat(e.kind()).isEqualTo(Kind.RETAINED));
        assertThat(vaults.vault().points()).containsExactly(point);
    }

    @Test
    void whatACrashedBackupLeftGoes() {
        byte[] content = disk(20, 1);
        RecoveryPoint point = vaults.full(content);
        long before = bytes();
        Scan scan = new Scan.Everything(Optional.empty());
        try (BackupSession session =
                vaults.vault().backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            session.store(List.of(new DiskInput("disk", new MemoryDisk(disk(40, 7)), scan)));
        }
        assertThat(bytes()).isGreaterThan(before);
        prune(AT_ONCE);
        prune(AT_ONCE);
        assertThat(bytes()).isEqualTo(before);
        requireSound(point, content);
    }

    @Test
    void nothingIsPrunedWhenAPointCannotBeRead() throws IOException {
        RecoveryPoint old = vaults.full(disk(20, 1));
        RecoveryPoint damaged = vaults.full(disk(20, 2));
        forget(old);
        Path file = folder.resolve("vault/points/" + damaged.id());
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length / 2] ^= 1;
        Files.write(file, bytes);
        assertThatThrownBy(() -> prune(AT_ONCE))
                .isInstanceOfSatisfying(
                        VaultException.class,
                        e -> assertThat(e.code()).isEqualTo("vault.prune-unsafe"));
        assertThat(objects(Area.CONDEMNED)).isEmpty();
    }

    @Test
    void restoreDuringPrune() {
        RecoveryPoint old = vaults.full(disk(40, 1));
        byte[] content = disk(40, 1, 0, 1, 3, 4, 5, 7, 9, 11, 12, 13, 14, 16, 18, 20, 21, 22, 23);
        RecoveryPoint kept = vaults.full(content);
        try (TestVault reader = TestVault.open(folder)) {
            // Reads the index now; what it says is out of date soon.
            assertThat(reader.restored(old)).isNotEqualTo(content);
            forget(old);
            for (int i = 0; i < 4; i++) {
                prune(AT_ONCE);
            }
            assertThat(reader.restored(kept)).isEqualTo(content);
        }
    }

    @Test
    void mergeDuringPrune() {
        List<RecoveryPoint> points = new ArrayList<>();
        byte[] content = disk(10, 1);
        for (int i = 0; i < 20; i++) {
            content = Arrays.copyOf(content, content.length);
            System.arraycopy(TestVault.random(CHUNK, 50 + i), 0, content, i % 10 * CHUNK, CHUNK);
            points.add(vaults.full(content));
            if (i % 3 == 2) {
                forget(points.get(i - 2));
                prune(AT_ONCE);
            }
        }
        for (RecoveryPoint point : points.subList(0, 19)) {
            if (vaults.vault().points().contains(point)) {
                forget(point);
            }
        }
        for (int i = 0; i < 4; i++) {
            prune(AT_ONCE);
        }
        requireSound(points.getLast(), content);
        assertThat(objects(Area.CONDEMNED)).isEmpty();
        assertThat(objects(Area.EXECUTED)).isEmpty();
        assertThat(objects(Area.SESSIONS)).isEmpty();
        assertThat(objects(Area.FORGOTTEN)).isEmpty();
    }

    private void loseIndex() throws IOException {
        try (Stream<Path> segments = Files.list(folder.resolve("vault/index"))) {
            for (Path segment : segments.toList()) {
                Files.delete(segment);
            }
        }
        vaults.reopen();
    }

    @Test
    void aYoungPackThatIsCondemnedIsKnownThoughTheIndexIsLost() throws IOException {
        byte[] content = disk(20, 1);
        RecoveryPoint old = vaults.full(content);
        Scan scan = new Scan.Everything(Optional.empty());
        RecoveryPoint made;
        try (BackupSession session =
                vaults.vault().backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            StoredDisk stored =
                    session.store(List.of(new DiskInput("disk", new MemoryDisk(content), scan)))
                            .getFirst();
            forget(old);
            assertThat(prune(AT_ONCE).condemnedPacks()).isPositive();
            made = vaults.commit(session, stored);
        }
        loseIndex();
        PruneRules leavingYoungOnes =
                new PruneRules(Duration.ZERO, Duration.ofDays(1), 70, Long.MAX_VALUE, false);
        assertThat(prune(leavingYoungOnes).deletedPacks()).isZero();
        requireSound(made, content);
    }

    @Test
    void aSegmentWrittenTooLateDoesNotBringDeletedPacksBack() throws IOException {
        byte[] content = disk(20, 1);
        RecoveryPoint old = vaults.full(content);
        byte[] segment;
        Path name;
        try (Stream<Path> segments = Files.list(folder.resolve("vault/index"))) {
            name = segments.findFirst().orElseThrow();
            segment = Files.readAllBytes(name);
        }
        forget(old);
        for (int i = 0; i < 4; i++) {
            prune(AT_ONCE);
        }
        assertThat(objects(Area.EXECUTED)).isEmpty();
        // As by a process that merged before the packs were condemned, and then slept.
        Files.write(name, segment);
        vaults.reopen();
        requireSound(vaults.full(content), content);
    }

    @Test
    void aPointMadeSinceTheIndexWasReadIsRestored() {
        byte[] first = disk(20, 1);
        RecoveryPoint before = vaults.full(first);
        byte[] content = disk(20, 2);
        try (TestVault reader = TestVault.open(folder)) {
            assertThat(reader.restored(before)).isEqualTo(first);
            RecoveryPoint made = vaults.full(content);
            assertThat(reader.restored(made)).isEqualTo(content);
            made = vaults.full(disk(20, 3));
            assertThat(reader.restored(made)).isEqualTo(disk(20, 3));
        }
    }

    @Test
    void verifyDuringPrune() {
        RecoveryPoint old = vaults.full(disk(40, 1));
        byte[] content = disk(40, 1, 0, 1, 3, 4, 5, 7, 9, 11, 12, 13, 14, 16, 18, 20, 21, 22, 23);
        vaults.full(content);
        try (TestVault reader = TestVault.open(folder)) {
            assertThat(reader.verify().problems()).isEmpty();
            forget(old);
            for (int i = 0; i < 3; i++) {
                prune(AT_ONCE);
                assertThat(reader.verify().problems()).isEmpty();
            }
        }
    }

    private StoredDisk store(BackupSession session, byte[] content) {
        Scan scan = new Scan.Everything(Optional.empty());
        return session.store(List.of(new DiskInput("disk", new MemoryDisk(content), scan)))
                .getFirst();
    }

    @Test
    void twoBackupsAtOnce() {
        byte[] content = disk(20, 1);
        RecoveryPoint first;
        RecoveryPoint second;
        try (TestVault other = TestVault.open(folder);
                BackupSession mine =
                        vaults.vault().backup(Optional.empty(), new Cancellation(), (_, _) -> {});
                BackupSession theirs =
                        other.vault().backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            StoredDisk storedHere = store(mine, content);
            StoredDisk storedThere = store(theirs, content);
            // What one has not made durable the other can't rely on.
            assertThat(storedThere.newBytes()).isEqualTo(content.length);
            first = vaults.commit(mine, storedHere);
            second = other.commit(theirs, storedThere);
        }
        assertThat(vaults.vault().points())
                .extracting(RecoveryPoint::id)
                .containsExactlyInAnyOrder(first.id(), second.id());
        requireSound(first, content);
        requireSound(second, content);
        // Most of the second copies go: packs of which enough is needed stay as they are.
        long before = bytes();
        prune(AT_ONCE);
        prune(AT_ONCE);
        assertThat(bytes()).isLessThan(before * 85 / 100);
        requireSound(second, content);
    }

    @Test
    void restoreDuringBackup() {
        byte[] before = disk(20, 1);
        RecoveryPoint point = vaults.full(before);
        byte[] content = disk(20, 2);
        try (TestVault reader = TestVault.open(folder);
                BackupSession session =
                        vaults.vault().backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            StoredDisk stored = store(session, content);
            assertThat(reader.vault().points()).containsExactly(point);
            assertThat(reader.restored(point)).isEqualTo(before);
            RecoveryPoint made = vaults.commit(session, stored);
            assertThat(reader.vault().points()).contains(made);
            assertThat(reader.restored(made)).isEqualTo(content);
        }
    }

    @Test
    void twoPrunesAtOnce() throws InterruptedException {
        RecoveryPoint old = vaults.full(disk(60, 1));
        byte[] content = disk(60, 1, 0, 1, 3, 4, 5, 7, 9, 11, 12, 13, 14, 16, 18, 20, 21, 22, 23);
        RecoveryPoint kept = vaults.full(content);
        forget(old);
        try (TestVault other = TestVault.open(folder)) {
            other.use(SMALL);
            for (int run = 0; run < 6; run++) {
                Thread beside =
                        Thread.ofPlatform()
                                .start(() -> other.vault().prune(AT_ONCE, new Cancellation()));
                prune(AT_ONCE);
                beside.join();
                assertThat(vaults.restored(kept)).isEqualTo(content);
            }
        }
        for (int i = 0; i < 4; i++) {
            prune(AT_ONCE);
        }
        requireSound(kept, content);
        assertThat(objects(Area.CONDEMNED)).isEmpty();
    }
}
