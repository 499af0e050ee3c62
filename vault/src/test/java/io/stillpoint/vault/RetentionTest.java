package io.stillpoint.vault;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.point.PointDraft;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.prune.PruneRules;
import io.stillpoint.vault.read.Contents;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.session.StoredDisk;
import io.stillpoint.vault.session.VaultSettings;
import io.stillpoint.vault.store.ForwardingStore;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.tree.TreeDifference;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A store that keeps what locked points need, and how often it is asked.
final class RetentionTest {
    private static final int CHUNK = TestVault.CHUNK;
    private static final int CHUNKS = 200;
    private static final VaultSettings SMALL =
            new VaultSettings(2 * CHUNK, true, 7 * CHUNK, 2 * CHUNK, Duration.ofHours(24));
    private static final Duration LOCK = Duration.ofDays(30);

    @TempDir Path folder;
    private TestVault vaults;
    private Vault vault;
    private final Map<ObjectName, Instant> kept = new HashMap<>();
    private int requests;
    private byte[] content = TestVault.random(CHUNKS * CHUNK, 1);

    @BeforeEach
    void make() {
        vaults = TestVault.make(folder);
        vaults.use(SMALL);
        vault = vaults.open(new RetainingStore(vaults.store()));
    }

    @AfterEach
    void close() {
        vault.close();
        vaults.close();
    }

    /// Notes what it is to keep.
    private final class RetainingStore extends ForwardingStore {
        RetainingStore(ObjectStore store) {
            super(store);
        }

        @Override
        public void retain(ObjectName name, Instant until) {
            requests++;
            kept.merge(name, until, (a, b) -> a.isAfter(b) ? a : b);
        }
    }

    private RecoveryPoint backup(Optional<RecoveryPoint> base, Instant lockedUntil) {
        try (BackupSession session = vault.backup(base, new Cancellation(), (_, _) -> {})) {
            StoredDisk stored =
                    session.store(
                                    List.of(
                                            new DiskInput(
                                                    "disk",
                                                    new MemoryDisk(content),
                                                    new Scan.Everything(
                                                            base.map(point ->
                                                                    point.disks()
                                                                            .getFirst()
                                                                            .image())))))
                            .getFirst();
            PointDraft draft = vaults.draft("vm", stored);
            RecoveryPoint point =
                    session.commit(
                            new PointDraft(
                                    draft.vm(),
                                    draft.configuration(),
                                    draft.startedAt(),
                                    draft.snapshotAt(),
                                    draft.consistency(),
                                    draft.consistencyReason(),
                                    draft.frozenMillis(),
                                    draft.disks(),
                                    draft.writer(),
                                    Optional.of(lockedUntil),
                                    Optional.empty()));
            assertThat(session.unfinished()).isEmpty();
            return point;
        }
    }

    /// Whatever the point needs stands in a pack that is kept as long as the point is locked.
    private void requireKept(RecoveryPoint point) {
        Instant until = point.lockedUntil().orElseThrow();
        DiskImage image = point.disks().getFirst().image();
        Contents contents = vault.parts().contents();
        ItemIndex.Lookup lookup = contents.index().lookup();
        List<ItemId> lost = new ArrayList<>();
        new TreeDifference(contents.nodes())
                .walkItems(
                        null,
                        image.shape(),
                        image.root(),
                        image.shape(),
                        (id, _) -> {
                            if (lookup.places(id).stream()
                                    .map(place -> new ObjectName(Area.PACKS, place.pack()))
                                    .noneMatch(pack -> isKept(pack, until))) {
                                lost.add(id);
                            }
                        });
        assertThat(lost).isEmpty();
        assertThat(isKept(new ObjectName(Area.POINTS, point.id()), until)).isTrue();
        assertThat(isKept(ObjectName.vault(), until)).isTrue();
    }

    private boolean isKept(ObjectName name, Instant until) {
        return !kept.getOrDefault(name, Instant.MIN).isBefore(until);
    }

    @Test
    void onlyWhatDiffersIsAskedForMostDays() {
        Instant start = vault.clocks().host();
        RecoveryPoint point = backup(Optional.empty(), start.plus(LOCK));
        requireKept(point);
        int whole = requests;
        assertThat(whole).isGreaterThan(CHUNKS / 8);
        int walks = 0;
        for (int day = 1; day <= 20; day++) {
            requests = 0;
            vaults.leap(Duration.ofDays(1));
            // A new chunk, which shares no pack with those that differ a little, and one of these.
            System.arraycopy(TestVault.random(CHUNK, 100 + day), 0, content, 0, CHUNK);
            content[CHUNK + 5]++;
            point = backup(Optional.of(point), start.plus(LOCK).plus(Duration.ofDays(day)));
            requireKept(point);
            walks += requests >= whole ? 1 : 0;
            assertThat(requests >= whole || requests <= 12).isTrue();
        }
        assertThat(walks).isBetween(2, 3);
    }

    @Test
    void pruneAsksForNothingThatIsKept() {
        Instant start = vault.clocks().host();
        backup(Optional.empty(), start.plus(LOCK));
        requests = 0;
        vault.prune(PruneRules.DEFAULT, new Cancellation());
        assertThat(requests).isLessThanOrEqualTo(3);
    }
}
