package io.stillpoint.vault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.store.LocalStore;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The vault as its users see it, on a real folder.
final class VaultTest {
    private static final int CHUNK = 65_536;

    @TempDir Path folder;
    private KeyFile key = new KeyFile(new byte[32]);
    private Vault vault;
    private Instant now = Instant.parse("2026-01-01T00:00:00Z");

    @BeforeEach
    void makeVault() {
        key = KeyFile.create(folder.resolve("key"), Randomness.secure());
        vault = Vault.init(store(), key, Randomness.secure(), clock());
    }

    @AfterEach
    void closeVault() {
        vault.close();
    }

    private LocalStore store() {
        return new LocalStore(folder.resolve("vault"));
    }

    private InstantSource clock() {
        return () -> now;
    }

    private void reopen() {
        vault.close();
        vault = Vault.open(store(), key, Randomness.secure(), clock());
    }

    private static byte[] random(int length, long seed) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private RecoveryPoint backup(byte[] content, Scan scan) {
        try (BackupSession session = vault.backup(new Cancellation(), (_, _) -> {})) {
            StoredDisk stored =
                    session.store(List.of(new DiskInput("disk", new MemoryDisk(content), scan)))
                            .getFirst();
            now = now.plusSeconds(60);
            PointDisk disk =
                    new PointDisk(
                            "disk",
                            stored.image(),
                            "raw",
                            Optional.empty(),
                            PointDisk.Method.FULL,
                            "",
                            stored.changedBytes(),
                            stored.readBytes(),
                            stored.newBytes());
            return session.commit(
                    new PointDraft(
                            "vm",
                            Json.object(),
                            now,
                            now,
                            Consistency.STOPPED,
                            "",
                            OptionalLong.empty(),
                            List.of(disk),
                            "test"));
        }
    }

    private RecoveryPoint full(byte[] content) {
        return backup(content, new Scan.Everything(Optional.empty()));
    }

    private byte[] restored(RecoveryPoint point) {
        DiskImage image = point.disks().getFirst().image();
        MemoryDisk target = new MemoryDisk(new byte[(int) image.size()]);
        vault.restore(image, target, new Cancellation(), _ -> {});
        return target.content();
    }

    @Test
    void restoresEveryByteOfAFullBackup() {
        byte[] content = random(30 * CHUNK + 1234, 1);
        Arrays.fill(content, 5 * CHUNK, 9 * CHUNK, (byte) 0);
        RecoveryPoint point = full(content);
        reopen();
        assertThat(restored(vault.point(point.id().toString()))).isEqualTo(content);
        assertThat(vault.verify(new Cancellation(), _ -> {}).problems()).isEmpty();
    }

    @Test
    void restoresDisksOfManyLevels() {
        byte[] content = new byte[70 * 64 * CHUNK];
        for (int leaf = 0; leaf < 70; leaf += 3) {
            System.arraycopy(random(CHUNK, leaf), 0, content, leaf * 64 * CHUNK, CHUNK);
        }
        RecoveryPoint point = full(content);
        assertThat(point.disks().getFirst().newBytes()).isEqualTo(24L * CHUNK);
        assertThat(restored(point)).isEqualTo(content);
    }

    @Test
    void storesEqualChunksOnce() {
        byte[] content = new byte[40 * CHUNK];
        for (int i = 0; i < 40; i++) {
            System.arraycopy(random(CHUNK, i % 4), 0, content, i * CHUNK, CHUNK);
        }
        RecoveryPoint point = full(content);
        assertThat(point.disks().getFirst().newBytes()).isEqualTo(4L * CHUNK);
        assertThat(restored(point)).isEqualTo(content);
    }

    @Test
    void storesNothingForADiskOfZeros() {
        RecoveryPoint point = full(new byte[100 * CHUNK]);
        assertThat(point.disks().getFirst().image().root()).isNull();
        assertThat(vault.facts().packs()).isZero();
        assertThat(restored(point)).containsOnly(0);
    }

    @Test
    void comparisonFindsWhatChangedAndWhatBecameZero() {
        byte[] content = random(200 * CHUNK, 1);
        RecoveryPoint first = full(content);
        byte[] changed = content.clone();
        changed[17 * CHUNK + 5]++;
        Arrays.fill(changed, 90 * CHUNK, 91 * CHUNK, (byte) 0);
        RecoveryPoint second =
                backup(changed, new Scan.Everything(Optional.of(first.disks().getFirst().image())));
        assertThat(second.disks().getFirst().newBytes()).isEqualTo(CHUNK);
        assertThat(second.changedBytes()).isEqualTo(2L * CHUNK);
        assertThat(restored(second)).isEqualTo(changed);
        assertThat(restored(first)).isEqualTo(content);
    }

    @Test
    void readsOnlyChangedRanges() {
        byte[] content = random(200 * CHUNK, 1);
        RecoveryPoint first = full(content);
        byte[] changed = content.clone();
        changed[17 * CHUNK + 5]++;
        changed[150 * CHUNK]++;
        RecoveryPoint second =
                backup(
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
        assertThat(restored(second)).isEqualTo(changed);
        assertThat(vault.verify(new Cancellation(), _ -> {}).isSound()).isTrue();
    }

    @Test
    void aLyingBitmapIsFound() {
        byte[] content = random(8 * CHUNK, 1);
        RecoveryPoint first = full(content);
        byte[] changed = random(8 * CHUNK, 2);
        Scan.Changed nothing =
                new Scan.Changed(
                        first.disks().getFirst().image(), () -> List.<Extent>of().iterator());
        try (BackupSession session = vault.backup(new Cancellation(), (_, _) -> {})) {
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
    void aSessionWithoutCommitLeavesNoPointAndTheNextUsesWhatItStored() {
        byte[] content = random(600 * CHUNK, 1);
        try (BackupSession session = vault.backup(new Cancellation(), (_, _) -> {})) {
            session.store(
                    List.of(
                            new DiskInput(
                                    "disk",
                                    new MemoryDisk(content),
                                    new Scan.Everything(Optional.empty()))));
        }
        reopen();
        assertThat(vault.points()).isEmpty();
        RecoveryPoint point = full(content);
        // The first full pack of the lost session was durable.
        assertThat(point.disks().getFirst().newBytes()).isLessThan(600L * CHUNK);
        assertThat(restored(point)).isEqualTo(content);
        assertThat(vault.verify(new Cancellation(), _ -> {}).problems()).isEmpty();
    }

    @Test
    void manySegmentsAreMerged() {
        for (int i = 0; i < 20; i++) {
            full(random(3 * CHUNK, 100 + i));
        }
        assertThat(vault.facts().segments()).isLessThan(15);
        reopen();
        for (RecoveryPoint point : vault.points()) {
            assertThat(restored(point)).hasSize(3 * CHUNK);
        }
        assertThat(vault.verify(new Cancellation(), _ -> {}).problems()).isEmpty();
    }

    @Test
    void anotherKeyIsToldFromDamage() {
        KeyFile other = KeyFile.create(folder.resolve("other"), Randomness.secure());
        assertThatThrownBy(() -> Vault.open(store(), other, Randomness.secure(), clock()))
                .isInstanceOfSatisfying(
                        VaultException.class,
                        e -> assertThat(e.kind()).isEqualTo(VaultException.Kind.WRONG_KEY));
    }
}
