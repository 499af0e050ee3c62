package io.stillpoint.vault;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.vault.copy.VaultCopy;
import io.stillpoint.vault.point.ForgottenPoint;
import io.stillpoint.vault.point.Lineage;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.prune.PruneRules;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.session.StoredDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Points are in the order in which they were made, whatever clocks said.
final class LineageTest {
    private static final Duration LEAP = Duration.ofDays(400);
    private static final PruneRules AT_ONCE =
            new PruneRules(Duration.ZERO, Duration.ZERO, 70, Long.MAX_VALUE, false);

    @TempDir Path folder;
    private TestVault vault;
    private TestVault other;

    @BeforeEach
    void make() throws IOException {
        vault = TestVault.make(Files.createDirectory(folder.resolve("vault")));
        other = TestVault.make(Files.createDirectory(folder.resolve("other")));
    }

    @AfterEach
    void close() {
        vault.close();
        other.close();
    }

    private RecoveryPoint point(int seed) {
        return vault.full(TestVault.random(3 * TestVault.CHUNK, seed));
    }

    private VaultCopy copy() {
        return vault.vault()
                .copyTo(other.vault(), Optional.empty(), new Cancellation(), (_, _) -> {});
    }

    private static List<Long> ordinals(List<RecoveryPoint> points) {
        return points.stream().map(point -> point.lineage().ordinal()).toList();
    }

    /// Three points; at the second one the clock was 400 days ahead.
    private List<RecoveryPoint> threeWithALeap() {
        RecoveryPoint first = point(1);
        vault.leap(LEAP);
        RecoveryPoint second = point(2);
        vault.leap(LEAP.negated());
        RecoveryPoint third = point(3);
        assertThat(second.snapshotAt()).isAfter(third.snapshotAt());
        return List.of(first, second, third);
    }

    @Test
    void eachPointNamesTheOneBefore() {
        List<RecoveryPoint> points = threeWithALeap();
        assertThat(points.get(0).lineage()).isEqualTo(new Lineage(1, Optional.empty()));
        assertThat(points.get(1).lineage())
                .isEqualTo(new Lineage(2, Optional.of(points.get(0).id())));
        assertThat(points.get(2).lineage())
                .isEqualTo(new Lineage(3, Optional.of(points.get(1).id())));
        vault.reopen();
        assertThat(vault.vault().points()).isEqualTo(points);
    }

    @Test
    void aLeapOfTheClockMakesNoPointTheNewest() {
        List<RecoveryPoint> points = threeWithALeap();
        assertThat(vault.vault().points()).isEqualTo(points);
        assertThat(vault.vault().newest("vm")).contains(points.getLast());
    }

    @Test
    void aLeapHidesNoPointFromCopying() {
        vault.leap(LEAP);
        point(1);
        vault.leap(LEAP.negated());
        copy().missing().forEach(copy()::copy);
        List<RecoveryPoint> later = List.of(point(2), point(3));
        assertThat(copy().missing()).isEqualTo(later);
        copy().missing().forEach(copy()::copy);
        assertThat(ordinals(other.vault().points())).containsExactly(1L, 2L, 3L);
    }

    @Test
    void olderPointsAreCopiedAfterNewerOnesAndAreStillTheOlderOnes() {
        List<RecoveryPoint> points = threeWithALeap();
        copy().copy(points.getLast());
        assertThat(copy().missing()).isEqualTo(points.subList(0, 2));
        List<RecoveryPoint> rest = new ArrayList<>(copy().missing());
        Collections.reverse(rest);
        rest.forEach(copy()::copy);
        assertThat(copy().missing()).isEmpty();
        List<RecoveryPoint> copies = other.vault().points();
        assertThat(copies)
                .extracting(each -> each.copiedFrom().orElseThrow().point())
                .containsExactlyElementsOf(points.stream().map(RecoveryPoint::id).toList());
        assertThat(copies)
                .extracting(RecoveryPoint::lineage)
                .containsExactlyElementsOf(points.stream().map(RecoveryPoint::lineage).toList());
        assertThat(other.vault().newest("vm"))
                .map(newest -> newest.copiedFrom().orElseThrow().point())
                .contains(points.getLast().id());
        for (int i = 0; i < points.size(); i++) {
            assertThat(other.restored(copies.get(i))).isEqualTo(vault.restored(points.get(i)));
        }
    }

