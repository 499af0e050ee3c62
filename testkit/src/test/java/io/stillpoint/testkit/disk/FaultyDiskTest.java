package io.stillpoint.testkit.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.disk.DiskFile;
import io.stillpoint.testkit.Bytes;
import io.stillpoint.testkit.disk.FaultyDisk.Traits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// The disk lies as it should: whoever skips a sync is caught, whoever does not is never.
final class FaultyDiskTest {
    private static final Path FOLDER = Path.of("/data");
    private static final Path TEMPORARY = FOLDER.resolve("temporary");
    private static final Path NAME = FOLDER.resolve("name");
    private static final Path OTHER = FOLDER.resolve("other");
    private static final byte[] CONTENT = Bytes.RANDOM.of(5_000, 1);
    private static final int SEEDS = 60;

    /// What becomes of a file.
    private enum Fate {
        GONE,
        WHOLE,
        TORN
    }

    /// A way to store [#CONTENT] under [#NAME].
    @FunctionalInterface
    private interface Way {
        void store(FaultyDisk disk) throws IOException;
    }

    private static FaultyDisk disk(Traits traits) throws IOException {
        FaultyDisk disk = new FaultyDisk(traits, () -> Instant.EPOCH);
        disk.createFolder(FOLDER);
        disk.syncFolder(Path.of("/"));
        return disk;
    }

    private static FaultyDisk disk() throws IOException {
        return disk(Traits.PLAIN);
    }

    private static void write(FaultyDisk disk, Path path, boolean isForced) throws IOException {
        try (DiskFile file = disk.create(path)) {
            ByteBuffer from = ByteBuffer.wrap(CONTENT);
            while (from.hasRemaining()) {
                file.write(from.slice(from.position(), Math.min(1_000, from.remaining())));
                from.position(from.position() + Math.min(1_000, from.remaining()));
            }
            if (isForced) {
                file.force();
            }
        }
    }

    private static void storeWell(FaultyDisk disk) throws IOException {
        write(disk, TEMPORARY, true);
        disk.link(TEMPORARY, NAME);
        disk.syncFolder(FOLDER);
        disk.delete(TEMPORARY);
    }

    private static void storeWithoutForce(FaultyDisk disk) throws IOException {
        write(disk, TEMPORARY, false);
        disk.rename(TEMPORARY, NAME);
        disk.syncFolder(FOLDER);
    }

    private static void storeWithoutSyncingTheFolder(FaultyDisk disk) throws IOException {
        write(disk, TEMPORARY, true);
        disk.link(TEMPORARY, NAME);
    }

    /// The name first: in the end all is synced, but not at any time between.
    private static void publishFirst(FaultyDisk disk) throws IOException {
        try (DiskFile file = disk.create(NAME)) {
            disk.syncFolder(FOLDER);
            file.write(ByteBuffer.wrap(CONTENT));
            file.force();
        }
    }

    private static Fate fate(FaultyDisk disk, Path path) throws IOException {
        if (disk.attributes(path).isEmpty()) {
            return Fate.GONE;
        }
        try (DiskFile file = disk.open(path)) {
            ByteBuffer into = ByteBuffer.allocate(2 * CONTENT.length);
            int length = file.read(into, 0);
            return Arrays.equals(CONTENT, Arrays.copyOf(into.array(), Math.max(0, length)))
                    ? Fate.WHOLE
                    : Fate.TORN;
        }
    }

    /// What a power cut after all can make of it.
    private static Set<Fate> fatesAfter(Way way) throws IOException {
        FaultyDisk disk = disk();
        way.store(disk);
        return fates(disk);
    }

    private static Set<Fate> fates(FaultyDisk disk) throws IOException {
        Set<Fate> fates = EnumSet.noneOf(Fate.class);
        for (int seed = 0; seed < SEEDS; seed++) {
            fates.add(fate(disk.afterCrash(seed), NAME));
        }
        return fates;
    }

