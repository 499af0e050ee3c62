package io.stillpoint.hypervisor.qemu;

import io.stillpoint.platform.natives.UnixSocket;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/// The process behind a monitor's socket, as the system tells (proc(5)). The credentials of the socket are those of the
/// moment when it began to listen; a QEMU that gave up rights since (`-runas`) has others now.
///
/// @param peer the socket's credentials
record QemuProcess(UnixSocket.Peer peer) {
    private static final int COMMAND_BYTES_MAX = 256 << 10;

    static QemuProcess of(UnixSocket.Peer peer) {
        return new QemuProcess(peer);
    }

    int id() {
        return peer.process();
    }

    /// Its effective user now, if the system tells.
    OptionalInt user() {
        for (String line : lines("status")) {
            if (line.startsWith("Uid:")) {
                String[] ids = line.substring("Uid:".length()).strip().split("\\s+");
                try {
                    return ids.length > 1
                            ? OptionalInt.of(Integer.parseUnsignedInt(ids[1]))
                            : OptionalInt.empty();
                } catch (NumberFormatException e) {
                    return OptionalInt.empty();
                }
            }
        }
        return OptionalInt.empty();
    }

    /// Whether a signal or a debugger has stopped it: nothing answers then, whoever asks.
    boolean isStopped() {
        for (String line : lines("status")) {
            if (line.startsWith("State:")) {
                String state = line.substring("State:".length()).strip();
                return state.startsWith("T") || state.startsWith("t");
            }
        }
        return false;
    }

    /// Its security label, as `libvirt-UUID (enforce)` with AppArmor or `system_u:system_r:svirt_t:s0:c1,c2` with
    /// SELinux; empty where there is none.
    String label() {
        List<String> lines = lines("attr/current");
        String label = lines.isEmpty() ? "" : lines.getFirst().strip();
        int end = label.indexOf('\0');
        return end < 0 ? label : label.substring(0, end);
    }

    /// Its arguments; empty where they can't be read.
    List<String> arguments() {
        try (var in = Files.newInputStream(file("cmdline"))) {
            String all = new String(in.readNBytes(COMMAND_BYTES_MAX), StandardCharsets.UTF_8);
            List<String> arguments = new ArrayList<>(List.of(all.split("\0", -1)));
            if (!arguments.isEmpty() && arguments.getLast().isEmpty()) {
                arguments.removeLast();
            }
            return arguments;
        } catch (IOException e) {
            return List.of();
        }
    }

    @Override
    public String toString() {
        return "process " + id();
    }

    private List<String> lines(String name) {
        try {
            return Files.readAllLines(file(name), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            // It ended, or belongs to a system that hides it.
            return List.of();
        }
    }

    private Path file(String name) {
        return Path.of("/proc", Integer.toString(id()), name);
    }
}
