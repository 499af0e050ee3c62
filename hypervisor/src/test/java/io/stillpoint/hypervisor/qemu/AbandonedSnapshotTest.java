package io.stillpoint.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.hypervisor.ChildJvm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AbandonedSnapshotTest {
    private static final int SNAPSHOTS = 4;

    @TempDir Path folder;

    /// Holds some snapshots, until it is killed. Arguments: the scratch folder, the file that each sweep writes.
    public static final class Holder {
        private Holder() {}

        public static void main(String... arguments) throws IOException, InterruptedException {
            for (int i = 0; i < SNAPSHOTS; i++) {
                AbandonedSnapshot _ =
                        AbandonedSnapshot.watch(
                                Path.of(arguments[0]),
                                List.of(
                                        "/bin/sh",
                                        "-c",
                                        "echo begin >>\"$0\"; sleep 0.2; echo end >>\"$0\"",
                                        arguments[1]));
            }
            System.out.println("ready");
            Thread.sleep(Duration.ofMinutes(10));
        }
    }

    @Test
    void sweepsOfAKilledProcessComeOneAfterTheOther() throws Exception {
        Path swept = folder.resolve("swept");
        try (ChildJvm holder = new ChildJvm(Holder.class, folder.toString(), swept.toString())) {
            holder.await("ready");
        }
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        List<String> expected =
                Stream.generate(() -> List.of("begin", "end"))
                        .limit(SNAPSHOTS)
                        .flatMap(List::stream)
                        .toList();
        while (System.nanoTime() < deadline
                && (!Files.exists(swept) || Files.readAllLines(swept).size() < expected.size())) {
            Thread.sleep(50);
        }
        assertThat(swept).hasContent(String.join("\n", expected));
    }
}
