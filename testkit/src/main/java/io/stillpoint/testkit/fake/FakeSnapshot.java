package io.stillpoint.testkit.fake;

import io.stillpoint.hypervisor.ChangedBlocks.Reason;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.platform.Json;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/// What a job has put into a [FakeVm]: scratch space that stands ready, and from the instant on what the guest has
/// overwritten since. Outlives the job. Guarded by the VM.
final class FakeSnapshot {
    final SnapshotRequest request;

    /// The hypervisor's process that it lives in.
    final int run;

    final List<HeldState> disks = new ArrayList<>();

    /// What the VM was when nothing of this was in it.
    final ObjectNode configuration;

    /// What its records of changes rest on.
    private ObjectNode recording = Json.object();

    private long scratchTaken;
    private boolean isTaken;
    private @Nullable HypervisorException broken;

    /// One disk.
    static final class HeldState {
        final FakeDisk disk;

        /// Under which changes are recorded from the instant on.
        final String generation;

        /// Why changes are not known; empty if they are.
        final Optional<Reason> unknown;

        private final Map<Integer, byte[]> saved = new HashMap<>();
        private BitSet changes = new BitSet();
        private int size;

        HeldState(FakeDisk disk, String generation, Optional<Reason> unknown) {
            this.disk = disk;
            this.generation = generation;
            this.unknown = unknown;
            this.size = disk.size();
        }

        BitSet changes() {
            return (BitSet) changes.clone();
        }

        /// At the instant.
        int size() {
            return size;
        }

        void read(int offset, byte[] into, int at, int length) {
            for (int done = 0; done < length; ) {
                int block = (offset + done) / FakeDisk.BLOCK;
                int within = (offset + done) % FakeDisk.BLOCK;
                byte[] bytes = saved.get(block);
                byte[] source = bytes == null ? disk.block(block) : bytes;
                int part = Math.min(length - done, source.length - within);
                System.arraycopy(source, within, into, at + done, part);
                done += part;
            }
        }
    }

    FakeSnapshot(SnapshotRequest request, int run, ObjectNode configuration) {
        this.request = request;
        this.run = run;
        this.configuration = configuration;
    }

    ObjectNode recording() {
        return recording.deepCopy();
    }

    boolean isTaken() {
        return isTaken;
    }

    /// The instant.
    void take(ObjectNode facts) {
        isTaken = true;
        recording = facts;
        for (HeldState held : disks) {
            held.size = held.disk.size();
            held.disk.begin(request.lineage(), held.generation);
            String previous = request.previousGenerations().get(held.disk.name);
            if (held.unknown.isEmpty() && previous != null) {
                held.changes = held.disk.recorded(request.lineage(), previous);
            }
        }
    }

    /// Before the guest overwrites a block. Where there is no room the snapshot breaks, and the guest writes on.
    void save(FakeDisk disk, int block) {
        if (!isTaken || broken != null) {
            return;
        }
        for (HeldState held : disks) {
            if (held.disk.equals(disk) && !held.saved.containsKey(block)) {
                byte[] bytes = disk.block(block);
                if (scratchTaken + bytes.length > request.scratchMax().bytes()) {
                    failForRoom();
                    return;
                }
                scratchTaken += bytes.length;
                held.saved.put(block, bytes);
            }
        }
    }

    /// There is no room for more copies.
    void failForRoom() {
        fail(
                new HypervisorException(
                        HypervisorException.Kind.SNAPSHOT_BROKEN,
                        "snapshot.scratch-full",
                        null,
                        "fake",
                        Long.toString(scratchTaken),
                        request.scratchMax().toString()));
    }

    /// Before a disk is made shorter. What is lost there is told by the size.
    void saveBehind(FakeDisk disk, int size) {
        for (HeldState held : disks) {
            if (held.disk.equals(disk)) {
                for (int block = size / FakeDisk.BLOCK; block < disk.blocks(); block++) {
                    held.saved.putIfAbsent(block, disk.block(block));
                }
            }
        }
    }

    /// Its copies are gone, as are the guest's costs for it.
    void fail(HypervisorException reason) {
        if (broken == null) {
            broken = reason;
            disks.forEach(held -> held.saved.clear());
        }
    }

    void requireWhole() {
        if (broken != null) {
            throw broken;
        }
    }

    boolean isWhole() {
        return isTaken
                && broken == null
                && disks.stream().allMatch(held -> held.disk.size() == held.size());
    }

    SnapshotDescriptor descriptor() {
        return new SnapshotDescriptor(
                "fake",
                request.name(),
                disks.stream()
                        .map(held ->
                                new SnapshotDescriptor.Disk(
                                        held.disk.name,
                                        held.size(),
                                        held.disk.format,
                                        Optional.of(held.generation),
                                        Optional.empty(),
                                        Optional.empty()))
                        .toList(),
                Json.object().put("run", run));
    }

    /// The names that show that it is there.
    List<String> traces() {
        String job = "sp-" + request.lineage() + "-" + request.generation().substring(0, 8);
        List<String> traces = new ArrayList<>();
        for (int i = 0; i < disks.size(); i++) {
            traces.add("scratch " + job + "-fl-" + i);
            if (isTaken && broken == null) {
                traces.add("filter " + job + "-cbw-" + i);
            }
        }
        return traces;
    }

    /// Whether any byte differs from zeros in a block at the instant.
    static boolean isData(HeldState held, int block) {
        int from = block * FakeDisk.BLOCK;
        byte[] bytes = new byte[Math.min(FakeDisk.BLOCK, held.size() - from)];
        held.read(from, bytes, 0, bytes.length);
        return !Arrays.equals(bytes, new byte[bytes.length]);
    }
}
