package io.stillpoint.vault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.store.VaultException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The vault as its users see it, on a real folder.
final class VaultTest {
    private static final int CHUNK = TestVault.CHUNK;

    @TempDir Path folder;
    private TestVault vaults;

    @BeforeEach
    void makeVault() {
        vaults = TestVault.make(folder);
    }

    @AfterEach
    void closeVault() {
        vaults.close();
    }

    @Test
    void restoresEveryByteOfAFullBackup() {
        byte[] content = TestVault.random(30 * CHUNK + 1234, 1);
        Arrays.fill(content, 5 * CHUNK, 9 * CHUNK, (byte) 0);
        RecoveryPoint point = vaults.full(content);
        vaults.reopen();
        assertThat(vaults.restored(vaults.vault().point(point.id().toString()))).isEqualTo(content);
        assertThat(vaults.verify().problems()).isEmpty();
    }

    @Test
    void restoresDisksOfManyLevels() {
        byte[] content = new byte[70 * 64 * CHUNK];
        for (int leaf = 0; leaf < 70; leaf += 3) {
            System.arraycopy(TestVault.random(CHUNK, leaf), 0, content, leaf * 64 * CHUNK, CHUNK);
        }
        RecoveryPoint point = vaults.full(content);
        assertThat(point.disks().getFirst().newBytes()).isEqualTo(24L * CHUNK);
        assertThat(vaults.restored(point)).isEqualTo(content);
    }

    @Test
    void storesEqualChunksOnce() {
        byte[] content = new byte[40 * CHUNK];
        for (int i = 0; i < 40; i++) {
            System.arraycopy(TestVault.random(CHUNK, i % 4), 0, content, i * CHUNK, CHUNK);
        }
        RecoveryPoint point = vaults.full(content);
        assertThat(point.disks().getFirst().newBytes()).isEqualTo(4L * CHUNK);
        assertThat(vaults.restored(point)).isEqualTo(content);
    }

    @Test
    void storesNothingForADiskOfZeros() {
        RecoveryPoint point = vaults.full(new byte[100 * CHUNK]);
        assertThat(point.disks().getFirst().image().root()).isNull();
        assertThat(vaults.vault().facts().packs()).isZero();
        assertThat(vaults.restored(point)).containsOnly(0);
    }

    @Test
    void comparisonFindsWhatChangedAndWhatBecameZero() {
        byte[] content = TestVault.random(200 * CHUNK, 1);
        RecoveryPoint first = vaults.full(content);
        byte[] changed = content.clone();
        changed[17 * CHUNK + 5]++;
        Arrays.fill(changed, 90 * CHUNK, 91 * CHUNK, (byte) 0);
        RecoveryPoint second =
                vaults.backup(
                        changed,
                        new Scan.Everything(Optional.of(first.disks().getFirst().image())));
        assertThat(second.disks().getFirst().newBytes()).isEqualTo(CHUNK);
        assertThat(second.changedBytes()).isEqualTo(2L * CHUNK);
        assertThat(vaults.restored(second)).isEqualTo(changed);
        assertThat(vaults.restored(first)).isEqualTo(content);
    }

    @Test
    void readsOnlyChangedRanges() {
        byte[] content = TestVault.random(200 * CHUNK, 1);
        RecoveryPoint first = vaults.full(content);
        byte[] changed = content.clone();
        changed[17 * CHUNK + 5]++;
        changed[150 * CHUNK]++;
        RecoveryPoint second =
                vaults.backup(
                        changed,
                        new Scan.Changed(
                                first.disks().getFirst().image(),
                                () ->
                                        List.of(
                                                        new Extent(17 * CHUNK, CHUNK),
                                                        new Extent(150 * CHUNK, 2 * CHUNK))
                                                .iterator()));
        assertThat(second.disks().getFirst().readBytes()).isEqualTo(3L * CHUNK);
        assertThat(second.changedBytes()).isEqualTo(2L * CHUNK);
        assertThat(vaults.restored(second)).isEqualTo(changed);
        assertThat(vaults.verify().isSound()).isTrue();
    }

    @Test
    void aLyingBitmapIsFound() {
        byte[] content = TestVault.random(8 * CHUNK, 1);
        RecoveryPoint first = vaults.full(content);
        byte[] changed = TestVault.random(8 * CHUNK, 2);
        Scan.Changed nothing =
                new Scan.Changed(
                        first.disks().getFirst().image(), () -> List.<Extent>of().iterator());
        try (BackupSession session =
                vaults.vault().backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            assertThat(
                            session.unchangedRangesHold(
                                    new DiskInput("disk", new MemoryDisk(content), nothing)))
                    .isTrue();
            assertThat(
                            session.unchangedRangesHold(
                                    new DiskInput("disk", new MemoryDisk(changed), nothing)))
                    .isFalse();
        }
    }

