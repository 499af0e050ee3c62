package io.stillpoint.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.hypervisor.ChangedBlocks;
import io.stillpoint.hypervisor.HeldDisk;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.KeptSnapshots;
import io.stillpoint.hypervisor.PreparedSnapshot;
import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.hypervisor.VmIdentity;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// What a job relies on in any VM, whether it runs or not. A provider's tests extend this; those of a provider of running
/// VMs extend [RunningVmContract].
public abstract class VirtualMachineContract {
    protected static final String LINEAGE = "0a1b2c3d";
    protected static final int CHUNK = 65_536;
    private static final ByteSize ENOUGH = ByteSize.parse("1G");

    @TempDir Path folder;
    private TestedVm vm;
    private int jobs;

    /// What each disk should hold.
    private final Map<String, byte[]> contents = new HashMap<>();

    /// A new VM whose disks read as zeros.
    ///
    /// @param folder empty, and for this VM alone; jobs take `folder/scratch` as their scratch folder
    protected abstract TestedVm start(Path folder);

    @BeforeEach
    final void startVm() {
        vm = start(folder);
        vm.disks().forEach(disk -> contents.put(disk, new byte[TestedVm.DISK_BYTES]));
    }

    @AfterEach
    final void endVm() {
        vm.close();
    }

    protected final TestedVm vm() {
        return vm;
    }

    /// Writes as the guest would, and remembers.
    protected final void write(String disk, long offset, int length, int pattern) {
        vm.write(disk, offset, length, pattern);
        Arrays.fill(content(disk), (int) offset, (int) offset + length, (byte) pattern);
    }

    /// What a disk should hold; not a copy.
    protected final byte[] content(String disk) {
        return Optional.ofNullable(contents.get(disk)).orElseThrow();
    }

    /// What all disks should hold, to be compared with later.
    protected final Map<String, byte[]> contents() {
        Map<String, byte[]> copy = new HashMap<>();
        contents.forEach((name, content) -> copy.put(name, content.clone()));
        return copy;
    }

    /// What a recovery point keeps for the next request.
    ///
    /// @param generations of the disks that record changes
    /// @param recording as JSON text, as a point keeps it
    protected record Kept(Map<String, String> generations, String recording) {
        static final Kept NOTHING = new Kept(Map.of(), "{}");

        static Kept of(HeldSnapshot snapshot) {
            Map<String, String> generations = new HashMap<>();
            for (HeldDisk disk : snapshot.disks()) {
                disk.generation().ifPresent(generation -> generations.put(disk.name(), generation));
            }
            return new Kept(generations, snapshot.recording().toString());
        }
    }

    protected final SnapshotRequest request(Kept previous) {
        return request(LINEAGE, previous, ENOUGH);
    }

    protected final SnapshotRequest request(String lineage, Kept previous, ByteSize scratchMax) {
        JsonNode recording = Json.parse(previous.recording());
        return new SnapshotRequest(
                lineage,
                String.format("%08x00000000", ++jobs),
                previous.generations(),
                recording,
                folder.resolve("scratch"),
                scratchMax);
    }

    protected static HeldSnapshot take(VirtualMachine opened, SnapshotRequest request) {
        try (PreparedSnapshot prepared = opened.prepare(request)) {
            return prepared.take();
        }
    }

    /// A whole backup of the first lineage, which is proved and whose record is kept.
    protected final Kept backUp(Kept previous) {
        return backUp(LINEAGE, previous);
    }

    protected final Kept backUp(String lineage, Kept previous) {
        try (VirtualMachine opened = vm.open();
                HeldSnapshot snapshot = take(opened, request(lineage, previous, ENOUGH))) {
            requireContents(snapshot, contents());
            snapshot.proveValid();
            snapshot.keepChanges();
            return Kept.of(snapshot);
        }
    }

