package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import java.nio.file.Path;
import java.util.Map;

/// Holds a snapshot with an open reader until it is killed. Arguments: socket, scratch folder, lineage,
/// generation.
final class JobToKill {
    private JobToKill() {}

    public static void main(String[] arguments) throws InterruptedException {
        SnapshotRequest request =
                new SnapshotRequest(
                        arguments[2],
                        arguments[3],
                        Map.of(),
                        Json.object(),
                        Path.of(arguments[1]),
                        ByteSize.parse("1G"));
        try (QemuVm vm = QemuVm.open(Path.of(arguments[0]));
                HeldSnapshot snapshot = vm.prepare(request).take()) {
            var source = snapshot.disks().getFirst().open();
            source.read(0, new byte[512], 0, 512);
            System.out.println("held");
            Thread.sleep(600_000);
        }
    }
}