    /// What a power cut at any sync can make of it.
    private static Set<Fate> fatesWithin(Way way) throws IOException {
        Set<Fate> fates = EnumSet.noneOf(Fate.class);
        for (int i = 1; ; i++) {
            FaultyDisk disk = disk();
            disk.stopAt(Operation.SYNCS, i);
            try {
                way.store(disk);
                return fates;
            } catch (FaultPlan.StoppedException e) {
                fates.addAll(fates(disk));
            }
        }
    }

    @Test
    void whoeverForcesAndSyncsIsSafe() throws IOException {
        assertThat(fatesAfter(FaultyDiskTest::storeWell)).containsExactly(Fate.WHOLE);
        assertThat(fatesWithin(FaultyDiskTest::storeWell))
                .containsExactlyInAnyOrder(Fate.GONE, Fate.WHOLE);
    }

    @Test
    void whoeverDoesNotForceIsCaught() throws IOException {
        assertThat(fatesAfter(FaultyDiskTest::storeWithoutForce))
                .containsExactlyInAnyOrder(Fate.TORN, Fate.WHOLE);
    }

    @Test
    void whoeverDoesNotSyncTheFolderIsCaught() throws IOException {
        assertThat(fatesAfter(FaultyDiskTest::storeWithoutSyncingTheFolder))
                .containsExactlyInAnyOrder(Fate.GONE, Fate.WHOLE);
    }

    @Test
    void whoeverPublishesFirstIsCaught() throws IOException {
        assertThat(fatesAfter(FaultyDiskTest::publishFirst)).containsExactly(Fate.WHOLE);
        assertThat(fatesWithin(FaultyDiskTest::publishFirst)).contains(Fate.TORN);
    }

    @Test
    void theSameSeedLeavesTheSame() throws IOException {
        FaultyDisk disk = disk();
        write(disk, NAME, false);
        disk.syncFolder(FOLDER);
        Set<Integer> contents = new HashSet<>();
        for (int seed = 0; seed < SEEDS; seed++) {
            byte[] first = content(disk.afterCrash(seed));
            assertThat(content(disk.afterCrash(seed))).isEqualTo(first);
            contents.add(Arrays.hashCode(first));
        }
        assertThat(contents).hasSizeGreaterThan(SEEDS / 2);
    }

    private static byte[] content(FaultyDisk disk) throws IOException {
        try (DiskFile file = disk.open(NAME)) {
            ByteBuffer into = ByteBuffer.allocate(2 * CONTENT.length);
            file.read(into, 0);
            return Arrays.copyOf(into.array(), into.position());
        }
    }

    @Test
    void aJournalKeepsTheOrderOfChangesAndWithoutOneThereIsNone() throws IOException {
        assertThat(orders(Traits.PLAIN)).contains("only the second");
        assertThat(orders(Traits.JOURNALED))
                .containsExactlyInAnyOrder("none", "only the first", "both");
    }

    private static Set<String> orders(Traits traits) throws IOException {
        FaultyDisk disk = disk(traits);
        write(disk, TEMPORARY, true);
        disk.syncFolder(FOLDER);
        disk.link(TEMPORARY, NAME);
        disk.link(TEMPORARY, OTHER);
        Set<String> seen = new HashSet<>();
        for (int seed = 0; seed < SEEDS; seed++) {
            FaultyDisk after = disk.afterCrash(seed);
            boolean first = after.attributes(NAME).isPresent();
            boolean second = after.attributes(OTHER).isPresent();
            seen.add(
                    first
                            ? second ? "both" : "only the first"
                            : second ? "only the second" : "none");
        }
        return seen;
    }

    @Test
    void aRenamedFileIsUnderOneOfItsNamesAtLeastIfThereIsAJournal() throws IOException {
        FaultyDisk disk = disk(Traits.JOURNALED);
        write(disk, TEMPORARY, true);
        disk.syncFolder(FOLDER);
        disk.rename(TEMPORARY, NAME);
        for (int seed = 0; seed < SEEDS; seed++) {
            FaultyDisk after = disk.afterCrash(seed);
            assertThat(after.attributes(NAME).isPresent())
                    .isNotEqualTo(after.attributes(TEMPORARY).isPresent());
        }
    }