    @Test
    void whatTheOtherVaultRemovedStaysAwayThoughOlderPointsAreMissing() {
        List<RecoveryPoint> points = List.of(point(1), point(2), point(3), point(4));
        RecoveryPoint second = copy().copy(points.get(1));
        copy().copy(points.get(3));
        other.vault().forget(second, Duration.ZERO);
        other.vault().prune(AT_ONCE, new Cancellation());
        other.vault().prune(AT_ONCE, new Cancellation());
        assertThat(other.vault().forgotten()).isEmpty();
        assertThat(copy().missing()).containsExactly(points.get(0), points.get(2));
        copy().missing().forEach(copy()::copy);
        assertThat(copy().missing()).isEmpty();
    }

    @Test
    void twoJobsAtOnceMakePointsInOneOrderForAll() {
        RecoveryPoint first = point(1);
        RecoveryPoint within;
        RecoveryPoint around;
        byte[] content = TestVault.random(TestVault.CHUNK, 7);
        Scan scan = new Scan.Everything(Optional.empty());
        try (BackupSession session =
                vault.vault().backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            within = point(2);
            StoredDisk stored =
                    session.store(List.of(new DiskInput("disk", new MemoryDisk(content), scan)))
                            .getFirst();
            around = vault.commit(session, stored);
        }
        RecoveryPoint last = point(3);
        assertThat(within.lineage()).isEqualTo(new Lineage(2, Optional.of(first.id())));
        assertThat(around.lineage()).isEqualTo(new Lineage(3, Optional.of(within.id())));
        assertThat(last.lineage().ordinal()).isEqualTo(4);
        List<RecoveryPoint> order = vault.vault().points();
        assertThat(order.getFirst()).isEqualTo(first);
        assertThat(order.getLast()).isEqualTo(last);
        assertThat(last.lineage().before()).contains(order.get(2).id());
        List<RecoveryPoint> backwards = new ArrayList<>(copy().missing());
        Collections.reverse(backwards);
        backwards.forEach(copy()::copy);
        assertThat(other.vault().points())
                .extracting(each -> each.copiedFrom().orElseThrow().point())
                .containsExactlyElementsOf(order.stream().map(RecoveryPoint::id).toList());
    }

    @Test
    void aForgottenPointKeepsItsPlaceAndGetsItBack() {
        RecoveryPoint first = point(1);
        RecoveryPoint second = point(2);
        ForgottenPoint forgotten = vault.vault().forget(second, Duration.ofDays(14));
        RecoveryPoint third = point(3);
        assertThat(third.lineage()).isEqualTo(new Lineage(3, Optional.of(second.id())));
        vault.vault().bringBack(forgotten);
        assertThat(vault.vault().points()).containsExactly(first, second, third);
    }

    @Test
    void whatIsPurgedInTheMiddleChangesNoOrder() {
        List<RecoveryPoint> points = threeWithALeap();
        vault.vault().forget(points.get(1), Duration.ZERO);
        vault.vault().prune(AT_ONCE, new Cancellation());
        assertThat(vault.vault().forgotten()).isEmpty();
        RecoveryPoint fourth = point(4);
        assertThat(vault.vault().points()).containsExactly(points.get(0), points.get(2), fourth);
        assertThat(fourth.lineage()).isEqualTo(new Lineage(4, Optional.of(points.get(2).id())));
    }

    @Test
    void pointsWithoutLineageComeFirstByTime() {
        RecoveryPoint older = withoutLineage(point(1));
        RecoveryPoint newer = withoutLineage(point(2));
        RecoveryPoint counted = point(3);
        List<RecoveryPoint> points = new ArrayList<>(List.of(counted, newer, older));
        points.sort(RecoveryPoint.OLDEST_FIRST);
        assertThat(points).containsExactly(older, newer, counted);
    }

    private static RecoveryPoint withoutLineage(RecoveryPoint point) {
        return new RecoveryPoint(
                point.id(),
                point.vm(),
                point.configuration(),
                point.startedAt(),
                point.snapshotAt(),
                point.createdAt(),
                point.consistency(),
                point.consistencyReason(),
                point.frozenMillis(),
                point.disks(),
                point.storedBytes(),
                point.writer(),
                point.lockedUntil(),
                point.keptUntil(),
                point.copiedFrom(),
                Lineage.UNKNOWN);
    }
}