    @Test
    void anExchangedDiskIsFoundEveryTimeHoweverLittleDataIsOnIt() {
        byte[] content = new byte[512 * CHUNK];
        byte[] other = content.clone();
        for (int chunk : new int[] {200, 300, 400}) {
            System.arraycopy(TestVault.random(CHUNK, chunk), 0, content, chunk * CHUNK, CHUNK);
            System.arraycopy(TestVault.random(CHUNK, -chunk), 0, other, chunk * CHUNK, CHUNK);
        }
        // The first and the last chunk with data are the same, as of two disks made from one
        // template.
        byte[] sister = content.clone();
        sister[300 * CHUNK]++;
        RecoveryPoint first = vaults.full(content);
        Scan.Changed nothing =
                new Scan.Changed(
                        first.disks().getFirst().image(), () -> List.<Extent>of().iterator());
        try (BackupSession session =
                vaults.vault().backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            for (int i = 0; i < 20; i++) {
                assertThat(holds(session, content, nothing)).isTrue();
                assertThat(holds(session, other, nothing)).isFalse();
                assertThat(holds(session, sister, nothing)).isFalse();
                assertThat(holds(session, new byte[content.length], nothing)).isFalse();
            }
        }
    }

    private static boolean holds(BackupSession session, byte[] content, Scan.Changed scan) {
        return session.unchangedRangesHold(new DiskInput("disk", new MemoryDisk(content), scan));
    }

    @Test
    void dataWhereAllWasZerosIsFound() {
        RecoveryPoint first = vaults.full(new byte[512 * CHUNK]);
        Scan.Changed nothing =
                new Scan.Changed(
                        first.disks().getFirst().image(), () -> List.<Extent>of().iterator());
        byte[] written = TestVault.random(512 * CHUNK, 1);
        try (BackupSession session =
                vaults.vault().backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            assertThat(holds(session, written, nothing)).isFalse();
        }
    }

    @Test
    void aDiskOfNoBytesIsStoredAndRestored() {
        RecoveryPoint point = vaults.full(new byte[0]);
        assertThat(point.disks().getFirst().image().root()).isNull();
        assertThat(vaults.restored(point)).isEmpty();
        Scan.Changed nothing =
                new Scan.Changed(
                        point.disks().getFirst().image(), () -> List.<Extent>of().iterator());
        try (BackupSession session =
                vaults.vault().backup(Optional.of(point), new Cancellation(), (_, _) -> {})) {
            assertThat(holds(session, new byte[0], nothing)).isTrue();
        }
        assertThat(vaults.verify().problems()).isEmpty();
    }

    @Test
    void aSessionWithoutCommitLeavesNoPointAndTheNextUsesWhatItStored() {
        byte[] content = TestVault.random(600 * CHUNK, 1);
        try (BackupSession session =
                vaults.vault().backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            session.store(
                    List.of(
                            new DiskInput(
                                    "disk",
                                    new MemoryDisk(content),
                                    new Scan.Everything(Optional.empty()))));
        }
        vaults.reopen();
        assertThat(vaults.vault().points()).isEmpty();
        RecoveryPoint point = vaults.full(content);
        // The first full pack of the lost session was durable.
        assertThat(point.disks().getFirst().newBytes()).isLessThan(600L * CHUNK);
        assertThat(vaults.restored(point)).isEqualTo(content);
        assertThat(vaults.verify().problems()).isEmpty();
    }

    @Test
    void manySegmentsAreMerged() {
        for (int i = 0; i < 20; i++) {
            vaults.full(TestVault.random(3 * CHUNK, 100 + i));
        }
        assertThat(vaults.vault().facts().segments()).isLessThan(15);
        vaults.reopen();
        for (RecoveryPoint point : vaults.vault().points()) {
            assertThat(vaults.restored(point)).hasSize(3 * CHUNK);
        }
        assertThat(vaults.verify().problems()).isEmpty();
    }

    @Test
    void anotherKeyIsToldFromDamage() {
        KeyFile other = KeyFile.create(folder.resolve("other"), Randomness.secure());
        assertThatThrownBy(() ->
                        Vault.open(
                                vaults.store(),
                                other,
                                new Vault.Surroundings(
                                        Randomness.secure(),
                                        InstantSource.system(),
                                        ProcessResources.ofThisProcess())))
                .isInstanceOfSatisfying(
                        VaultException.class,
                        e -> assertThat(e.kind()).isEqualTo(VaultException.Kind.WRONG_KEY));
    }
}
