package io.stillpoint.vault;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.prune.PruneRules;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.session.StoredDisk;
import io.stillpoint.vault.session.VaultSettings;
import io.stillpoint.vault.verify.Verification;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Chunks stored as differences from the ones before.
final class DifferenceTest {
    private static final int CHUNK = TestVault.CHUNK;
    private static final int CHUNKS = 100;
    private static final VaultSettings SMALL =
            new VaultSettings(4 * CHUNK, true, 17 * CHUNK, 2 * CHUNK, Duration.ofHours(24));
    private static final PruneRules AT_ONCE =
            new PruneRules(Duration.ZERO, Duration.ZERO, 70, Long.MAX_VALUE, false);

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

    /// Random chunks, each with `generation` small changes.
    private static byte[] disk(int generation) {
        byte[] disk = TestVault.random(CHUNKS * CHUNK - 777, 1);
        for (int g = 1; g <= generation; g++) {
            for (int chunk = 0; chunk < CHUNKS; chunk++) {
                disk[chunk * CHUNK + (g * 8009 + chunk) % 50_000]++;
            }
        }
        return disk;
    }

    private RecoveryPoint after(RecoveryPoint base, byte[] content) {
        Scan scan = new Scan.Everything(Optional.of(base.disks().getFirst().image()));
        try (BackupSession session =
                vaults.vault().backup(Optional.of(base), new Cancellation(), (_, _) -> {})) {
            StoredDisk stored =
                    session.store(List.of(new DiskInput("disk", new MemoryDisk(content), scan)))
                            .getFirst();
            return vaults.commit(session, stored);
        }
    }

    private List<RecoveryPoint> generations(int count) {
        List<RecoveryPoint> points = new ArrayList<>();
        points.add(vaults.full(disk(0)));
        for (int g = 1; g < count; g++) {
            points.add(after(points.getLast(), disk(g)));
        }
        return points;
    }

    private void prune() {
        vaults.vault().prune(AT_ONCE, new Cancellation());
    }

    @Test
    void littleIsStoredOfChunksThatChangedLittleAndEachPointIsWhole() {
        List<RecoveryPoint> points = generations(6);
        for (RecoveryPoint later : points.subList(1, 6)) {
            assertThat(later.disks().getFirst().newBytes()).isEqualTo((long) CHUNKS * CHUNK);
            assertThat(later.storedBytes()).isLessThan((long) CHUNKS * CHUNK / 20);
        }
        assertThat(vaults.verify().problems()).isEmpty();
        vaults.reopen();
        for (int g = 0; g < 6; g++) {
            assertThat(vaults.restored(points.get(g))).isEqualTo(disk(g));
        }
    }

    @Test
    void aBaseStaysAsLongAsAPointNeedsADifferenceFromIt() {
        List<RecoveryPoint> points = generations(4);
        for (RecoveryPoint older : points.subList(0, 3)) {
            vaults.vault().forget(older, Duration.ZERO);
            prune();
            prune();
            assertThat(vaults.verify().problems()).isEmpty();
        }
        assertThat(vaults.restored(points.getLast())).isEqualTo(disk(3));
        vaults.vault().forget(points.getLast(), Duration.ZERO);
        for (int i = 0; i < 3; i++) {
            prune();
        }
        assertThat(vaults.vault().facts().packs()).isZero();
    }

    @Test
    void differencesSurviveThatTheirPacksAreRewritten() throws IOException {
        List<RecoveryPoint> points = generations(2);
        byte[] mixed = disk(1);
        // Half of the newest is other data.
        System.arraycopy(TestVault.random(50 * CHUNK, 9), 0, mixed, 0, 50 * CHUNK);
        RecoveryPoint last = after(points.getLast(), mixed);
        points.forEach(point -> vaults.vault().forget(point, Duration.ZERO));
        List<Path> before = packs();
        for (int i = 0; i < 4; i++) {
            prune();
        }
        assertThat(packs()).isNotEqualTo(before);
        assertThat(vaults.verify().problems()).isEmpty();
        vaults.reopen();
        assertThat(vaults.restored(last)).isEqualTo(mixed);
    }

