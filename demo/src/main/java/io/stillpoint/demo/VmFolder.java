package io.stillpoint.demo;

import io.stillpoint.demo.DemoException.Kind;
import io.stillpoint.platform.disk.Reason;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/// Where a running VM has its sockets, logs and pid file.
///
/// @param temporary whether it was made for this VM and goes with it
record VmFolder(Path path, boolean temporary) {
    /// `sun_path` of unix(7) has 108 bytes, the last one zero.
    private static final int SOCKET_PATH_MAX = 107;

    static VmFolder of(VmLaunch launch) {
        Path wanted = launch.folder();
        try {
            // Not java.io.tmpdir: a long TMPDIR would make every socket's path too long.
            VmFolder folder =
                    wanted == null
                            ? new VmFolder(
                                    Files.createTempDirectory(
                                            Path.of("/tmp"), prefix(launch.name())),
                                    true)
                            : new VmFolder(Files.createDirectories(wanted.toAbsolutePath()), false);
            folder.check(launch);
            folder.removeLive(launch);
            return folder;
        } catch (IOException e) {
            throw new DemoException(
                    Kind.REQUEST,
                    "demo.folder-unusable",
                    e,
                    String.valueOf(wanted),
                    launch.name(),
                    Reason.of(e));
        }
    }

    /// Tells people whose folder it is, without letting a name out of it.
    private static String prefix(String name) {
        String safe = name.replaceAll("[^A-Za-z0-9_-]", "_");
        return "stillpoint-" + safe.substring(0, Math.min(safe.length(), 30)) + "-";
    }

    Path qmpSocket(int index) {
        return path.resolve(index == 0 ? "qmp.sock" : "qmp" + (index + 1) + ".sock");
    }

    Path agentSocket() {
        return path.resolve("agent.sock");
    }

    Path shellSocket() {
        return path.resolve("shell.sock");
    }

    Path pidFile() {
        return path.resolve("pid");
    }

    Path serialLog() {
        return path.resolve("serial.log");
    }

    Path qemuLog() {
        return path.resolve("qemu.log");
    }

    private void check(VmLaunch launch) {
        for (Path socket : sockets(launch)) {
            int length = socket.toString().getBytes(StandardCharsets.UTF_8).length;
            if (length > SOCKET_PATH_MAX) {
                throw new DemoException(
                        Kind.REQUEST,
                        "demo.socket-path-too-long",
                        null,
                        launch.name(),
                        socket.toString(),
                        length,
                        SOCKET_PATH_MAX);
            }
        }
    }

    private List<Path> sockets(VmLaunch launch) {
        List<Path> sockets = new ArrayList<>(List.of(agentSocket(), shellSocket()));
        for (int i = 0; i < launch.controlSockets(); i++) {
            sockets.add(qmpSocket(i));
        }
        return sockets;
    }

    /// What only a running VM has: an earlier one that was killed left it here.
    void removeLive(VmLaunch launch) throws IOException {
        for (Path socket : sockets(launch)) {
            Files.deleteIfExists(socket);
        }
        Files.deleteIfExists(pidFile());
    }

    /// After the VM's end: logs stay in a folder that the caller chose.
    void clear(VmLaunch launch) throws IOException {
        removeLive(launch);
        if (temporary) {
            try (Stream<Path> files = Files.walk(path)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.deleteIfExists(file);
                }
            }
        }
    }
}
