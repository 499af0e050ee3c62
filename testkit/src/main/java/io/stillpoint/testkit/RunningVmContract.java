package io.stillpoint.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.hypervisor.ChangedBlocks;
import io.stillpoint.hypervisor.ChangedBlocks.Reason;
import io.stillpoint.hypervisor.HeldDisk;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.KeptSnapshots;
import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/// What a job relies on in a VM that runs: its guest writes while the job reads, and the hypervisor records what it
/// changed.
public abstract class RunningVmContract extends VirtualMachineContract {
    private static final String OTHER_LINEAGE = "44556677";

    private String first() {
        return vm().disks().getFirst();
    }

    private String second() {
        return vm().disks().get(1);
    }

    /// The chunks that are told as changed. Ranges ascend, don't overlap and lie within the disk.
    private static BitSet changes(HeldDisk disk) {
        assertThat(disk.changes()).isInstanceOf(ChangedBlocks.Known.class);
        BitSet chunks = new BitSet();
        long end = 0;
        Iterator<Extent> ranges = ((ChangedBlocks.Known) disk.changes()).ranges().get();
        while (ranges.hasNext()) {
            Extent range = ranges.next();
            assertThat(range.offset()).isGreaterThanOrEqualTo(end);
            end = range.end();
            chunks.set((int) (range.offset() / CHUNK), (int) ((end + CHUNK - 1) / CHUNK));
        }
        assertThat(end).isLessThanOrEqualTo(disk.size());
        return chunks;
    }

    private static BitSet difference(byte[] before, byte[] after) {
        BitSet chunks = new BitSet();
        for (int at = 0; at < before.length; at += CHUNK) {
            if (!Arrays.equals(before, at, at + CHUNK, after, at, at + CHUNK)) {
                chunks.set(at / CHUNK);
            }
        }
        return chunks;
    }

    /// No change is missing, and not everything is called changed. The last chunk may always be.
    private static void requireCovers(BitSet told, BitSet changed, BitSet mayBeTold) {
        BitSet missing = (BitSet) changed.clone();
        missing.andNot(told);
        assertThat(missing.isEmpty()).as("changes that are not told: %s", missing).isTrue();
        BitSet more = (BitSet) told.clone();
        more.andNot(mayBeTold);
        more.clear(TestedVm.DISK_BYTES / CHUNK - 1);
        assertThat(more.isEmpty()).as("called changed, and never written: %s", more).isTrue();
    }

    @Test
    final void itRuns() {
        try (VirtualMachine opened = vm().open()) {
            assertThat(opened.running()).isTrue();
            opened.requireFit();
        }
    }

    @Test
    final void whatTheGuestWritesAfterTheInstantIsNotSeen() {
        for (String disk : vm().disks()) {
            write(disk, 0, 4 * CHUNK, 1);
        }
        try (VirtualMachine opened = vm().open();
                HeldSnapshot snapshot = take(opened, request(Kept.NOTHING))) {
            Map<String, byte[]> instant = contents();
            for (String disk : vm().disks()) {
                write(disk, 512, 3 * CHUNK, 2);
                write(disk, 20 * CHUNK, CHUNK, 3);
            }
            requireContents(snapshot, instant);
            for (String disk : vm().disks()) {
                write(disk, 0, 8 * CHUNK, 4);
            }
            requireContents(snapshot, instant);
            snapshot.proveValid();
        }
        assertThat(vm().traces()).isEmpty();
        backUp(Kept.NOTHING);
    }

    /// The guest counts on one disk and then on the other, without a pause.
    @Test
    final void allDisksAreAsOfOneInstantThoughTheGuestWritesOn()
            throws InterruptedException, ExecutionException {
        for (int round = 0; round < 3; round++) {
            AtomicBoolean isOver = new AtomicBoolean();
            CountDownLatch writes = new CountDownLatch(1);
            FutureTask<Integer> guest = new FutureTask<>(() -> count(writes, isOver));
            Thread.ofPlatform().name("guest").start(guest);
            writes.await();
            try (VirtualMachine opened = vm().open();
                    HeldSnapshot snapshot = take(opened, request(Kept.NOTHING))) {
                int ahead = read(disk(snapshot, first()))[5 * CHUNK] & 0xFF;
                int behind = read(disk(snapshot, second()))[9 * CHUNK] & 0xFF;
                assertThat(ahead - behind).isIn(0, 1, -199);
                snapshot.proveValid();
            } finally {
                isOver.set(true);
            }
            assertThat(guest.get()).as("rounds of writing").isPositive();
        }
    }

