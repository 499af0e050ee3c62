package io.stillpoint.vault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.prune.PruneResult;
import io.stillpoint.vault.prune.PruneRules;
import io.stillpoint.vault.record.PackList;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.session.StoredDisk;
import io.stillpoint.vault.store.ForwardingStore;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What is written by who slept, or died, or was given up: it comes after others have drawn their conclusions.
final class LateWritesTest {
    private static final PruneRules AT_ONCE =
            new PruneRules(Duration.ZERO, Duration.ZERO, 70, Long.MAX_VALUE, false);

    @TempDir Path folder;
    private TestVault vaults;

    @BeforeEach
    void make() {
        vaults = TestVault.make(folder);
    }

    @AfterEach
    void close() {
        vaults.close();
    }

    private PruneResult prune() {
        return vaults.vault().prune(AT_ONCE, new Cancellation());
    }

    private List<ObjectName> objects(Area area) {
        List<ObjectName> names = new ArrayList<>();
        vaults.vault().parts().contents().store().list(area, listed -> names.add(listed.name()));
        return names;
    }

    @Test
    void aVerdictThatCameTooLateIsDeletedByTheNextPrune() {
        byte[] content = TestVault.random(20 * TestVault.CHUNK, 1);
        RecoveryPoint point = vaults.full(content);
        Set<ObjectId> packs = new HashSet<>();
        objects(Area.PACKS).forEach(name -> packs.add(name.id()));
        // As by a prune that slept while others concluded the condemnation, and then died.
        vaults.vault()
                .parts()
                .records()
                .putExecuted(new PackList(ObjectId.random(Randomness.secure()), packs));
        prune();
        assertThat(objects(Area.EXECUTED)).isEmpty();
        assertThat(objects(Area.PACKS)).hasSize(packs.size());
        assertThat(vaults.restored(point)).isEqualTo(content);
        assertThat(vaults.verify().problems()).isEmpty();
    }

    @Test
    void aCommitWhoseAnswerIsLostKeepsTheSessionOpen() {
        byte[] content = TestVault.random(20 * TestVault.CHUNK, 1);
        RecoveryPoint old = vaults.full(content);
        Scan scan = new Scan.Everything(Optional.empty());
        LosesAnswers losing = new LosesAnswers(vaults.store());
        try (Vault vault = vaults.open(losing)) {
            BackupSession session =
                    vault.backup(Optional.empty(), new Cancellation(), (_, _) -> {});
            StoredDisk stored =
                    session.store(List.of(new DiskInput("disk", new MemoryDisk(content), scan)))
                            .getFirst();
            vaults.vault().forget(old, Duration.ZERO);
            assertThat(prune().condemnedPacks()).isPositive();
            assertThatThrownBy(() -> vaults.commit(session, stored))
                    .isInstanceOfSatisfying(
                            VaultException.class, e -> assertThat(e.kind()).isEqualTo(Kind.STORE));
            session.close();
            assertThat(prune().waitingPacks()).as("it may come yet").isPositive();
            losing.arrive();
        }
        RecoveryPoint made = vaults.vault().points().getFirst();
        assertThat(prune().deletedPacks()).isZero();
        assertThat(vaults.restored(made)).isEqualTo(content);
    }

    @Test
    void whatASessionSaysItKnowsItAvoidsThoughTheSecondListingIsOlder() {
        byte[] content = TestVault.random(20 * TestVault.CHUNK, 1);
        vaults.vault().forget(vaults.full(content), Duration.ZERO);
        assertThat(prune().condemnedPacks()).isPositive();
        ForgetfulListings store = new ForgetfulListings(vaults.store());
        Scan scan = new Scan.Everything(Optional.empty());
        try (Vault vault = vaults.open(store);
                BackupSession session =
                        vault.backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            StoredDisk stored =
                    session.store(List.of(new DiskInput("disk", new MemoryDisk(content), scan)))
                            .getFirst();
            assertThat(stored.newBytes()).isEqualTo(content.length);
        }
    }

    /// Points that are put come later, and nobody is told.
    private static final class LosesAnswers extends ForwardingStore {
        private final List<Runnable> late = new ArrayList<>();

        LosesAnswers(ObjectStore store) {
            super(store);
        }

        void arrive() {
            late.forEach(Runnable::run);
        }

        @Override
        public void put(ObjectName name, byte[] content) {
            if (name.area() != Area.POINTS) {
                below().put(name, content);
                return;
            }
            late.add(() -> below().put(name, content));
            throw new VaultException(
                    Kind.STORE,
                    "vault.store-failed",
                    null,
                    description(),
                    "write",
                    name,
                    "no answer");
        }
    }

    /// Its second listing of condemnations is older than the first.
    private static final class ForgetfulListings extends ForwardingStore {
        private int listings;

        ForgetfulListings(ObjectStore store) {
            super(store);
        }

        @Override
        public void list(Area area, Consumer<Listed> visitor) {
            if (area != Area.CONDEMNED || listings++ == 0) {
                super.list(area, visitor);
            }
        }

        @Override
        public Duration listingDelay() {
            return Duration.ofMinutes(1);
        }
    }
}
