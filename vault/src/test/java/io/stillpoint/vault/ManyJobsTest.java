package io.stillpoint.vault;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Jobs of one process on one vault, in the heap that a machine with few processors has.
@Timeout(300)
class ManyJobsTest {
    @TempDir Path folder;

    /// Each could use more than a third of the memory that there is.
    @Test
    void fiftyJobsAtOnceAllEndWithinTheHeap() throws Exception {
        assertThat(run("fifty")).endsWith("all is well");
    }

    @Test
    void aJobOfOneDiskDoesNotWaitForThoseOfAHundred() throws Exception {
        assertThat(run("small")).endsWith("all is well");
    }

    private String run(String what) throws IOException, InterruptedException {
        String path =
                System.getProperty(
                        "surefire.test.class.path", System.getProperty("java.class.path"));
        Process process =
                new ProcessBuilder(
                                List.of(
                                        ProcessHandle.current().info().command().orElse("java"),
                                        "-Xmx512m",
                                        "-XX:+UseSerialGC",
                                        "--enable-native-access=ALL-UNNAMED",
                                        "-cp",
                                        path,
                                        ManyJobs.class.getName(),
                                        folder.toString(),
                                        what))
                        .redirectErrorStream(true)
                        .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output.strip();
    }
}