    private int count(CountDownLatch writes, AtomicBoolean isOver) {
        int count = 0;
        while (!isOver.get()) {
            int pattern = 1 + count++ % 200;
            vm().write(first(), 5L * CHUNK, 512, pattern);
            vm().write(second(), 9L * CHUNK, 512, pattern);
            writes.countDown();
        }
        return count;
    }

    /// What is written while a snapshot is read belongs to the next backup.
    @Test
    final void noChangeIsMissingFromBackupToBackup() {
        Random random = new Random(1);
        Kept kept = backUp(Kept.NOTHING);
        Map<String, byte[]> before = contents();
        Map<String, BitSet> written = noChunks();
        for (int round = 0; round < 4; round++) {
            for (int i = 0; i < 8; i++) {
                String disk = vm().disks().get(random.nextInt(vm().disks().size()));
                int offset = 512 * random.nextInt((TestedVm.DISK_BYTES - CHUNK) / 512);
                int length = 512 * (1 + random.nextInt(100));
                write(disk, offset, length, random.nextInt(256));
                Objects.requireNonNull(written.get(disk))
                        .set(offset / CHUNK, (offset + length - 1) / CHUNK + 1);
            }
            try (VirtualMachine opened = vm().open();
                    HeldSnapshot snapshot = take(opened, request(kept))) {
                Map<String, byte[]> instant = contents();
                write(first(), 30 * CHUNK, 512, 77 + round);
                for (String disk : vm().disks()) {
                    requireCovers(
                            changes(disk(snapshot, disk)),
                            difference(
                                    Objects.requireNonNull(before.get(disk)),
                                    Objects.requireNonNull(instant.get(disk))),
                            Objects.requireNonNull(written.get(disk)));
                }
                requireContents(snapshot, instant);
                snapshot.proveValid();
                snapshot.keepChanges();
                kept = Kept.of(snapshot);
                before = instant;
                written = noChunks();
                Objects.requireNonNull(written.get(first())).set(30);
            }
        }
    }

    private Map<String, BitSet> noChunks() {
        return vm().disks().stream().collect(Collectors.toMap(disk -> disk, _ -> new BitSet()));
    }

    @Test
    final void withoutKeepingTheOlderRecordCounts() {
        Kept kept = backUp(Kept.NOTHING);
        write(first(), CHUNK, 512, 1);
        for (int i = 0; i < 3; i++) {
            try (VirtualMachine opened = vm().open();
                    HeldSnapshot snapshot = take(opened, request(kept))) {
                assertThat(changes(disk(snapshot, first())).get(1 + 3 * i)).isTrue();
                write(first(), (4 + 3L * i) * CHUNK, 512, 1);
            }
        }
        try (VirtualMachine opened = vm().open();
                HeldSnapshot snapshot = take(opened, request(kept))) {
            BitSet told = changes(disk(snapshot, first()));
            assertThat(List.of(told.get(1), told.get(4), told.get(7), told.get(10)))
                    .containsOnly(true);
        }
    }

    @Test
    final void onceKeptTheOlderRecordIsGone() {
        Kept old = backUp(Kept.NOTHING);
        Kept kept = backUp(old);
        assertThat(kept.generations()).hasSameSizeAs(vm().disks());
        assertThat(kept.generations().values())
                .doesNotContainAnyElementsOf(old.generations().values());
        try (VirtualMachine opened = vm().open();
                HeldSnapshot snapshot = take(opened, request(old))) {
            for (String disk : vm().disks()) {
                assertThat(reason(disk(snapshot, disk)))
                        .isIn(Reason.OTHER_GENERATION, Reason.MISSING);
            }
        }
    }

    @Test
    final void theRecordsOfTwoVaultsAreApart() {
        Kept mine = backUp(Kept.NOTHING);
        write(first(), CHUNK, 512, 1);
        Kept other = backUp(OTHER_LINEAGE, Kept.NOTHING);
        write(first(), 2 * CHUNK, 512, 2);
        mine = backUp(mine);
        write(first(), 3 * CHUNK, 512, 3);
        try (VirtualMachine opened = vm().open();
                HeldSnapshot snapshot =
                        take(opened, request(OTHER_LINEAGE, other, ByteSize.parse("1G")))) {
            BitSet told = changes(disk(snapshot, first()));
            assertThat(told.get(1)).isFalse();
            assertThat(told.get(2) && told.get(3)).isTrue();
        }
        try (VirtualMachine opened = vm().open();
                HeldSnapshot snapshot = take(opened, request(mine))) {
            BitSet told = changes(disk(snapshot, first()));
            assertThat(told.get(1) || told.get(2)).isFalse();
            assertThat(told.get(3)).isTrue();
        }
    }

