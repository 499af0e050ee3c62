package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.KeptSnapshots;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Holds a snapshot with an open reader until it is killed. Arguments: socket, scratch folder, lineage, generation, and
/// anything more if it is to be swept by a guardian.
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
        QemuSettings settings =
                arguments.length > 4
                        ? new QemuSettings(
                                "",
                                DiskChoice.USUAL,
                                Optional.empty(),
                                Optional.of(JobToKill::sweep))
                        : QemuSettings.USUAL;
        try (QemuVm vm = QemuVm.open(Path.of(arguments[0]), settings);
                HeldSnapshot snapshot = vm.prepare(request).take()) {
            var source = snapshot.disks().getFirst().open();
            source.read(0, new byte[512], 0, 512);
            System.out.println("held");
            Thread.sleep(600_000);
        }
    }

    private static List<String> sweep(Path socket, Path scratch, KeptSnapshots kept) {
        return List.of(
                ProcessHandle.current().info().command().orElse("java"),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Sweeping.class.getName(),
                socket.toString(),
                scratch.toString());
    }

    /// What the guardian becomes.
    static final class Sweeping {
        private Sweeping() {}

        public static void main(String[] arguments) {
            new QemuSweeper(InstantSource.system())
                    .sweep(
                            new KnownMonitors.Known(
                                    "", Path.of(arguments[0]), Path.of(arguments[1])));
        }
    }
}
