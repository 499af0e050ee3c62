package io.stillpoint.hypervisor;

import io.stillpoint.platform.natives.OwnedDescriptor;
import java.io.File;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;

/// Programs and rights that tests need. A test that lacks one is skipped with the reason; but where `CI=true` it fails,
/// since in CI nothing may be skipped.
public final class Binaries {
    private Binaries() {}

    public static void require(String... programs) {
        for (String program : programs) {
            boolean found = false;
            for (String folder : System.getenv("PATH").split(File.pathSeparator, -1)) {
                found |= Files.isExecutable(Path.of(folder, program));
            }
            if (!found) {
                throw absent(program + " is not installed; scripts/packages test installs it");
            }
        }
    }

    /// Needs a user who may do anything.
    ///
    /// @param why what only root can do
    public static void requireRoot(String why) {
        if (OwnedDescriptor.user() != 0) {
            throw absent(why);
        }
    }

    /// Skips the test, or fails it where nothing may be skipped. Never returns.
    public static RuntimeException absent(String reason) {
        if ("true".equals(System.getenv("CI"))) {
            Assertions.fail(reason);
        }
        System.err.println("skipped: " + reason);
        return Assumptions.abort(reason);
    }

    /// Waits until somebody listens at a socket. A server's socket is there before that.
    public static void awaitListening(Path socket, Process server) {
        while (true) {
            try (SocketChannel _ = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
                return;
            } catch (IOException e) {
                if (!server.isAlive()) {
                    throw new AssertionError("the server of " + socket + " has ended", e);
                }
                LockSupport.parkNanos(10_000_000);
            }
        }
    }

    /// Runs a program to its end and returns what it printed.
    public static String run(String... command) {
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new AssertionError(List.of(command) + " failed: " + output);
            }
            return output;
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