    @Test
    void aDeletionMayBeUndoneUntilItIsSynced() throws IOException {
        FaultyDisk disk = disk();
        storeWell(disk);
        disk.delete(NAME);
        assertThat(fates(disk)).containsExactlyInAnyOrder(Fate.GONE, Fate.WHOLE);
        disk.syncFolder(FOLDER);
        assertThat(fates(disk)).containsExactly(Fate.GONE);
    }

    @Test
    void aFolderThatWasNotSyncedTakesWhatIsInItAlong() throws IOException {
        FaultyDisk disk = disk();
        Path inner = FOLDER.resolve("inner");
        disk.createFolder(inner);
        write(disk, inner.resolve("file"), true);
        disk.syncFolder(inner);
        Set<Fate> fates = EnumSet.noneOf(Fate.class);
        for (int seed = 0; seed < SEEDS; seed++) {
            fates.add(fate(disk.afterCrash(seed), inner.resolve("file")));
        }
        assertThat(fates).containsExactlyInAnyOrder(Fate.GONE, Fate.WHOLE);
    }

    @Test
    void aStoppedMachineDoesNothingMoreAndAKilledProcessLosesOnlyItsLocks() throws IOException {
        FaultyDisk disk = disk();
        write(disk, NAME, false);
        assertThat(disk.tryLock(NAME)).isPresent();
        assertThat(disk.tryLock(NAME)).isEmpty();
        disk.stopAt(Operation.CHANGES, 1);
        assertThatThrownBy(() -> disk.delete(NAME)).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> disk.attributes(NAME)).isInstanceOf(IOException.class);
        FaultyDisk next = disk.afterKill();
        assertThat(fate(next, NAME)).isEqualTo(Fate.WHOLE);
        assertThat(next.tryLock(NAME)).isPresent();
        assertThat(fates(next)).contains(Fate.GONE, Fate.TORN);
    }

    @Test
    void theNthCallFailsOnceOrFromThenOn() throws IOException {
        FaultyDisk disk = disk();
        write(disk, NAME, true);
        disk.fail(Set.of(Operation.LIST, Operation.ATTRIBUTES), 2, Fault.DENIED, false);
        disk.attributes(NAME);
        assertThatThrownBy(() -> disk.list(FOLDER, (_, _) -> {}))
                .isInstanceOf(AccessDeniedException.class);
        assertThat(disk.hasStruck()).isTrue();
        disk.list(FOLDER, (_, _) -> {});
        disk.fail(Set.of(Operation.ATTRIBUTES), 1, Fault.IO_ERROR, true);
        assertThat(disk.hasStruck()).isFalse();
        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> disk.attributes(NAME)).hasMessageContaining("Input/output");
        }
        disk.heal();
        assertThat(disk.attributes(NAME)).isPresent();
    }

    @Test
    void readsAndWritesMayBeShortAndAFullDiskTakesAPart() throws IOException {
        FaultyDisk disk = disk();
        try (DiskFile file = disk.create(NAME)) {
            disk.fail(Set.of(Operation.WRITE, Operation.READ), 1, Fault.SHORT, true);
            assertThat(file.write(ByteBuffer.wrap(CONTENT))).isEqualTo(CONTENT.length / 2);
            disk.fail(Operation.ROOM_TAKING, 1, Fault.NO_SPACE, false);
            assertThatThrownBy(() -> file.write(ByteBuffer.wrap(CONTENT)))
                    .hasMessageContaining("No space left on device");
            assertThat(file.size()).isEqualTo(CONTENT.length);
            disk.fail(Set.of(Operation.WRITE, Operation.READ), 1, Fault.SHORT, true);
            assertThat(file.read(ByteBuffer.allocate(1_000), 0)).isEqualTo(500);
            assertThat(file.read(ByteBuffer.allocate(1), 0)).isEqualTo(1);
            assertThat(file.read(ByteBuffer.allocate(1), CONTENT.length)).isEqualTo(-1);
        }
        assertThat(disk.openFiles()).isZero();
    }
}