    @Test
    final void nothingIsKnownOfChangesOnceTheHypervisorWasStartedAnew() {
        Kept kept = backUp(Kept.NOTHING);
        vm().kill();
        vm().start();
        write(first(), CHUNK, 512, 1);
        try (VirtualMachine opened = vm().open();
                HeldSnapshot snapshot = take(opened, request(kept))) {
            for (String disk : vm().disks()) {
                assertThat(reason(disk(snapshot, disk))).isEqualTo(Reason.RESTARTED);
            }
            requireContents(snapshot, contents());
            snapshot.proveValid();
        }
    }

    @Test
    final void whatAJobThatEndedLeftTheNextRemoves() {
        Kept kept = backUp(Kept.NOTHING);
        VirtualMachine ended = vm().open();
        HeldSnapshot left = take(ended, request(kept));
        assertThat(left.disks()).isNotEmpty();
        // What the system does when the process ends; the snapshot stays in the hypervisor.
        ended.close();
        assertThat(vm().traces()).isNotEmpty();
        write(first(), CHUNK, 512, 1);
        try (VirtualMachine opened = vm().open();
                HeldSnapshot snapshot = take(opened, request(kept))) {
            requireCovers(changes(disk(snapshot, first())), bit(1), bit(1));
            requireContents(snapshot, contents());
            snapshot.proveValid();
            snapshot.keepChanges();
        }
        assertThat(vm().traces()).isEmpty();
    }

    private static BitSet bit(int chunk) {
        BitSet bits = new BitSet();
        bits.set(chunk);
        return bits;
    }

    @Test
    final void scratchSpaceThatIsUsedUpBreaksTheSnapshotAndNotTheGuest()
            throws InterruptedException {
        for (String disk : vm().disks()) {
            write(disk, 0, TestedVm.DISK_BYTES, 1);
        }
        try (VirtualMachine opened = vm().open()) {
            HeldSnapshot snapshot =
                    take(opened, request(LINEAGE, Kept.NOTHING, ByteSize.parse("1M")));
            BlockSource source = disk(snapshot, first()).open();
            for (int at = 0; at < TestedVm.DISK_BYTES; at += 1 << 20) {
                write(first(), at, 1 << 20, 2);
                Thread.sleep(20);
            }
            requireKind(Kind.SNAPSHOT_BROKEN, snapshot::proveValid);
            requireKind(Kind.SNAPSHOT_BROKEN, () -> source.read(0, new byte[CHUNK], 0, CHUNK));
            source.close();
            snapshot.close();
            assertThat(vm().traces()).isEmpty();
        }
        backUp(Kept.NOTHING);
    }

    @Test
    final void aVmThatEndsTakesTheSnapshotWithIt() {
        try (VirtualMachine opened = vm().open()) {
            HeldSnapshot snapshot = take(opened, request(Kept.NOTHING));
            BlockSource source = disk(snapshot, first()).open();
            vm().kill();
            requireKind(Kind.UNREACHABLE, () -> source.read(0, new byte[CHUNK], 0, CHUNK));
            requireKind(Kind.UNREACHABLE, snapshot::proveValid);
            source.close();
            snapshot.close();
        }
        vm().start();
        assertThat(vm().traces()).isEmpty();
        backUp(Kept.NOTHING);
    }

    @Test
    final void aSecondJobIsRefusedAndHarmsNothing() {
        write(first(), 0, CHUNK, 1);
        try (VirtualMachine opened = vm().open();
                HeldSnapshot snapshot = take(opened, request(Kept.NOTHING))) {
            assertThat(snapshot.disks()).isNotEmpty();
            requireKind(Kind.UNREACHABLE, vm()::open);
            requireContents(snapshot, contents());
            snapshot.proveValid();
        }
        backUp(Kept.NOTHING);
    }

    @Test
    final void aDiskThatIsReadToItsEndIsStillProved() {
        try (VirtualMachine opened = vm().open();
                HeldSnapshot snapshot = take(opened, request(Kept.NOTHING))) {
            requireContents(snapshot, contents());
            snapshot.proveValid();
            snapshot.proveValid();
            vm().kill();
            try {
                snapshot.proveValid();
                throw new AssertionError("nothing proves what a VM that is gone held");
            } catch (HypervisorException e) {
                assertThat(e.kind()).isEqualTo(Kind.UNREACHABLE);
            }
        }
    }

