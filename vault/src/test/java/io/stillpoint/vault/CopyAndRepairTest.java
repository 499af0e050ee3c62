package io.stillpoint.vault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.vault.copy.VaultCopy;
import io.stillpoint.vault.copy.VaultRepair;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.PointOrigin;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.prune.PruneRules;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.session.StoredDisk;
import io.stillpoint.vault.session.VaultSettings;
import io.stillpoint.vault.store.ForwardingStore;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.verify.SealedVault;
import io.stillpoint.vault.verify.Verification;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Copies between vaults, and mending one from the other or from the source.
final class CopyAndRepairTest {
    private static final int CHUNK = TestVault.CHUNK;
    private static final VaultSettings SMALL =
            new VaultSettings(2 * CHUNK, true, 7 * CHUNK, 2 * CHUNK, Duration.ofHours(24));
    private static final PruneRules AT_ONCE =
            new PruneRules(Duration.ZERO, Duration.ZERO, 70, Long.MAX_VALUE, false);

    @TempDir Path folder;
    private TestVault original;
    private TestVault other;
    private byte[] first;
    private byte[] second;

    @BeforeEach
    void make() throws IOException {
        original = TestVault.make(Files.createDirectory(folder.resolve("original")));
        other = TestVault.make(Files.createDirectory(folder.resolve("other")));
        original.use(SMALL);
        other.use(SMALL);
        first = TestVault.random(150 * CHUNK + 1234, 1);
        second = first.clone();
        for (int chunk : new int[] {3, 4, 70, 150}) {
            second[chunk * CHUNK + 100]++;
        }
    }

    @AfterEach
    void close() {
        original.close();
        other.close();
    }

    private VaultCopy copy() {
        return original.vault()
                .copyTo(other.vault(), Optional.empty(), new Cancellation(), (_, _) -> {});
    }

    private List<RecoveryPoint> copyAll() {
        List<RecoveryPoint> copies = new ArrayList<>();
        for (RecoveryPoint point : copy().missing()) {
            copies.add(copy().copy(point));
        }
        return copies;
    }

    @Test
    void aCopyHoldsTheSameUnderAnotherKey() {
        RecoveryPoint point = original.full(first);
        RecoveryPoint copy = copyAll().getFirst();
        assertThat(copy.copiedFrom())
                .contains(new PointOrigin(original.vault().id(), point.id(), Set.of()));
        assertThat(copy.disks().getFirst().image().root())
                .isNotEqualTo(point.disks().getFirst().image().root());
        assertThat(other.restored(copy)).isEqualTo(first);
        assertThat(other.verify().problems()).isEmpty();
    }

    @Test
    void onlyDifferencesAreCopiedAgain() {
        original.full(first);
        copyAll();
        original.full(second);
        List<RecoveryPoint> copies = copyAll();
        assertThat(copies).hasSize(1);
        PointDisk disk = copies.getFirst().disks().getFirst();
        assertThat(disk.method()).isEqualTo(PointDisk.Method.INCREMENTAL);
        assertThat(disk.readBytes()).isEqualTo(3L * CHUNK + 1234);
        assertThat(other.restored(copies.getFirst())).isEqualTo(second);
        assertThat(copy().missing()).isEmpty();
    }

    @Test
    void whatTheCopysRetentionRemovedDoesNotComeBack() {
        original.full(first);
        original.full(second);
        List<RecoveryPoint> copies = copyAll();
        assertThat(copies).hasSize(2);
        other.vault().forget(copies.getFirst(), Duration.ZERO);
        other.vault().prune(AT_ONCE, new Cancellation());
        other.vault().prune(AT_ONCE, new Cancellation());
        assertThat(copy().missing()).isEmpty();
        assertThat(other.restored(copies.getLast())).isEqualTo(second);
    }

    @Test
    void anInterruptedCopyIsTakenUpAgain() {
        RecoveryPoint point = original.full(first);
        Cancellation stop = new Cancellation();
        VaultCopy interrupted =
                original.vault()
                        .copyTo(
                                other.vault(),
                                Optional.empty(),
                                stop,
                                (_, reached) -> {
                                    if (reached >= 64L * CHUNK) {
                                        stop.request();
                                    }
                                });
        assertThatThrownBy(() -> interrupted.copy(point)).isInstanceOf(CancelledException.class);
        assertThat(other.vault().points()).isEmpty();
        RecoveryPoint copy = copyAll().getFirst();
        assertThat(copy.disks().getFirst().newBytes()).isLessThan(first.length);
        assertThat(other.restored(copy)).isEqualTo(first);
    }

