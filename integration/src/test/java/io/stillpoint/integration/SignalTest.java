package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// How a command ends that is told to, or that meets what nobody foresaw.
@Timeout(120)
final class SignalTest {
    private static final Duration SOON = Duration.ofSeconds(20);

    @TempDir Path folder;

    /// It hangs where no thread can be interrupted: in opening a pipe that nobody writes to.
    @Test
    void aCommandThatHangsEndsSoonAfterSigterm() throws Exception {
        Path pipe = folder.resolve("key");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
        Files.write(folder.resolve("disk.raw"), new byte[65_536]);
        try (Command.Running running =
                new Command()
                        .start(
                                "backup",
                                "--vault",
                                folder.resolve("vault").toString(),
                                "--key-file",
                                pipe.toString(),
                                "--vm",
                                "vm",
                                "--image",
                                folder.resolve("disk.raw").toString())) {
            Command.pause(Duration.ofSeconds(2));
            if (!running.process().isAlive()) {
                // No pipe is read as a key file: then there is nothing to hang in.
                assertThat(running.end().status()).isNotZero();
                return;
            }
            assertThat(
                            new ProcessBuilder(
                                            "kill", "-TERM", Long.toString(running.process().pid()))
                                    .start()
                                    .waitFor())
                    .isZero();

            assertThat(running.process().waitFor(SOON.toSeconds(), TimeUnit.SECONDS)).isTrue();
            assertThat(running.process().exitValue()).isEqualTo(143);
        }
    }

    /// An error that is no exception ends the process at once, with a message and the status of a defect.
    @Test
    void anErrorEndsTheProcessAtOnce() {
        Command broken =
                new Command()
                        .options(
                                "-Xmx512m",
                                "-XX:+UseSerialGC",
                                "-XX:TieredStopAtLevel=1",
                                // No library is there.
                                "-DZstdNativePath=" + folder.resolve("nosuch.so"));
        long begun = System.nanoTime();

        Command.Result result =
                broken.run(
                        "vault",
                        "init",
                        "--vault",
                        folder.resolve("vault").toString(),
                        "--key-file",
                        folder.resolve("key").toString());

        assertThat(result.status()).as(result.err()).isEqualTo(4);
        assertThat(result.err()).contains("native library zstd").doesNotContain("\tat ");
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(SOON);
        assertThat(folder.resolve("vault")).doesNotExist();
        assertThat(folder.resolve("key")).doesNotExist();
    }
}