    private List<Path> packs() throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve("vault/packs"))) {
            return files.sorted().toList();
        }
    }

    @Test
    void aChunkKnownOnlyAsADifferenceIsStoredAgainForAnotherSession() {
        List<RecoveryPoint> points = generations(2);
        points.forEach(point -> vaults.vault().forget(point, Duration.ZERO));
        // Its bases are condemned; the differences alone would be of no use.
        RecoveryPoint again = vaults.full(disk(1));
        for (int i = 0; i < 3; i++) {
            prune();
        }
        assertThat(vaults.verify().problems()).isEmpty();
        assertThat(vaults.restored(again)).isEqualTo(disk(1));
    }

    @Test
    void aLostBaseIsReportedForEveryPointThatNeedsItAndMendedByTheNextBackup() throws IOException {
        List<RecoveryPoint> points = generations(3);
        // The first packs hold the bases.
        for (Path pack : packs()) {
            byte[] bytes = Files.readAllBytes(pack);
            if (bytes.length > 10 * CHUNK) {
                bytes[bytes.length / 3] ^= 1;
                Files.write(pack, bytes);
            }
        }
        vaults.reopen();
        Verification found = vaults.verify();
        assertThat(found.damagedPoints())
                .containsExactlyInAnyOrderElementsOf(
                        points.stream().map(RecoveryPoint::id).toList());
        vaults.vault().quarantine(found);
        RecoveryPoint mending;
        try (BackupSession session =
                vaults.vault()
                        .backup(Optional.of(points.getLast()), new Cancellation(), (_, _) -> {})) {
            assertThat(session.baseIsDamaged()).isTrue();
            Scan scan = new Scan.Everything(Optional.empty());
            StoredDisk stored =
                    session.store(List.of(new DiskInput("disk", new MemoryDisk(disk(2)), scan)))
                            .getFirst();
            mending = vaults.commit(session, stored);
        }
        assertThat(vaults.restored(mending)).isEqualTo(disk(2));
        assertThat(vaults.restored(points.getLast())).isEqualTo(disk(2));
    }

    @Test
    void aChunkWithLittleInItAllOfItNewKeepsNoBaseAlive() {
        byte[] before = new byte[CHUNKS * CHUNK];
        byte[] after = new byte[CHUNKS * CHUNK];
        for (int chunk = 0; chunk < CHUNKS; chunk++) {
            System.arraycopy(TestVault.random(4096, chunk), 0, before, chunk * CHUNK, 4096);
            System.arraycopy(TestVault.random(4096, 1000 + chunk), 0, after, chunk * CHUNK, 4096);
        }
        RecoveryPoint old = vaults.full(before);
        RecoveryPoint now = after(old, after);
        long both = vaults.vault().facts().packBytes();

        vaults.vault().forget(old, Duration.ZERO);
        prune();
        prune();

        assertThat(vaults.restored(now)).isEqualTo(after);
        assertThat(vaults.vault().facts().packBytes()).isLessThan(both * 6 / 10);
    }

    @Test
    void aBaseThatLooksLikeADictionaryIsNone() {
        byte[] first = disk(0);
        for (int chunk = 0; chunk < CHUNKS; chunk++) {
            byte[] magic = {0x37, (byte) 0xA4, 0x30, (byte) 0xEC};
            System.arraycopy(magic, 0, first, chunk * CHUNK, magic.length);
        }
        byte[] second = first.clone();
        for (int chunk = 0; chunk < CHUNKS; chunk++) {
            second[chunk * CHUNK + 5000]++;
        }
        RecoveryPoint base = vaults.full(first);
        RecoveryPoint point = after(base, second);
        assertThat(point.storedBytes()).isGreaterThan((long) (CHUNKS - 1) * CHUNK);
        assertThat(vaults.restored(point)).isEqualTo(second);
    }
}
