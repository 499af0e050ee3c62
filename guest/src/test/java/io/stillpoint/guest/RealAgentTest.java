package io.stillpoint.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.stillpoint.guest.GuestException.Kind;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The real qemu-ga, run on this host. Freezing is tested with real VMs elsewhere.
@Tag("qemu")
@Timeout(60)
class RealAgentTest {
    private static final byte[] NO_INPUT = {};
    private static final Duration LONG = Duration.ofSeconds(20);

    @TempDir Path folder;
    private HostAgent host;
    private GuestAgent agent;

    @BeforeEach
    void start() throws IOException, InterruptedException {
        host = HostAgent.start(folder);
        agent = host.connect();
        assertThat(agent.supports("guest-fsfreeze-freeze")).isFalse();
    }

    @AfterEach
    void stop() throws InterruptedException {
        if (host != null) {
            host.close();
        }
        if (agent != null) {
            agent.close();
        }
    }

    @Test
    void saysWhatItKnowsAndHasEnabled() {
        assertThat(agent.supports("guest-ping")).isTrue();
        assertThat(agent.supports("guest-exec")).isTrue();
        assertThat(agent.supports("guest-shutdown")).isFalse();
        assertThat(agent.osInfo().path("kernel-release").asString())
                .isEqualTo(System.getProperty("os.version"));
    }

    @Test
    void runsACommandWithInputAndBothOutputs() {
        ExecResult result =
                agent.exec(
                        List.of("/bin/sh", "-c", "cat; echo \"$1\" >&2; exit 7", "sh", "a b"),
                        "in".getBytes(StandardCharsets.UTF_8),
                        LONG);

        assertThat(result.exitCode()).isEqualTo(7);
        assertThat(result.out()).asString().isEqualTo("in");
        assertThat(result.err()).asString().isEqualTo("a b\n");
        assertThat(result.truncated()).isFalse();
    }

    @Test
    void reportsASignal() {
        assertThat(agent.exec(List.of("/bin/sh", "-c", "kill -9 $$"), NO_INPUT, LONG).exitCode())
                .isEqualTo(137);
    }

    @Test
    void cutsOutputAt16MebibytesAndSaysSo() {
        ExecResult result =
                agent.exec(List.of("head", "-c", "20000000", "/dev/zero"), NO_INPUT, LONG);

        assertThat(result.truncated()).isTrue();
        assertThat(result.out()).hasSize(16 << 20);
        assertThat(result.exitCode()).isZero();
    }

    @Test
    void aCommandThatDoesNotEndIsATimeout() {
        GuestException failure =
                catchThrowableOfType(
                        GuestException.class,
                        () -> agent.exec(List.of("sleep", "2"), NO_INPUT, Duration.ofMillis(200)));

        assertThat(failure.code()).isEqualTo("guest.exec-timeout");
        assertThat(agent.exec(List.of("true"), NO_INPUT, LONG).exitCode()).isZero();
    }

    @Test
    void aMissingCommandIsRefused() {
        assertThat(
                        catchThrowableOfType(
                                        GuestException.class,
                                        () -> agent.exec(List.of("/no/such"), NO_INPUT, LONG))
                                .kind())
                .isEqualTo(Kind.REFUSED);
    }

    @Test
    void writesAndReadsFilesOfEverySizeAroundAChunk() throws IOException {
        for (int length : new int[] {0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5_000_000}) {
            byte[] content = FakeAgent.pattern(length);
            Path file = folder.resolve("file-" + length);
            agent.writeFile(file.toString(), content);
            assertThat(Files.readAllBytes(file)).isEqualTo(content);
            assertThat(agent.readFile(file.toString(), length)).isEqualTo(content);
        }
    }

    @Test
    void refusesAFileThatIsTooLongOrMissing() throws IOException {
        Path file = Files.write(folder.resolve("file"), FakeAgent.pattern(2_000_000));

        assertThat(readFailure(file, 1_999_999).code()).isEqualTo("guest.file-too-long");
        assertThat(readFailure(folder.resolve("none"), 10).kind()).isEqualTo(Kind.REFUSED);
    }

    @Test
    void aSecondClientWaitsUntilTheFirstIsClosed() {
        assertThat(
                        catchThrowableOfType(
                                        GuestException.class,
                                        () ->
                                                GuestAgent.connect(
                                                                new AgentSocket(host.socket()),
                                                                Duration.ofMillis(300),
                                                                Randomness.secure(),
                                                                Threads.ofProcess())
                                                        .close())
                                .kind())
                .isEqualTo(Kind.TIMEOUT);

        agent.close();
        try (GuestAgent second =
                GuestAgent.connect(
                        new AgentSocket(host.socket()),
                        LONG,
                        Randomness.secure(),
                        Threads.ofProcess())) {
            assertThat(second.supports("guest-ping")).isTrue();
        }
    }

    @Test
    void theWatchdogIsArmedAndCancelledWithoutATrace() throws Exception {
        // Mounts that don't exist, and a deadline far away: it can't thaw anything of this host.
        Path mounts = Files.writeString(folder.resolve("mounts"), "/dev/x /nowhere ext4 rw 0 0\n");
        FreezeWatchdog.Places places =
                new FreezeWatchdog.Places(
                        folder.toString(), mounts.toString(), folder.resolve("none").toString());
        FreezeWatchdog watchdog =
                FreezeWatchdog.arm(agent, Duration.ofMinutes(5), Randomness.secure(), places)
                        .orElseThrow();

        assertThat(tokens()).hasSize(1);
        watchdog.close();
        assertThat(tokens()).isEmpty();
    }

    private GuestException readFailure(Path file, int lengthMax) {
        return catchThrowableOfType(
                GuestException.class, () -> agent.readFile(file.toString(), lengthMax));
    }

    private List<Path> tokens() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().contains("stillpoint-freeze")).toList();
        }
    }
}
