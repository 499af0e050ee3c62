package io.stillpoint.extensions;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What `extensions/build` makes.
@Timeout(300)
final class BuildTest {
    private static final Path SOURCES = Path.of("").toAbsolutePath();
    private static final String PROGRAM = "io/stillpoint/extensions/VMSnapshotLinux/%s/vmsnapshot";

    @TempDir Path folder;

    private static String run(Path script, Path target) throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder("bash", script.toString(), target.toString())
                        .redirectErrorStream(true)
                        .start();
        String output =
                new String(
                        process.getInputStream().readAllBytes(),
                        java.nio.charset.StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }

    @Test
    @Tag("slow")
    void theSameSourcesElsewhereGiveTheSameBytesAndAreBuiltOnce()
            throws IOException, InterruptedException {
        Path elsewhere = Files.createDirectory(folder.resolve("another place"));
        for (String part : List.of("build", "linux")) {
            assertThat(
                            new ProcessBuilder(
                                            "cp",
                                            "-r",
                                            SOURCES.resolve(part).toString(),
                                            elsewhere.toString())
                                    .start()
                                    .waitFor())
                    .isZero();
        }
        Path target = folder.resolve("built");

        run(elsewhere.resolve("build"), target);

        for (String architecture : List.of("x86_64", "aarch64")) {
            String name = PROGRAM.formatted(architecture);
            try (InputStream built = BuildTest.class.getResourceAsStream("/" + name)) {
                if (built == null) {
                    throw Program.missing("no compiler for " + architecture);
                }
                assertThat(Files.readAllBytes(target.resolve(name)))
                        .as(architecture)
                        .isEqualTo(built.readAllBytes());
            }
        }
        assertThat(run(elsewhere.resolve("build"), target)).isEmpty();
    }

    @Test
    void programsAreStaticAndFitTheirProcessors() throws IOException {
        // ELF: bytes 18 and 19 name the machine, 62 and 183.
        for (Map.Entry<String, Integer> machine : Map.of("x86_64", 62, "aarch64", 183).entrySet()) {
            String name = "/" + PROGRAM.formatted(machine.getKey());
            try (InputStream built = BuildTest.class.getResourceAsStream(name)) {
                if (built == null) {
                    throw Program.missing("no compiler for " + machine.getKey());
                }
                byte[] elf = Objects.requireNonNull(built).readAllBytes();
                assertThat(elf[18] & 0xFF).isEqualTo(machine.getValue());
                // The loader's name would stand near the front.
                String front =
                        new String(elf, 0, 4096, java.nio.charset.StandardCharsets.ISO_8859_1);
                assertThat(front).doesNotContain("/lib/ld-linux").doesNotContain("/lib64/ld-linux");
                assertThat(elf.length).isLessThan(2 << 20);
            }
        }
    }
}
