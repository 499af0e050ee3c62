package io.stillpoint.cli;

import io.stillpoint.hypervisor.qemu.KnownMonitors;
import io.stillpoint.hypervisor.qemu.QemuSettings;
import io.stillpoint.platform.StillpointException;
import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// Where scratch images lie, and where what is left of them is noted.
final class ScratchOptions {
    private ScratchOptions() {}

    /// Empty if this user has no place for what is kept.
    static Optional<KnownMonitors> known(StateOptions state) {
        try {
            return Optional.of(new KnownMonitors(state.folder().resolve("monitors")));
        } catch (StillpointException e) {
            return Optional.empty();
        }
    }

    /// The command that sweeps one VM: this program, as it was started.
    ///
    /// @param state where the monitors are noted
    static QemuSettings.Guardian guardian(Path state) {
        return (socket, scratch, kept) -> {
            List<String> command = new ArrayList<>();
            command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
            command.addAll(
                    List.of(
                            "-Xmx128m",
                            "-XX:+UseSerialGC",
                            "-XX:TieredStopAtLevel=1",
                            "--enable-native-access=ALL-UNNAMED"));
            // Where a service is killed, one starts for each of its snapshots, at once, beside the
            // next service.
            Optional.ofNullable(System.getProperty("stillpoint.aot"))
                    .ifPresent(cache -> command.add("-XX:AOTCache=" + cache));
            command.addAll(
                    List.of(
                            "-cp",
                            classPath(),
                            Stillpoint.class.getName(),
                            "sweep",
                            "--alone",
                            "--qmp",
                            socket.toString(),
                            "--scratch",
                            scratch.toString(),
                            "--state-dir",
                            state.toAbsolutePath().toString()));
            kept.names().forEach(name -> command.addAll(List.of("--keep", name.toString())));
            return command;
        };
    }

    /// The guardian has another working folder.
    private static String classPath() {
        return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
                .map(part -> Path.of(part).toAbsolutePath().toString())
                .collect(Collectors.joining(File.pathSeparator));
    }
}
