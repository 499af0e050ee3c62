package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.nbd.NbdClient;
import io.stillpoint.hypervisor.nbd.NbdSource;
import io.stillpoint.hypervisor.nbd.NbdTarget;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.Undisturbed;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.text.Text;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import tools.jackson.databind.node.ObjectNode;

/// A `qemu-storage-daemon` that exports one image over NBD, on a socket in a private folder. Its owner is whoever opened
/// the image.
///
/// It ends with [#close], and with this process however that ends: a shell started it and holds the end of a pipe from us.
/// When the pipe breaks, the shell kills it.
final class StorageDaemon implements AutoCloseable {
    private static final String EXPORT = "disk";

    private static final String PROGRAM = "qemu-storage-daemon";
    private static final Duration START_MAX = Duration.ofSeconds(30);
    private static final Duration STOP_MAX = Duration.ofSeconds(60);

    /// Reads the passphrase, in base64, from the pipe's first line and gives it to the daemon, which follows as arguments. Then
    /// one shell waits for the end of the pipe, and the other for the end of the daemon, whose status is its own. Signals
    /// that a terminal sends to the whole group are for this process to handle.
    private static final String GUARDED =
            """
            trap '' INT QUIT HUP
            IFS= read -r secret
            exec 3<&0
            printf %s "$secret" | "$@" 3<&- &
            daemon=$!
            unset secret
            { while IFS= read -r line; do :; done; kill -KILL $daemon; } <&3 >/dev/null 2>&1 &
            guard=$!
            exec 3<&- </dev/null
            trap 'kill -TERM $daemon' TERM
            wait $daemon
            status=$?
            while kill -0 $daemon 2>/dev/null; do
                wait $daemon
                status=$?
            done
            kill -KILL $guard
            exit $status
            """;

    private final Path image;
    private final Path folder;
    private final Process process;
    private final Threads threads;

    private StorageDaemon(Path image, Path folder, Process process, Threads threads) {
        this.image = image;
        this.folder = folder;
        this.process = process;
        this.threads = threads;
    }

    /// Exports an image and waits until the export can be reached.
    ///
    /// @param secret the passphrase of an encrypted image; empty if it needs none
    /// @param threads make those of its NBD clients
    static StorageDaemon read(ImageChain chain, byte[] secret, Threads threads) {
        return start(chain.top().file(), chain.nodes(), secret, false, threads);
    }

    /// As above, a qcow2 image that stands by itself, to be written.
    static StorageDaemon write(Path image, Threads threads) {
        ObjectNode file =
                Json.object()
                        .put("driver", "file")
                        .put("filename", image.toAbsolutePath().toString())
                        .put("node-name", "file-0");
        ObjectNode node =
                Json.object()
                        .put("driver", ImageFormat.QCOW2)
                        .put("file", "file-0")
                        .put("node-name", ImageChain.TOP)
                        .putNull("backing")
                        .put("discard", "unmap")
                        .put("detect-zeroes", "unmap");
        return start(image, List.of(file, node), new byte[0], true, threads);
    }

    private static StorageDaemon start(
            Path image, List<ObjectNode> nodes, byte[] secret, boolean writable, Threads threads) {
        if (!isInstalled(PROGRAM)) {
            throw new HypervisorException(Kind.UNSUPPORTED, "image.no-storage-daemon", null, image);
        }
        Path folder = null;
        boolean done = false;
        try {
            folder = Files.createTempDirectory("stillpoint-");
            Process process =
                    new ProcessBuilder(command(nodes, secret.length > 0, writable, folder))
                            .redirectErrorStream(true)
                            .redirectOutput(log(folder).toFile())
                            .start();
            StorageDaemon daemon = new StorageDaemon(image, folder, process, threads);
            daemon.give(secret);
            daemon.awaitSocket();
            done = true;
            return daemon;
        } catch (IOException e) {
            throw ImageErrors.failed(image, e);
        } finally {
            if (!done && folder != null) {
                removeFolder(folder);
            }
        }
    }

    /// The image's content, over several connections.
    NbdSource source() {
        return NbdSource.open(address(), EXPORT, NbdClient.DEFAULT_CONNECTIONS, threads);
    }

    /// The image, to be written over several connections.
    NbdTarget target() {
        return NbdTarget.open(address(), EXPORT, NbdClient.DEFAULT_CONNECTIONS, threads);
    }

    private UnixDomainSocketAddress address() {
        return UnixDomainSocketAddress.of(socket(folder));
    }

