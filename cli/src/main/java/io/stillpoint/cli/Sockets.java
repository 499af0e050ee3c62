package io.stillpoint.cli;

import java.io.IOException;
import java.nio.file.Path;

/// Paths of sockets as backups note them.
final class Sockets {
    private Sockets() {}

    /// Links resolved where the socket is there.
    static Path real(Path socket) {
        try {
            return socket.toRealPath();
        } catch (IOException e) {
            return socket.toAbsolutePath().normalize();
        }
    }
}
