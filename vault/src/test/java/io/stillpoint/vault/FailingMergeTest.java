package io.stillpoint.vault;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.PointDraft;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.session.StoredDisk;
import io.stillpoint.vault.store.ForwardingStore;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Merging the index comes after the recovery point, so a store that fails then has not failed the backup.
final class FailingMergeTest {
    private static final int BACKUPS = 20;

    @TempDir Path folder;

    @Test
    void aBackupSucceedsThoughTheMergeBesideItFails() {
        KeyFile key = KeyFile.create(folder.resolve("key"), Randomness.secure());
        RefusingMerges store = new RefusingMerges(new LocalStore(folder.resolve("vault")));
        try (Vault vault =
                Vault.init(
                        store,
                        key,
                        new Vault.Surroundings(
                                Randomness.secure(),
                                InstantSource.system(),
                                ProcessResources.ofThisProcess()))) {
            for (int i = 0; i < BACKUPS; i++) {
                RecoveryPoint point = backup(vault, i);
                assertThat(vault.points()).hasSize(i + 1).contains(point);
            }
            assertThat(store.refusals.get()).as("merges that were tried").isPositive();
            assertThat(vault.verify(new Cancellation(), _ -> {}).problems()).isEmpty();
        }
    }

    private static RecoveryPoint backup(Vault vault, int number) {
        MemoryDisk disk = new MemoryDisk(TestVault.random(TestVault.CHUNK, number));
        Scan scan = new Scan.Everything(Optional.empty());
        try (BackupSession session =
                vault.backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            StoredDisk stored =
                    session.store(List.of(new DiskInput("disk", disk, scan))).getFirst();
            PointDisk record =
                    new PointDisk(
                            "disk",
                            stored.image(),
                            "raw",
                            Optional.empty(),
                            PointDisk.Method.FULL,
                            "first-backup",
                            stored.changedBytes(),
                            stored.readBytes(),
                            stored.newBytes());
            return session.commit(
                    new PointDraft(
                            "vm",
                            Json.object(),
                            InstantSource.system().instant(),
                            InstantSource.system().instant(),
                            Consistency.STOPPED,
                            "",
                            OptionalLong.empty(),
                            new ArrayList<>(List.of(record)),
                            "test",
                            Optional.empty(),
                            Optional.empty()));
        }
    }

    /// Has no room for what is written beside a backup.
    private static final class RefusingMerges extends ForwardingStore {
        private final AtomicInteger refusals = new AtomicInteger();

        RefusingMerges(ObjectStore store) {
            super(store);
        }

        @Override
        public Upload create(ObjectName name) {
            if (Thread.currentThread().getName().equals("upkeep")) {
                refusals.incrementAndGet();
                throw new VaultException(Kind.STORE_FULL, "vault.store-full", null, description());
            }
            return super.create(name);
        }
    }
}
