package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.hypervisor.ChangedBlocks;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/// `docs/job.md` lists every reason that a recovery point may give for how a disk was read, and no other.
final class JobPageTest {
    private static final Pattern ROW =
            Pattern.compile("(?m)^\\|.*\\| `(?:full|comparison)` \\| `([a-z-]+)` \\|$");

    @Test
    void everyReasonOfADiskIsInTheTable() throws IOException {
        Set<String> documented = new TreeSet<>();
        ROW.matcher(Files.readString(Path.of("../docs/job.md")))
                .results()
                .forEach(row -> documented.add(row.group(1)));
        Set<String> used = new TreeSet<>(Set.of("base-damaged", "contradicted"));
        for (ChangedBlocks.Reason reason : ChangedBlocks.Reason.values()) {
            used.add(reason.name().toLowerCase(Locale.ROOT).replace('_', '-'));
        }
        assertThat(documented).isEqualTo(used);
    }
}
