package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.KeptSnapshots;
import io.stillpoint.hypervisor.SnapshotName;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Threads;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

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
                                Optional.of(JobToKill::sweep),
                                Threads.ofProcess())
                        : QemuSettings.usual(Threads.ofProcess());
        try (QemuVm vm = QemuVm.open(Path.of(arguments[0]), settings);
                HeldSnapshot snapshot = vm.prepare(request).take()) {
            var source = snapshot.disks().getFirst().open();
            source.read(0, new byte[512], 0, 512);
            System.out.println("held");
            Thread.sleep(600_000);
        }
    }

    /// The command that a guardian of the tests becomes.
    static List<String> sweep(Path socket, Path scratch, KeptSnapshots kept) {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                ProcessHandle.current().info().command().orElse("java"),
                                "--enable-native-access=ALL-UNNAMED",
                                "-XX:TieredStopAtLevel=1",
                                "-cp",
                                System.getProperty("java.class.path"),
                                Sweeping.class.getName(),
                                socket.toString(),
                                scratch.toString()));
        kept.names().forEach(name -> command.add(name.toString()));
        return command;
    }

    /// What the guardian becomes.
    static final class Sweeping {
        private Sweeping() {}

        public static void main(String[] arguments) {
            Set<SnapshotName> kept =
                    Arrays.stream(arguments)
                            .skip(2)
                            .map(SnapshotName::parse)
                            .collect(Collectors.toSet());
            new QemuSweeper(InstantSource.system(), new KeptSnapshots(kept), Threads.ofProcess())
                    .sweep(
                            new KnownMonitors.Known(
                                    "", Path.of(arguments[0]), Path.of(arguments[1])));
        }
    }
}
