package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.engine.JobRecord;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.testkit.RealParts;
import io.stillpoint.testkit.TestDisks;
import io.stillpoint.testkit.TestVm;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.RecoveryPoint;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A process that backs up a real VM, and whose journal outlives it, is killed at some moment. The next one goes on with
/// the same snapshot: what the guest wrote meanwhile is not in the point, and nothing is frozen twice.
@Tag("qemu")
final class KilledLiveJobTest {
    private static final List<String> STATES =
            List.of("begun", "preparing", "held", "storing", "sealed", "committed");
    private static final int DISK_BYTES = 16 << 20;
    private static final int DELAY_MAX_MILLIS = 300;

    @TempDir private Path folder;

    @BeforeAll
    static void needQemu() {
        RealParts.assumeQemu();
    }

    /// One after each state, from `-Dkills` on more; their delays from `-Dstillpoint.seed`.
    @Test
    void theNextProcessGoesOnWithTheSameSnapshot() throws Exception {
        int kills = Math.max(STATES.size(), Integer.getInteger("kills", 0));
        Random random = new Random(VaultScript.seed(0));
        TestDisks disks = new TestDisks(folder);
        try (TestVault vault = new TestVault(folder);
                TestVm guest =
                        TestVm.start(
                                disks.qcow2Ext4("files", ByteSize.parse("64M")),
                                disks.raw("plain", new ByteSize(DISK_BYTES)))) {
            for (int i = 0; i < kills; i++) {
                Path journal = Files.createDirectories(folder.resolve("journal-" + i));
                String before = "before " + i;
                String after = "after " + i;
                write(guest, before);
                String moment = STATES.get(i % STATES.size());
                int delay = random.nextInt(DELAY_MAX_MILLIS);
                kill(guest, journal, moment, delay);
                String left = last(journal);
                write(guest, after);
                String what = "%d: killed %d ms after %s: %s".formatted(i, delay, moment, left);
                System.err.println(what);
                finish(guest, journal, what);
                boolean wasHeld = !List.of("begun", "preparing").contains(left);
                if (wasHeld) {
                    // A process may be killed between the record and its line.
                    assertThat(states(journal).stream().filter("preparing"::equals))
                            .as(what)
                            .hasSize(1);
                }
                assertThat(last(journal)).as(what).isEqualTo("finished");
                List<RecoveryPoint> points = vault.vault().points();
                assertThat(points).as(what).hasSize(i + 1);
                RecoveryPoint point = points.getLast();
                assertThat(point.consistency()).as(what).isEqualTo(Consistency.FILE_SYSTEM);
                assertThat(vault.restored(point.disk("plain").orElseThrow()))
                        .as(what)
                        .isEqualTo(content(wasHeld ? before : after));
                requireNothingLeft(guest, what);
            }
            assertThat(vault.verify().isSound()).isTrue();
        }
    }

    private static byte[] content(String line) {
        byte[] one = (line + "\n").getBytes(StandardCharsets.US_ASCII);
        byte[] all = new byte[DISK_BYTES];
        for (int i = 0; i < all.length; i++) {
            all[i] = one[i % one.length];
        }
        return all;
    }

    private static void write(TestVm guest, String line) {
        guest.sh(
                """
                for d in /sys/block/*; do
                    if [ "$(cat $d/serial 2>/dev/null)" = plain ]; then
                        yes '%s' | dd of="/dev/${d##*/}" bs=65536 count=%d iflag=fullblock conv=fsync 2>/dev/null && exit 0
                    fi
                done
                exit 1
                """
                        .formatted(line, DISK_BYTES / 65536));
    }

    private static List<String> states(Path journal) throws IOException {
        Path file = journal.resolve("states");
        return Files.exists(file) ? Files.readAllLines(file) : List.of();
    }

    private static String last(Path journal) throws IOException {
        return JobRecord.of(Json.parse(Files.readAllBytes(journal.resolve("last")))).state();
    }

    private Process start(TestVm guest, Path journal) throws IOException {
        String path =
                System.getProperty(
                        "surefire.test.class.path", System.getProperty("java.class.path"));
        return new ProcessBuilder(
                        ProcessHandle.current().info().command().orElse("java"),
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        path,
                        JobToKill.class.getName(),
                        folder.toString(),
                        journal.toString(),
                        guest.qmpSocket().toString(),
                        guest.agentSocket().toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    private static BufferedReader lines(Process process) {
        return new BufferedReader(
                new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII));
    }

    private void kill(TestVm guest, Path journal, String moment, int millis) throws Exception {
        Process process = start(guest, journal);
        try (BufferedReader lines = lines(process)) {
            List<String> said = new ArrayList<>();
            String line = lines.readLine();
            while (line != null && !line.equals(moment)) {
                said.add(line);
                line = lines.readLine();
            }
            if (line == null) {
                throw new AssertionError(
                        "ended with %d before %s, after %s"
                                .formatted(process.waitFor(), moment, said));
            }
            Command.pause(Duration.ofMillis(millis));
        } finally {
            process.destroyForcibly().waitFor();
        }
    }

    private void finish(TestVm guest, Path journal, String what) throws Exception {
        Process process = start(guest, journal);
        List<String> said = new ArrayList<>();
        try (BufferedReader lines = lines(process)) {
            lines.lines().forEach(said::add);
            assertThat(process.waitFor()).as("%s, then %s", what, said).isZero();
        } finally {
            process.destroyForcibly().waitFor();
        }
        assertThat(said.getLast()).as(what).startsWith("made ");
    }

    private static void requireNothingLeft(TestVm guest, String what) {
        try (QmpProbe probe = new QmpProbe(guest.spareQmpSocket())) {
            String nodes = probe.execute("query-named-block-nodes").toString();
            assertThat(nodes).as(what).doesNotContain("\"node-name\":\"sp-");
        }
    }
}
