package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.VirtualMachine.Channel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import tools.jackson.databind.JsonNode;

/// A character device that QEMU serves at a unix socket. That a path leads to it is proved from both ends: the path
/// is that of the device, and QEMU sees a client come when one connects there. A path alone proves nothing, since
/// anybody may have put another socket in its place.
final class QemuChannel implements Channel {
    private static final String DISCONNECTED = "disconnected:";
    private static final Duration PATIENCE = Duration.ofSeconds(2);
    private static final Duration POLL = Duration.ofMillis(20);

    private final Monitor monitor;
    private final String label;

    private QemuChannel(Monitor monitor, String label) {
        this.monitor = monitor;
        this.label = label;
    }

    /// The device at this path, unless a client is connected to it already.
    static Optional<Channel> find(Monitor monitor, Optional<QemuRun> process, Path socket) {
        Optional<FileId> wanted = FileId.of(socket);
        for (JsonNode device : monitor.execute("query-chardev")) {
            String name = address(device);
            if (!name.isEmpty() && isSame(name, socket, wanted, process)) {
                QemuChannel channel = new QemuChannel(monitor, device.path("label").asString(""));
                // The client of a job that has just ended may not have been noticed yet.
                return channel.await(false) ? Optional.of(channel) : Optional.empty();
            }
        }
        return Optional.empty();
    }

    @Override
    public boolean isConnected() {
        return await(true);
    }

    private boolean await(boolean connected) {
        long begin = System.nanoTime();
        do {
            for (JsonNode device : monitor.execute("query-chardev")) {
                boolean isDisconnected =
                        device.path("filename").asString("").startsWith(DISCONNECTED);
                if (device.path("label").asString("").equals(label)
                        && isDisconnected != connected) {
                    return true;
                }
            }
            LockSupport.parkNanos(POLL.toNanos());
        } while (System.nanoTime() - begin < PATIENCE.toNanos());
        return false;
    }

    /// The path in a description such as `disconnected:unix:/run/agent.sock,server=on`; empty if it has none.
    static String address(JsonNode device) {
        String text = device.path("filename").asString("");
        if (text.startsWith(DISCONNECTED)) {
            text = text.substring(DISCONNECTED.length());
        }
        if (!text.startsWith("unix:") || !text.matches(".*,server(=on)?(,.*)?")) {
            return "";
        }
        // An abstract name is no path: it can't be given as one.
        if (text.matches(".*,abstract(=on)?(,.*)?")) {
            return "";
        }
        return text.substring("unix:".length())
                .replaceFirst(
                        "(,(server|wait|nowait|tight|telnet|tn3270|websocket)(=on|=off)?)+$", "");
    }

    private static boolean isSame(
            String name, Path socket, Optional<FileId> wanted, Optional<QemuRun> process) {
        if (wanted.isEmpty()) {
            return false;
        }
        if (process.isPresent()) {
            return FileId.of(process.get().file(name)).equals(wanted);
        }
        return FileId.of(name.startsWith("/") ? Path.of(name) : socket.resolveSibling(name))
                .equals(wanted);
    }
}
