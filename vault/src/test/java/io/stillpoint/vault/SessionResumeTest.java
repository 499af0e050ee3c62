package io.stillpoint.vault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.vault.point.PointDraft;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.point.SealedPoint;
import io.stillpoint.vault.prune.PruneRules;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.session.SessionRecord;
import io.stillpoint.vault.session.StoredDisk;
import io.stillpoint.vault.session.VaultSettings;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A session whose process died is taken up by another one.
final class SessionResumeTest {
    private static final int CHUNK = TestVault.CHUNK;
    private static final VaultSettings SMALL =
            new VaultSettings(2 * CHUNK, true, 7 * CHUNK, 2 * CHUNK, Duration.ofHours(24));
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

    private static Scan everything(Optional<RecoveryPoint> base) {
        return new Scan.Everything(base.map(point -> point.disks().getFirst().image()));
    }

    private static StoredDisk store(BackupSession session, byte[] content) {
        return session.store(
                        List.of(
                                new DiskInput(
                                        "disk",
                                        new MemoryDisk(content),
                                        everything(session.base()))))
                .getFirst();
    }

    private static BackupSession begin(Vault vault, Optional<RecoveryPoint> base) {
        return vault.backup(base, new Cancellation(), (_, _) -> {});
    }

    private static BackupSession resume(Vault vault, SessionRecord record) {
        return vault.resume(SessionRecord.of(record.json()), new Cancellation(), (_, _) -> {});
    }

    /// How many items stand in data packs: one more than before if a chunk was stored twice.
    private long items() {
        return vaults.vault().parts().contents().refreshedIndex().entries();
    }

    private static void requireOver(Runnable call) {
        assertThatThrownBy(call::run)
                .isInstanceOfSatisfying(
                        VaultException.class, e -> assertThat(e.kind()).isEqualTo(Kind.OVERTAKEN));
    }

    private long sessions() {
        List<Object> found = new ArrayList<>();
        vaults.store().list(Area.SESSIONS, found::add);
        return found.size();
    }

    @Test
    void nothingIsStoredTwiceWhenTheProcessDied() {
        byte[] first = TestVault.random(60 * CHUNK, 1);
        RecoveryPoint base = vaults.full(first);
        byte[] second = first.clone();
        for (int chunk = 0; chunk < 60; chunk += 2) {
            // Half of the changed chunks are new, half of them become differences.
            int at = chunk * CHUNK;
            if (chunk % 4 == 0) {
                System.arraycopy(TestVault.random(CHUNK, 100 + chunk), 0, second, at, CHUNK);
            } else {
                second[at + 77]++;
            }
        }
        long before = items();
        Vault died = vaults.open(vaults.store());
        BackupSession lost = begin(died, Optional.of(base));
        SessionRecord record = lost.record();
        store(lost, second);
        // All packs are durable, and no segment lists them.
        lost.detach();
        long stored = items() - before;
        assertThat(stored).isGreaterThan(30);
        try (BackupSession session = resume(vaults.vault(), record)) {
            assertThat(session.base()).contains(base);
            StoredDisk disk = store(session, second);
            assertThat(disk.newBytes()).isZero();
            RecoveryPoint point = vaults.commit(session, disk);
            assertThat(vaults.restored(point)).isEqualTo(second);
        }
        assertThat(items() - before).isEqualTo(stored);
        assertThat(sessions()).isZero();
        assertThat(vaults.verify().problems()).isEmpty();
        died.close();
    }

    @Test
    void whoWasTakenForDeadMakesNoPoint() {
        byte[] content = TestVault.random(20 * CHUNK, 1);
        Vault slow = vaults.open(vaults.store());
        BackupSession alive = begin(slow, Optional.empty());
        StoredDisk late = store(alive, content);
        RecoveryPoint point;
        try (BackupSession session = resume(vaults.vault(), alive.record())) {
            point = vaults.commit(session, store(session, content));
        }
        requireOver(() -> vaults.commit(alive, late));
        alive.close();
        slow.close();
        assertThat(vaults.vault().points()).containsExactly(point);
        assertThat(vaults.restored(point)).isEqualTo(content);
    }

