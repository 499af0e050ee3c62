package io.stillpoint.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.hypervisor.KeptSnapshots;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class ScratchOptionsTest {
    @AfterEach
    void forget() {
        System.clearProperty("stillpoint.aot");
    }

    private static List<String> command() {
        return ScratchOptions.guardian(Path.of("/state"))
                .command(Path.of("/run/qmp"), Path.of("/scratch"), new KeptSnapshots(Set.of()));
    }

    @Test
    void theGuardianStartsFromTheCacheOfClassesOfItsParent() {
        System.setProperty("stillpoint.aot", "/built/stillpoint.aot");

        assertThat(command())
                .containsSubsequence("-XX:AOTCache=/built/stillpoint.aot", "-cp", "sweep")
                .containsSubsequence("--qmp", "/run/qmp", "--scratch", "/scratch");
    }

    @Test
    void withoutACacheTheGuardianStartsAllTheSame() {
        assertThat(command())
                .noneMatch(each -> each.startsWith("-XX:AOTCache"))
                .containsSubsequence("-cp", "sweep", "--qmp", "/run/qmp");
    }
}
