package io.stillpoint.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.hypervisor.ChangedBlocks;
import io.stillpoint.hypervisor.ChangedBlocks.Reason;
import io.stillpoint.hypervisor.HeldDisk;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.PreparedSnapshot;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.io.TempDir;

/// What the tests of snapshots do again and again; its subclasses are the tests.
abstract class Backups {
    static final String LINEAGE = "0a1b2c3d";
    static final int CHUNK = 65536;

    @TempDir Path folder;

    SnapshotRequest request(int number, Map<String, String> previous) {
        return request(number, previous, ByteSize.parse("1G"));
    }

    SnapshotRequest request(int number, Map<String, String> previous, ByteSize limit) {
        return new SnapshotRequest(
                LINEAGE,
                job(number),
                previous,
                recordings.values().stream()
                        .filter(recording ->
                                previous.values().stream().anyMatch(recording::contains))
                        .findFirst()
                        .map(Json::parse)
                        .orElse(Json.object()),
                folder.resolve("scratch"),
                limit);
    }

    /// What a recovery point would hold of each snapshot, by the job's generation.
    final Map<String, String> recordings = new HashMap<>();

    static String job(int number) {
        return String.format("%08x00000000", number);
    }

    /// The generation that a disk began in a job.
    static String generation(int number, String disk) {
        return JobNames.ofDisk(job(number), disk);
    }

    static String bitmap(int number, String disk) {
        return "sp-" + LINEAGE + "-" + generation(number, disk);
    }

    static Map<String, String> begun(int number, String... disks) {
        return Arrays.stream(disks)
                .collect(Collectors.toMap(disk -> disk, disk -> generation(number, disk)));
    }

    static Map<String, String> all(int number) {
        return begun(number, "d1", "d2");
    }

    HeldSnapshot take(QemuVm vm, SnapshotRequest request) {
        try (PreparedSnapshot prepared = vm.prepare(request)) {
            HeldSnapshot snapshot = prepared.take();
            recordings.put(request.generation(), snapshot.recording().toString());
            return snapshot;
        }
    }

    /// A whole backup; returns the changes of `d1` if they are known.
    List<Extent> backUp(RealVm vm, int number, Map<String, String> previous, boolean keep) {
        try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess());
                HeldSnapshot snapshot = take(backup, request(number, previous))) {
            List<Extent> changes =
                    disk(snapshot, "d1").changes() instanceof ChangedBlocks.Known
                            ? changes(snapshot, "d1")
                            : List.of();
            assertThat(read(snapshot, "d1")).isEqualTo(vm.content("d1"));
            assertThat(read(snapshot, "d2")).isEqualTo(vm.content("d2"));
            snapshot.proveValid();
            if (keep) {
                snapshot.keepChanges();
            }
            return changes;
        }
    }

    /// Why the changes of each disk are unknown, in a backup that is given up.
    List<Reason> reasons(RealVm vm, int number, Map<String, String> previous) {
        try (QemuVm backup = QemuVm.open(vm.socket(), Threads.ofProcess());
                HeldSnapshot snapshot = take(backup, request(number, previous))) {
            List<Reason> reasons = new ArrayList<>();
            for (HeldDisk disk : snapshot.disks()) {
                if (disk.changes() instanceof ChangedBlocks.Unknown(Reason reason)) {
                    reasons.add(reason);
                }
            }
            return reasons;
        }
    }

    static List<String> names(HeldSnapshot snapshot) {
        return snapshot.disks().stream().map(HeldDisk::name).toList();
    }

    static HeldDisk disk(HeldSnapshot snapshot, String name) {
        return snapshot.disks().stream()
                .filter(disk -> disk.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    /// Without the disk's last granule, which always counts as changed.
    static List<Extent> changes(HeldSnapshot snapshot, String name) {
        HeldDisk disk = disk(snapshot, name);
        ChangedBlocks changes = disk.changes();
        assertThat(changes).isInstanceOf(ChangedBlocks.Known.class);
        List<Extent> ranges = list(((ChangedBlocks.Known) changes).ranges().get());
        assertThat(ranges.getLast()).isEqualTo(new Extent(disk.size() - CHUNK, CHUNK));
        return ranges.subList(0, ranges.size() - 1);
    }

    static List<Extent> data(HeldSnapshot snapshot, String name) {
        try (BlockSource source = disk(snapshot, name).open()) {
            return list(source.dataExtents());
        }
    }

    static List<Extent> list(Iterator<Extent> ranges) {
        List<Extent> list = new ArrayList<>();
        ranges.forEachRemaining(list::add);
        return list;
    }

    static byte[] read(HeldSnapshot snapshot, String name) {
        byte[] bytes = new byte[RealVm.DISK_BYTES];
        try (BlockSource source = disk(snapshot, name).open()) {
            assertThat(source.size()).isEqualTo(RealVm.DISK_BYTES);
            source.read(0, bytes, 0, bytes.length);
        }
        return bytes;
    }

    /// Reads only where there may be data.
    static byte[] readData(HeldSnapshot snapshot, String name) {
        byte[] bytes = new byte[RealVm.DISK_BYTES];
        Arrays.fill(bytes, (byte) 0);
        try (BlockSource source = disk(snapshot, name).open()) {
            for (Iterator<Extent> i = source.dataExtents(); i.hasNext(); ) {
                Extent extent = i.next();
                source.read(extent.offset(), bytes, (int) extent.offset(), (int) extent.length());
            }
        }
        return bytes;
    }
}