    /// Runs something once, at the last moment before an object of an area is made.
    private static final class Intruded extends ForwardingStore {
        private final ObjectName.Area area;
        private final Runnable intruder;
        private boolean hasRun;

        Intruded(ObjectStore store, ObjectName.Area area, Runnable intruder) {
            super(store);
            this.area = area;
            this.intruder = intruder;
        }

        @Override
        public Upload create(ObjectName name) {
            if (name.area() == area && !hasRun) {
                hasRun = true;
                intruder.run();
            }
            return super.create(name);
        }
    }

    /// Another process copies the same while this one does, and is done when this one has stored its data, or is about to
    /// make its point.
    @ParameterizedTest
    @EnumSource(names = {"PACKS", "POINTS"})
    void twoProcessesThatCopyAtOnceLeaveOneCopyOfEach(ObjectName.Area area) {
        original.full(first);
        original.full(second);
        Intruded store = new Intruded(other.store(), area, this::copyAll);
        try (Vault late = other.open(store)) {
            VaultCopy copy =
                    original.vault()
                            .copyTo(late, Optional.empty(), new Cancellation(), (_, _) -> {});
            List<RecoveryPoint> copies = new ArrayList<>();
            for (RecoveryPoint point : copy.missing()) {
                copies.add(copy.copy(point));
            }
            assertThat(late.points()).containsExactlyInAnyOrderElementsOf(copies).hasSize(2);
        }
        other.reopen();
        List<RecoveryPoint> left = other.vault().points();
        assertThat(left).hasSize(2);
        assertThat(other.restored(left.getFirst())).isEqualTo(first);
        assertThat(other.restored(left.getLast())).isEqualTo(second);
        assertThat(copy().missing()).isEmpty();
        other.vault().prune(AT_ONCE, new Cancellation());
        other.vault().prune(AT_ONCE, new Cancellation());
        assertThat(other.restored(left.getLast())).isEqualTo(second);
        assertThat(other.verify().problems()).isEmpty();
    }

