package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HeldDisk;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.KeptSnapshots;
import io.stillpoint.hypervisor.PreparedSnapshot;
import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.SnapshotName;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.block.BlockSource;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// A job with a journal, from before the snapshot to its release, to be killed at any moment. Prints `ready` when the VM
/// is open, and each [Moment] as it comes; waits for ever at the one that it is told.
///
/// The journal is one file, replaced whole: `{"step": ..., "name": ..., "descriptor"?: ...}`.
final class HolderToKill {
    /// Where it can be told to wait.
    enum Moment {
        PREPARED,
        TAKEN,
        NOTED,
        READING,
        COMMITTED,
        NEVER
    }

    private final Path folder;
    private final Moment last;

    private HolderToKill(Path folder, Moment last) {
        this.folder = folder;
        this.last = last;
    }

    /// What a job is asked for, as a file.
    static void order(Path folder, SnapshotRequest request, boolean isGuarded) throws IOException {
        ObjectNode order =
                Json.object()
                        .put("name", request.name().toString())
                        .put("scratch", request.scratchFolder().toString())
                        .put("guarded", isGuarded);
        ObjectNode previous = order.putObject("previous");
        request.previousGenerations().forEach(previous::put);
        order.set("recording", request.previousRecording());
        ArrayNode local = order.putArray("local");
        request.local().forEach(each -> local.add(each.json()));
        Files.write(folder.resolve("order"), Json.bytes(order));
    }

    /// Arguments: the monitor's socket, the folder of order and journal, the moment.
    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[1]);
        new HolderToKill(folder, Moment.valueOf(arguments[2])).run(Path.of(arguments[0]));
    }

    private void run(Path socket) throws IOException, InterruptedException {
        JsonNode order = Json.parse(Files.readAllBytes(folder.resolve("order")));
        SnapshotName name = SnapshotName.parse(order.path("name").asString());
        QemuSettings settings =
                order.path("guarded").asBoolean()
                        ? new QemuSettings(
                                "",
                                DiskChoice.USUAL,
                                Optional.empty(),
                                Optional.of(JobToKill::sweep),
                                Threads.ofProcess())
                        : QemuSettings.usual(Threads.ofProcess());
        try (QemuVm vm = QemuVm.open(socket, settings)) {
            print("ready");
            write("begun", name, null);
            PreparedSnapshot prepared = vm.prepare(request(order, name));
            reach(Moment.PREPARED);
            HeldSnapshot snapshot = prepared.take();
            reach(Moment.TAKEN);
            write("held", name, snapshot.descriptor().json());
            reach(Moment.NOTED);
            for (HeldDisk disk : snapshot.disks()) {
                read(disk);
            }
            snapshot.proveValid();
            write("committed", name, snapshot.descriptor().json());
            reach(Moment.COMMITTED);
            ObjectNode descriptor = snapshot.descriptor().json();
            snapshot.keepChanges();
            if (!order.path("local").isEmpty()) {
                boolean _ = snapshot.keepLocal();
            }
            snapshot.close();
            write("released", name, descriptor);
        }
    }

    private static SnapshotRequest request(JsonNode order, SnapshotName name) {
        List<SnapshotDescriptor> local = new ArrayList<>();
        KeptSnapshots kept = KeptSnapshots.of(name);
        for (JsonNode each : order.path("local")) {
            SnapshotDescriptor descriptor = SnapshotDescriptor.of(each);
            local.add(descriptor);
            kept = kept.with(descriptor.name());
        }
        Map<String, String> previous = new HashMap<>();
        order.path("previous")
                .properties()
                .forEach(each -> previous.put(each.getKey(), each.getValue().asString()));
        return new SnapshotRequest(
                        name.lineage(),
                        name.generation(),
                        previous,
                        order.path("recording"),
                        Path.of(order.path("scratch").asString()),
                        ByteSize.parse("1G"))
                .keeping(kept)
                .carrying(local);
    }

    private void read(HeldDisk disk) throws InterruptedException {
        byte[] bytes = new byte[64 << 10];
        try (BlockSource source = disk.open()) {
            for (long at = 0; at < disk.size(); at += bytes.length) {
                source.read(at, bytes, 0, (int) Math.min(bytes.length, disk.size() - at));
                if (at == 0) {
                    reach(Moment.READING);
                }
            }
        }
    }

    private void write(String step, SnapshotName name, @Nullable ObjectNode descriptor)
            throws IOException {
        ObjectNode record = Json.object().put("step", step).put("name", name.toString());
        if (descriptor != null) {
            record.set("descriptor", descriptor);
        }
        Path next = Files.write(folder.resolve("journal.new"), Json.bytes(record));
        Files.move(next, folder.resolve("journal"), StandardCopyOption.ATOMIC_MOVE);
    }

    private void reach(Moment moment) throws InterruptedException {
        print(moment.name());
        if (moment == last) {
            Thread.sleep(600_000);
        }
    }

    private static void print(String line) {
        System.out.write((line + "\n").getBytes(StandardCharsets.US_ASCII), 0, line.length() + 1);
        System.out.flush();
    }
}