    @Test
    final void aSnapshotThatWasLeftHoldsTheInstantWhileNobodyWatches() {
        Kept kept = backUp(Kept.NOTHING);
        write(first(), 3 * CHUNK, 512, 1);
        Map<String, byte[]> instant = contents();
        SnapshotDescriptor descriptor = left(journalled(kept));
        assertThat(vm().traces()).isNotEmpty();
        write(first(), 3 * CHUNK, 512, 2);
        write(second(), 6 * CHUNK, 2 * CHUNK, 3);
        Kept next;
        try (VirtualMachine opened = vm().open();
                HeldSnapshot snapshot = opened.adopt(descriptor)) {
            requireCovers(changes(disk(snapshot, first())), bit(3), bit(3));
            requireContents(snapshot, instant);
            snapshot.proveValid();
            snapshot.keepChanges();
            next = Kept.of(snapshot);
        }
        assertThat(vm().traces()).isEmpty();
        // Recorded since the instant, not since the adoption.
        try (VirtualMachine opened = vm().open();
                HeldSnapshot snapshot = take(opened, request(next))) {
            requireCovers(changes(disk(snapshot, first())), bit(3), bit(3));
            assertThat(changes(disk(snapshot, second())).get(6, 8).cardinality()).isEqualTo(2);
        }
    }

    @Test
    final void whoPreparesLeavesAloneWhatAJournalNames() {
        SnapshotDescriptor descriptor = left(journalled(Kept.NOTHING));
        SnapshotRequest other = request(Kept.NOTHING).keeping(KeptSnapshots.of(descriptor.name()));
        try (VirtualMachine opened = vm().open()) {
            requireKind(Kind.BUSY, () -> opened.prepare(other));
            try (HeldSnapshot snapshot = opened.adopt(descriptor)) {
                requireContents(snapshot, contents());
                snapshot.proveValid();
            }
            take(opened, other).close();
        }
        assertThat(vm().traces()).isEmpty();
    }

    @Test
    final void whatNoJournalNamesIsRemovedAndNotAdopted() {
        SnapshotDescriptor descriptor = left(journalled(Kept.NOTHING));
        try (VirtualMachine opened = vm().open()) {
            take(opened, request(Kept.NOTHING)).close();
            requireKind(Kind.SNAPSHOT_BROKEN, () -> opened.adopt(descriptor));
        }
        assertThat(vm().traces()).isEmpty();
    }

    @Test
    final void theSameSnapshotMayBePreparedAgain() {
        SnapshotRequest request = journalled(Kept.NOTHING);
        left(request);
        write(first(), 0, CHUNK, 5);
        try (VirtualMachine opened = vm().open();
                HeldSnapshot snapshot = take(opened, request)) {
            requireContents(snapshot, contents());
            snapshot.proveValid();
        }
        assertThat(vm().traces()).isEmpty();
    }

    @Test
    final void whatBrokeWhileNobodyWatchedIsNotTakenUpAndLeavesNothing() {
        for (String disk : vm().disks()) {
            write(disk, 0, TestedVm.DISK_BYTES, 1);
        }
        SnapshotRequest request = request(LINEAGE, Kept.NOTHING, ByteSize.parse("1M"));
        SnapshotDescriptor descriptor = left(request.keeping(KeptSnapshots.of(request.name())));
        write(first(), 0, TestedVm.DISK_BYTES, 2);
        try (VirtualMachine opened = vm().open()) {
            requireKind(Kind.SNAPSHOT_BROKEN, () -> opened.adopt(descriptor));
            assertThat(vm().traces()).isEmpty();
        }
        backUp(Kept.NOTHING);
    }

    @Test
    final void aSnapshotOfARunThatEndedIsNotTakenUp() {
        SnapshotDescriptor descriptor = left(journalled(Kept.NOTHING));
        vm().kill();
        requireKind(Kind.UNREACHABLE, vm()::open);
        vm().start();
        try (VirtualMachine opened = vm().open()) {
            requireKind(Kind.SNAPSHOT_BROKEN, () -> opened.adopt(descriptor));
        }
        assertThat(vm().traces()).isEmpty();
        backUp(Kept.NOTHING);
    }
}