    @Test
    void aSealedPointIsMadeOnceHoweverOftenItIsCommitted() {
        byte[] content = TestVault.random(20 * CHUNK, 1);
        Vault died = vaults.open(vaults.store());
        BackupSession session = begin(died, Optional.empty());
        PointDraft draft = vaults.draft("vm", store(session, content));
        List<SealedPoint> journal = new ArrayList<>();
        assertThatThrownBy(() ->
                        session.commit(
                                draft,
                                sealed -> {
                                    journal.add(SealedPoint.of(sealed.json()));
                                    throw new IllegalStateException("killed");
                                }))
                .hasMessage("killed");
        SealedPoint sealed = journal.getFirst();
        assertThat(vaults.vault().points()).isEmpty();
        List<RecoveryPoint> made = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            made.add(vaults.vault().commit(sealed, new Cancellation(), journal::add).point());
        }
        assertThat(made).containsOnly(made.getFirst());
        assertThat(made.getFirst().id()).isEqualTo(sealed.id());
        assertThat(journal).hasSize(1);
        assertThat(vaults.vault().points()).containsExactly(made.getFirst());
        assertThat(vaults.vault().newest("vm")).contains(made.getFirst());
        assertThat(vaults.restored(made.getFirst())).isEqualTo(content);
        session.close();
        died.close();
        assertThat(sessions()).isZero();
    }

    @Test
    void aSealedPointWhoseNameIsTakenByJunkIsSealedUnderAnother() {
        byte[] content = TestVault.random(20 * CHUNK, 1);
        try (BackupSession session = begin(vaults.vault(), Optional.empty())) {
            PointDraft draft = vaults.draft("vm", store(session, content));
            List<SealedPoint> journal = new ArrayList<>();
            RecoveryPoint point =
                    session.commit(
                            draft,
                            sealed -> {
                                if (journal.isEmpty()) {
                                    vaults.store()
                                            .put(
                                                    new io.stillpoint.vault.store.ObjectName(
                                                            Area.POINTS, sealed.id()),
                                                    new byte[100]);
                                }
                                journal.add(sealed);
                            });
            assertThat(journal).hasSize(2);
            assertThat(journal.getLast().id()).isEqualTo(point.id());
            assertThat(Arrays.equals(journal.getFirst().bytes(), journal.getLast().bytes()))
                    .isFalse();
            assertThat(vaults.restored(point)).isEqualTo(content);
        }
    }

    @Test
    void whatASessionLeftBehindIsKeptUntilItIsTakenUp() {
        byte[] content = TestVault.random(40 * CHUNK, 1);
        Vault died = vaults.open(vaults.store());
        BackupSession left = begin(died, Optional.empty());
        SessionRecord record = left.record();
        store(left, content);
        left.detach();
        died.close();
        vaults.vault().prune(AT_ONCE, new Cancellation());
        vaults.vault().prune(AT_ONCE, new Cancellation());
        RecoveryPoint point;
        try (BackupSession session = resume(vaults.vault(), record)) {
            point = vaults.commit(session, store(session, content));
        }
        vaults.reopen();
        assertThat(vaults.verify().problems()).isEmpty();
        assertThat(vaults.restored(point)).isEqualTo(content);
    }

    @Test
    void aSessionThatIsOverIsNotTakenUp() {
        VaultSettings silent =
                new VaultSettings(2 * CHUNK, true, 7 * CHUNK, 2 * CHUNK, Duration.ofSeconds(-10));
        BackupSession revoked =
                vaults.vault().backup(silent, Optional.empty(), new Cancellation(), (_, _) -> {});
        SessionRecord record = revoked.record();
        store(revoked, TestVault.random(10 * CHUNK, 1));
        revoked.detach();
        assertThat(vaults.vault().prune(AT_ONCE, new Cancellation()).revokedSessions())
                .isEqualTo(1);
        requireOver(() -> resume(vaults.vault(), record).close());
        BackupSession closed = begin(vaults.vault(), Optional.empty());
        closed.close();
        requireOver(() -> resume(vaults.vault(), closed.record()).close());
        BackupSession done = begin(vaults.vault(), Optional.empty());
        RecoveryPoint made = vaults.commit(done, store(done, TestVault.random(CHUNK, 2)));
        assertThat(made.id()).isEqualTo(done.record().point());
        done.close();
        requireOver(() -> resume(vaults.vault(), done.record()).close());
        assertThat(sessions()).isZero();
    }

    @Test
    void aSessionCanBeTakenUpAgainAndAgain() {
        byte[] content = TestVault.random(40 * CHUNK, 1);
        BackupSession session = begin(vaults.vault(), Optional.empty());
        SessionRecord record = session.record();
        for (int parts = 10; parts < 40; parts += 10) {
            store(session, Arrays.copyOf(content, parts * CHUNK));
            session.detach();
            session = resume(vaults.vault(), record);
            assertThat(session.record().point()).isNotEqualTo(record.point());
            record = session.record();
        }
        RecoveryPoint point = vaults.commit(session, store(session, content));
        session.close();
        assertThat(vaults.restored(point)).isEqualTo(content);
        assertThat(vaults.vault().prune(AT_ONCE, new Cancellation()).revokedSessions()).isZero();
    }
}