    @Test
    void processesThatCopyAtOnceLeaveOneCopyOfEach() throws Exception {
        for (int i = 0; i < 3; i++) {
            original.full(i % 2 == 0 ? first : second);
        }
        List<RecoveryPoint> missing = copy().missing();
        ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
        List<Thread> processes = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            processes.add(
                    Thread.ofPlatform()
                            .start(() -> {
                                try (Vault to = other.open(other.store())) {
                                    VaultCopy copy =
                                            original.vault()
                                                    .copyTo(
                                                            to,
                                                            Optional.empty(),
                                                            new Cancellation(),
                                                            (_, _) -> {});
                                    missing.forEach(copy::copy);
                                } catch (Throwable e) {
                                    failures.add(e);
                                }
                            }));
        }
        for (Thread process : processes) {
            process.join();
        }
        assertThat(failures).isEmpty();
        other.reopen();
        assertThat(other.vault().points()).hasSize(3);
        assertThat(copy().missing()).isEmpty();
        assertThat(other.verify().problems()).isEmpty();
    }

    @Test
    void aVaultIsNotCopiedToItself() {
        assertThatThrownBy(() ->
                        original.vault()
                                .copyTo(
                                        original.vault(),
                                        Optional.empty(),
                                        new Cancellation(),
                                        (_, _) -> {}))
                .isInstanceOf(VaultException.class);
    }

    private List<Path> packs() throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve("original/vault/packs"))) {
            return files.sorted().toList();
        }
    }

    /// Flips a bit in the middle of every other pack, and deletes one.
    private void damage() throws IOException {
        List<Path> packs = packs();
        for (int i = 0; i < packs.size(); i += 2) {
            byte[] bytes = Files.readAllBytes(packs.get(i));
            bytes[bytes.length / 2] ^= 4;
            Files.write(packs.get(i), bytes);
        }
        Files.delete(packs.get(1));
        original.reopen();
    }

    @Test
    void whatIsSharedWithMendedPointsMendsOthersToo() throws IOException {
        RecoveryPoint copied = original.full(first);
        copyAll();
        RecoveryPoint same = original.full(first);
        damage();
        Verification found = original.verify();
        assertThat(found.damagedPoints()).containsExactlyInAnyOrder(copied.id(), same.id());
        VaultRepair.Outcome outcome =
                original.vault()
                        .repairFrom(other.vault(), new Cancellation(), (_, _) -> {})
                        .run(found);
        assertThat(outcome.problems()).isEmpty();
        assertThat(outcome.mended()).containsExactlyInAnyOrder(copied.id(), same.id());
        assertThat(original.restored(same)).isEqualTo(first);
    }

    @Test
    void whatNoCopyHasIsToldAsNotMended() throws IOException {
        RecoveryPoint point = original.full(first);
        damage();
        VaultRepair.Outcome outcome =
                original.vault()
                        .repairFrom(other.vault(), new Cancellation(), (_, _) -> {})
                        .run(original.verify());
        assertThat(outcome.mended()).isEmpty();
        assertThat(outcome.problems())
                .singleElement()
                .asString()
                .contains(point.id().toString(), "could not be mended");
    }

    @Test
    void theSourcesCurrentBlocksMendOlderPointsAtTheNextBackup() throws IOException {
        RecoveryPoint point = original.full(first);
        damage();
        Verification found = original.verify();
        assertThat(found.damagedPoints()).containsExactly(point.id());
        original.vault().quarantine(found);
        try (BackupSession session =
                original.vault().backup(Optional.of(point), new Cancellation(), (_, _) -> {})) {
            assertThat(session.baseIsDamaged()).isTrue();
            assertThat(session.base()).isEmpty();
            StoredDisk stored =
                    session.store(
                                    List.of(
                                            new DiskInput(
                                                    "disk",
                                                    new MemoryDisk(first),
                                                    new Scan.Everything(Optional.empty()))))
                            .getFirst();
            assertThat(stored.newBytes()).isPositive();
            original.commit(session, stored);
        }
        assertThat(original.restored(point)).isEqualTo(first);
        requireSoundAfterPruning(point, first);
    }

    @Test
    void aCopyMendsDamagedPoints() throws IOException {
        RecoveryPoint older = original.full(first);
        RecoveryPoint newer = original.full(second);
        copyAll();
        damage();
        Verification found = original.verify();
        assertThat(found.damagedPoints()).isNotEmpty();
        VaultRepair.Outcome outcome =
                original.vault()
                        .repairFrom(other.vault(), new Cancellation(), (_, _) -> {})
                        .run(found);
        assertThat(outcome.problems()).isEmpty();
        assertThat(original.verify().damagedPoints()).isEmpty();
        assertThat(original.restored(older)).isEqualTo(first);
        requireSoundAfterPruning(newer, second);
    }

    private void requireSoundAfterPruning(RecoveryPoint point, byte[] content) {
        for (int i = 0; i < 4; i++) {
            original.vault().prune(AT_ONCE, new Cancellation());
        }
        assertThat(original.verify().problems()).isEmpty();
        assertThat(original.restored(point)).isEqualTo(content);
        List<ObjectName> quarantine = new ArrayList<>();
        original.vault()
                .parts()
                .contents()
                .store()
                .list(Area.QUARANTINE, listed -> quarantine.add(listed.name()));
        assertThat(quarantine).isEmpty();
    }

    @Test
    void damageIsFoundWithoutTheKey() throws IOException {
        original.full(first);
        try (SealedVault sealed =
                SealedVault.open(original.store(), ProcessResources.ofThisProcess())) {
            assertThat(sealed.verify(new Cancellation(), _ -> {}).problems()).isEmpty();
            damage();
            assertThat(sealed.verify(new Cancellation(), _ -> {}).problems())
                    .hasSize(packs().size() / 2 + 1);
        }
    }

    @Test
    void aSampleReadsNoMoreThanAskedForAndFindsMissingPacks() throws IOException {
        original.full(first);
        long budget = 3L * CHUNK;
        Verification sample = original.vault().verify(budget, new Cancellation(), _ -> {});
        assertThat(sample.problems()).isEmpty();
        assertThat(sample.packs()).isPositive().isLessThan(packs().size());
        // Also the pack of nodes, which this process has open and has read from.
        for (Path pack : packs()) {
            byte[] bytes = Files.readAllBytes(pack);
            Files.delete(pack);
            assertThat(original.vault().verify(0, new Cancellation(), _ -> {}).damagedPoints())
                    .as(pack.toString())
                    .hasSize(1);
            Files.write(pack, bytes);
        }
    }
}
