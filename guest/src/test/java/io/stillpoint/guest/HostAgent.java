package io.stillpoint.guest;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import java.io.File;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;

/// The real qemu-ga, run on this host. It must never freeze the host: what could harm it is disabled in the agent, and no
/// test may ask for it.
public final class HostAgent implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String DISABLED =
            "guest-fsfreeze-freeze,guest-fsfreeze-freeze-list,guest-fsfreeze-thaw,guest-fstrim,"
                    + "guest-shutdown,guest-suspend-disk,guest-suspend-ram,guest-suspend-hybrid,"
                    + "guest-set-user-password,guest-set-time,guest-set-vcpus,"
                    + "guest-set-memory-blocks,guest-ssh-add-authorized-keys,"
                    + "guest-ssh-remove-authorized-keys";

    private final Path folder;
    private final Process process;

    private HostAgent(Path folder, Process process) {
        this.folder = folder;
        this.process = process;
    }

    /// Starts one whose socket is in the folder. Where there is none the test is skipped, with the reason printed; but where
    /// `CI=true` it fails, since in CI nothing may be skipped.
    ///
    /// @param others commands that it has disabled besides
    public static HostAgent start(Path folder, String... others)
            throws IOException, InterruptedException {
        Path binary = binary().orElseThrow(HostAgent::absent);
        Path socket = folder.resolve("agent.sock");
        Process process =
                new ProcessBuilder(
                                binary.toString(),
                                "-m",
                                "unix-listen",
                                "-p",
                                socket.toString(),
                                "-t",
                                folder.toString(),
                                "-f",
                                folder.resolve("agent.pid").toString(),
                                // Its short form alone is the same in all versions.
                                "-b",
                                String.join(
                                        ",",
                                        Stream.concat(Stream.of(DISABLED), Arrays.stream(others))
                                                .toList()))
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("agent.log").toFile())
                        .start();
        while (!listens(socket)) {
            assertThat(process.isAlive()).isTrue();
            Thread.sleep(10);
        }
        return new HostAgent(folder, process);
    }

    private static RuntimeException absent() {
        String reason =
                "no qemu-ga in PATH, /usr/sbin or -Dstillpoint.qemu-ga: run ./stillpoint test";
        if ("true".equals(System.getenv("CI"))) {
            Assertions.fail(reason);
        }
        System.err.println("skipped: " + reason);
        return Assumptions.abort(reason);
    }

    /// The socket's file is there a moment before anybody listens.
    private static boolean listens(Path socket) {
        try (SocketChannel _ = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    public Path socket() {
        return folder.resolve("agent.sock");
    }

    public GuestAgent connect() {
        return GuestAgent.connect(
                new AgentSocket(socket()), PATIENCE, Randomness.secure(), Threads.ofProcess());
    }

    /// Not asked to end, but ended: the handler of its signal may wait for a lock that its main loop holds.
    @Override
    public void close() throws InterruptedException {
        process.destroyForcibly();
        assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
    }

    private static Optional<Path> binary() {
        Stream<Path> given =
                Stream.ofNullable(System.getProperty("stillpoint.qemu-ga")).map(Path::of);
        Stream<Path> found =
                Stream.concat(
                                Arrays.stream(
                                        Optional.ofNullable(System.getenv("PATH"))
                                                .orElse("")
                                                .split(File.pathSeparator)),
                                Stream.of("/usr/sbin"))
                        .map(directory -> Path.of(directory, "qemu-ga"));
        return Stream.concat(given, found).filter(Files::isExecutable).findFirst();
    }
}