    protected static HeldDisk disk(HeldSnapshot snapshot, String name) {
        return snapshot.disks().stream()
                .filter(disk -> disk.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    protected static byte[] read(HeldDisk disk) {
        byte[] bytes = new byte[Math.toIntExact(disk.size())];
        try (BlockSource source = disk.open()) {
            assertThat(source.size()).isEqualTo(disk.size());
            source.read(0, bytes, 0, bytes.length);
        }
        return bytes;
    }

    /// Every disk reads as it should, whole and where it says that it has data.
    protected static void requireContents(HeldSnapshot snapshot, Map<String, byte[]> expected) {
        assertThat(snapshot.disks()).hasSize(expected.size());
        expected.forEach((name, content) -> {
            HeldDisk disk = disk(snapshot, name);
            assertThat(Arrays.equals(read(disk), content)).as("%s, read whole", name).isTrue();
            assertThat(Arrays.equals(readData(disk), content)).as("%s, data", name).isTrue();
        });
    }

    private static byte[] readData(HeldDisk disk) {
        byte[] bytes = new byte[Math.toIntExact(disk.size())];
        long end = 0;
        try (BlockSource source = disk.open()) {
            for (Iterator<Extent> extents = source.dataExtents(); extents.hasNext(); ) {
                Extent extent = extents.next();
                assertThat(extent.offset())
                        .as("ascending, not overlapping")
                        .isGreaterThanOrEqualTo(end);
                end = extent.end();
                source.read(extent.offset(), bytes, (int) extent.offset(), (int) extent.length());
            }
        }
        assertThat(end).isLessThanOrEqualTo(disk.size());
        return bytes;
    }

    protected static ChangedBlocks.Reason reason(HeldDisk disk) {
        assertThat(disk.changes()).isInstanceOf(ChangedBlocks.Unknown.class);
        return ((ChangedBlocks.Unknown) disk.changes()).reason();
    }

    protected static void requireKind(HypervisorException.Kind kind, Runnable call) {
        assertThatThrownBy(call::run)
                .isInstanceOfSatisfying(
                        HypervisorException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    }

    @Test
    final void disksHaveNamesOfTheirOwnThatStayTheSame() {
        for (int i = 0; i < 2; i++) {
            try (VirtualMachine opened = vm.open();
                    HeldSnapshot snapshot = take(opened, request(Kept.NOTHING))) {
                assertThat(snapshot.disks().stream().map(HeldDisk::name))
                        .doesNotHaveDuplicates()
                        .containsExactlyInAnyOrderElementsOf(vm.disks());
                assertThat(snapshot.disks())
                        .allMatch(disk -> disk.size() == TestedVm.DISK_BYTES)
                        .noneMatch(disk -> disk.format().isEmpty());
            }
        }
    }

    @Test
    final void everyByteIsReadAndEveryDataExtentTold() {
        for (String disk : vm.disks()) {
            write(disk, 0, 512, 1);
            write(disk, 3 * CHUNK + 1024, 3 * CHUNK, 2);
            write(disk, TestedVm.DISK_BYTES - 512, 512, 3);
        }
        try (VirtualMachine opened = vm.open();
                HeldSnapshot snapshot = take(opened, request(Kept.NOTHING))) {
            requireContents(snapshot, contents());
            snapshot.proveValid();
        }
    }

    @Test
    final void nothingIsKnownOfChangesBeforeTheFirstPoint() {
        try (VirtualMachine opened = vm.open();
                HeldSnapshot snapshot = take(opened, request(Kept.NOTHING))) {
            assertThat(snapshot.disks())
                    .allMatch(disk -> disk.changes() instanceof ChangedBlocks.Unknown);
        }
    }

    @Test
    final void itIsTheSameMachineEachTime() {
        VmIdentity first = identity();
        backUp(Kept.NOTHING);
        assertThat(identity().isSameAs(first)).isTrue();
        vm.kill();
        vm.start();
        assertThat(identity().isSameAs(first)).isTrue();
    }

    private VmIdentity identity() {
        try (VirtualMachine opened = vm.open()) {
            return opened.identity();
        }
    }

    @Test
    final void itsConfigurationNamesIt() {
        try (VirtualMachine opened = vm.open()) {
            assertThat(opened.configuration().has("name")).isTrue();
            assertThat(opened.configuration().path("hypervisor").asString("")).isNotEmpty();
            assertThat(opened.configuration().path("disks")).hasSameSizeAs(vm.disks());
        }
    }

    @Test
    final void whatIsPreparedAndNotTakenLeavesNothing() {
        try (VirtualMachine opened = vm.open()) {
            opened.prepare(request(Kept.NOTHING)).close();
            assertThat(vm.traces()).isEmpty();
            // And is in nobody's way.
            take(opened, request(Kept.NOTHING)).close();
        }
        assertThat(vm.traces()).isEmpty();
    }

    @Test
    final void nothingIsLeftOfASnapshotThatIsClosed() {
        try (VirtualMachine opened = vm.open()) {
            HeldSnapshot snapshot = take(opened, request(Kept.NOTHING));
            assertThat(snapshot.disks()).isNotEmpty();
            snapshot.close();
            assertThat(vm.traces()).isEmpty();
            snapshot.close();
        }
        assertThat(vm.traces()).isEmpty();
    }

    @Test
    final void aPreparationMayBeClosedOnceItWasTaken() {
        try (VirtualMachine opened = vm.open();
                PreparedSnapshot prepared = opened.prepare(request(Kept.NOTHING));
                HeldSnapshot snapshot = prepared.take()) {
            prepared.close();
            requireContents(snapshot, contents());
            snapshot.proveValid();
        }
        assertThat(vm.traces()).isEmpty();
    }

    /// A request whose snapshot some journal names.
    protected final SnapshotRequest journalled(Kept previous) {
        SnapshotRequest request = request(previous);
        return request.keeping(KeptSnapshots.of(request.name()));
    }

    /// As a journal gives it back.
    protected static SnapshotDescriptor stored(SnapshotDescriptor descriptor) {
        return SnapshotDescriptor.of(Json.parse(descriptor.json().toString()));
    }

    /// A snapshot that a process has taken and left.
    protected final SnapshotDescriptor left(SnapshotRequest request) {
        try (VirtualMachine opened = vm.open()) {
            HeldSnapshot snapshot = take(opened, request);
            SnapshotDescriptor descriptor = stored(snapshot.descriptor());
            assertThat(descriptor.name()).isEqualTo(request.name());
            snapshot.detach();
            snapshot.close();
            return descriptor;
        }
    }

    @Test
    final void whatAProcessLeavesAnotherTakesUp() {
        vm.disks().forEach(disk -> write(disk, 2 * CHUNK, CHUNK, 1));
        SnapshotDescriptor descriptor;
        JsonNode configuration;
        String recording;
        try (VirtualMachine opened = vm.open()) {
            HeldSnapshot snapshot = take(opened, journalled(Kept.NOTHING));
            descriptor = stored(snapshot.descriptor());
            recording = snapshot.recording().toString();
            configuration = opened.configuration();
            // Read in part, and neither closed nor let go of: the process ends.
            read(disk(snapshot, vm.disks().getFirst()));
        }
        // Any number of processes, one after the other.
        for (int i = 0; i < 2; i++) {
            try (VirtualMachine opened = vm.open()) {
                HeldSnapshot snapshot = opened.adopt(descriptor);
                assertThat(snapshot.descriptor().json()).hasToString(descriptor.json().toString());
                assertThat(snapshot.recording()).hasToString(recording);
                assertThat(opened.configuration()).hasToString(configuration.toString());
                requireContents(snapshot, contents());
                snapshot.proveValid();
                if (i == 0) {
                    snapshot.detach();
                }
                snapshot.close();
            }
        }
        assertThat(vm.traces()).isEmpty();
    }

    @Test
    final void whatIsNoDescriptorOfThisProviderIsNotTakenUp() {
        SnapshotDescriptor descriptor = left(journalled(Kept.NOTHING));
        SnapshotDescriptor other =
                new SnapshotDescriptor(
                        "nobody", descriptor.name(), descriptor.disks(), descriptor.state());
        try (VirtualMachine opened = vm.open()) {
            requireKind(HypervisorException.Kind.SNAPSHOT_BROKEN, () -> opened.adopt(other));
            opened.adopt(descriptor).close();
        }
        assertThat(vm.traces()).isEmpty();
    }
}