    /// Ends it in an orderly way: the image's tables are complete when this returns.
    void stop() {
        // Not Process.destroy: that closes the pipe too, and then the guard kills what is about to
        // end.
        boolean _ = process.toHandle().destroy();
        boolean ended = await(STOP_MAX);
        int code = ended ? process.exitValue() : -1;
        Text output = output(UnaryOperator.identity());
        close();
        // 128 + SIGTERM is how Java reports a process that let the signal end it.
        if (code != 0 && code != 143) {
            throw ImageErrors.of("image.storage-daemon-failed", image, output);
        }
    }

    @Override
    public void close() {
        breakPipe();
        if (!await(STOP_MAX)) {
            process.destroyForcibly();
        }
        removeFolder(folder);
    }

    private static List<String> command(
            List<ObjectNode> nodes, boolean hasSecret, boolean writable, Path folder) {
        List<String> command = new ArrayList<>(List.of("sh", "-c", GUARDED, PROGRAM, PROGRAM));
        if (hasSecret) {
            command.addAll(List.of("--object", text(ImageChain.secret())));
        }
        nodes.forEach(node -> command.addAll(List.of("--blockdev", text(node))));
        ObjectNode address =
                Json.object().put("type", "unix").put("path", socket(folder).toString());
        ObjectNode server = Json.object();
        server.set("addr", address);
        ObjectNode export =
                Json.object()
                        .put("type", "nbd")
                        .put("id", EXPORT)
                        .put("name", EXPORT)
                        .put("node-name", ImageChain.TOP)
                        .put("writable", writable);
        command.addAll(List.of("--nbd-server", text(server), "--export", text(export)));
        return command;
    }

    /// The pipe stays open as long as the daemon is to live.
    private void give(byte[] secret) throws IOException {
        try {
            OutputStream pipe = process.getOutputStream();
            byte[] line = Base64.getEncoder().encode(secret);
            pipe.write(line);
            pipe.write('\n');
            pipe.flush();
            Arrays.fill(line, (byte) 0);
        } catch (IOException e) {
            // It ended already, and says why.
            if (process.isAlive()) {
                throw e;
            }
        }
    }

    private void breakPipe() {
        try {
            process.getOutputStream().close();
        } catch (IOException e) {
            // Closing is all that was wanted: what was not read yet is of no use any more.
        }
    }

    private void awaitSocket() {
        long deadline = System.nanoTime() + START_MAX.toNanos();
        boolean done = false;
        try {
            while (!answers()) {
                if (!process.isAlive()) {
                    throw notStarted();
                }
                if (System.nanoTime() > deadline) {
                    throw ImageErrors.of(
                            "image.storage-daemon-failed", image, "no answer for 30 seconds");
                }
                await(Duration.ofMillis(5));
            }
            done = true;
        } finally {
            if (!done) {
                close();
            }
        }
    }

    private HypervisorException notStarted() {
        return ImageErrors.of(
                "image.storage-daemon-failed", image, output(StorageDaemon::withoutCommand));
    }

    /// QEMU repeats the option that it complains of.
    private static String withoutCommand(String output) {
        return output.lines()
                .map(line -> line.replaceFirst("^qemu-storage-daemon: (--\\w+ \\{.*\\}: )?", ""))
                .collect(Collectors.joining(" "));
    }

    private boolean answers() {
        try (SocketChannel channel = SocketChannel.open(address())) {
            return channel.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    /// Whether it has ended.
    private boolean await(Duration time) {
        long deadline = System.nanoTime() + time.toNanos();
        return Undisturbed.await(
                () -> process.waitFor(deadline - System.nanoTime(), TimeUnit.NANOSECONDS));
    }

    private Text output(UnaryOperator<String> form) {
        try {
            String written = Files.readString(log(folder), StandardCharsets.UTF_8);
            return Text.verbatim(form.apply(written.strip()));
        } catch (IOException e) {
            return Reason.of(e);
        }
    }

    static boolean isInstalled(String program) {
        String path = System.getenv("PATH");
        for (String folder : (path == null ? "" : path).split(File.pathSeparator, -1)) {
            if (!folder.isEmpty() && Files.isExecutable(Path.of(folder, program))) {
                return true;
            }
        }
        return false;
    }

    private static String text(ObjectNode node) {
        return new String(Json.bytes(node), StandardCharsets.UTF_8);
    }

    private static Path socket(Path folder) {
        return folder.resolve("nbd.sock");
    }

    private static Path log(Path folder) {
        return folder.resolve("log");
    }

    private static void removeFolder(Path folder) {
        try {
            Files.deleteIfExists(socket(folder));
            Files.deleteIfExists(log(folder));
            Files.deleteIfExists(folder);
        } catch (IOException e) {
            // A small file in the system's folder for temporary files, which is cleaned anyway.
        }
    }
}
