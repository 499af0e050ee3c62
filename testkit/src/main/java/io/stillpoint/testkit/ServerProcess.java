package io.stillpoint.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// A server of another project that runs for tests, in a process and a folder of its own. It ends with the tests, at the
/// latest with the JVM.
final class ServerProcess {
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private final Process process;
    private final Path log;
    private final Path folder;

    private ServerProcess(Process process, Path log, Path folder) {
        this.process = process;
        this.log = log;
        this.folder = folder;
    }

    /// A port that nobody listens on now.
    static int freePort() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Path newFolder(String name) {
        try {
            return Files.createTempDirectory("stillpoint-" + name);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Starts a program that does not heed its standard input, with a shell that ends it when that ends.
    static ServerProcess startGuarded(Path folder, List<String> command) {
        List<String> guarded =
                new ArrayList<>(
                        List.of(
                                "bash",
                                "-c",
                                "exec 3<&0; \"$@\" </dev/null & server=$!;"
                                        + " { cat <&3 >/dev/null; kill -KILL $server; } & wait $server",
                                "guard"));
        guarded.addAll(command);
        return start(folder, guarded);
    }

    /// Starts a program; its standard input stays open until it is to end.
    static ServerProcess start(Path folder, List<String> command) {
        return start(folder, Map.of(), command);
    }

    /// As above, with these variables besides.
    static ServerProcess start(Path folder, Map<String, String> environment, List<String> command) {
        try {
            Path log = Files.createTempFile("stillpoint-server", ".log");
            ProcessBuilder builder =
                    new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(log.toFile());
            builder.environment().putAll(environment);
            Process process = builder.start();
            ServerProcess server = new ServerProcess(process, log, folder);
            Runtime.getRuntime().addShutdownHook(new Thread(server::stop));
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Waits until the program has printed a line.
    void awaitLine(String line) {
        await(() -> log().lines().anyMatch(line::equals));
    }

    /// Waits until the program listens.
    void awaitPort(int port) {
        await(() -> {
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                return socket.isConnected();
            } catch (IOException e) {
                return false;
            }
        });
    }

    private interface Condition {
        boolean holds();
    }

    private void await(Condition condition) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.holds()) {
            if (!process.isAlive() || System.nanoTime() > end) {
                throw new AssertionError("the server did not start: " + log());
            }
            try {
                Thread.sleep(Duration.ofMillis(50));
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    private String log() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Ends it and removes its folder. Harmless when it has ended.
    void stop() {
        try {
            process.getOutputStream().close();
            if (!process.waitFor(1, TimeUnit.SECONDS)) {
                process.destroy();
            }
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
            Files.deleteIfExists(log);
            removeFolder();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void removeFolder() throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
