package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.platform.Json;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.databind.node.ObjectNode;

/// The one NBD server that a QEMU process can have.
final class NbdServer {
    private final Monitor monitor;
    private final Path socket;

    NbdServer(Monitor monitor, Path socket) {
        this.monitor = monitor;
        this.socket = socket;
    }

    UnixDomainSocketAddress address() {
        return UnixDomainSocketAddress.of(socket);
    }

    /// Starts it, after a server that an ended job of ours has left. Refuses if another program uses it.
    void start() {
        if (answers()) {
            // The path is ours alone, so the server is, too.
            monitor.execute("nbd-server-stop");
        }
        ObjectNode address = Json.object().put("type", "unix");
        address.set("data", Json.object().put("path", socket.toString()));
        ObjectNode arguments = Json.object().put("max-connections", 1024);
        arguments.set("addr", address);
        try {
            monitor.execute("nbd-server-start", arguments);
        } catch (HypervisorException e) {
            if (e.kind() == Kind.REFUSED && String.valueOf(e.getMessage()).contains("already")) {
                throw new HypervisorException(
                        Kind.UNSUPPORTED, "vm.nbd-server-busy", e, monitor.socket());
            }
            throw e;
        }
    }

    /// Stops a server that had exports of ours, wherever it listens, unless others have exports on it, too.
    void stopAfterOurExports() {
        if (monitor.execute("query-block-exports").isEmpty()) {
            monitor.ask("nbd-server-stop", Json.object());
        }
        removeSocket();
    }

    /// Stops it if it is ours and nobody else has exported anything on it.
    void stop() {
        if (answers() && monitor.execute("query-block-exports").isEmpty()) {
            monitor.execute("nbd-server-stop");
        }
        removeSocket();
    }

    /// Removes the socket's file, which a killed QEMU leaves.
    void removeSocket() {
        try {
            if (!answers()) {
                Files.deleteIfExists(socket);
            }
        } catch (IOException e) {
            // An unused socket harms nobody, and the next server takes its place.
        }
    }

    private boolean answers() {
        try (SocketChannel channel = SocketChannel.open(address())) {
            return channel.isConnected();
        } catch (IOException e) {
            return false;
        }
    }
}
