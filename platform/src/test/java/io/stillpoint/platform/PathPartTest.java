package io.stillpoint.platform;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PathPartTest {
    private static final List<String> HOSTILE =
            List.of(
                    "",
                    ".",
                    "..",
                    "../PWNED",
                    "/etc/passwd",
                    "a/b",
                    "a\\b",
                    "a\0b",
                    "a\nb",
                    "\u001b[31mred",
                    "\u0085next",
                    "\u202egnp.exe",
                    "\u2028line",
                    "\ud800half",
                    "-rf",
                    ".hidden",
                    " blank",
                    "blank ",
                    "dot.",
                    "C:",
                    "con|pipe",
                    "a*?",
                    "~",
                    "m".repeat(250),
                    "ü".repeat(150),
                    "\ud83d\udcbe".repeat(80));

    @TempDir Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"vda", "system disk", "büro", "web-1.example_2", "日本", "x..y"})
    void anOrdinaryNameStaysAsItIs(String name) {
        assertThat(PathPart.of(name)).isEqualTo(name);
    }

    @Test
    void everyOtherNameBecomesOnePartWithinTheFolder() {
        for (String name : HOSTILE) {
            String part = PathPart.of(name);
            assertThat(part.getBytes(StandardCharsets.UTF_8).length).as(name).isBetween(1, 200);
            assertThat(part).as(name).doesNotContainPattern("[/\\\\\\p{C}\\u2028\\u2029]");
            assertThat(part).as(name).isNotEqualTo(name).doesNotContainPattern("^[. -]|[. ]$");
            Path file = folder.resolve(part + ".raw");
            assertThat(file.normalize().getParent()).as(name).isEqualTo(folder);
        }
    }

    @Test
    void whatItMakesCanBeAFile() throws java.io.IOException {
        for (String name : List.of("../PWNED", "m".repeat(250), "a\0b", ".")) {
            assertThat(Files.createFile(folder.resolve(PathPart.of(name) + ".raw.partial")))
                    .exists();
        }
    }

    @Test
    void twoNamesNeverBecomeOne() {
        Set<String> names = new HashSet<>(HOSTILE);
        names.addAll(
                List.of(
                        "a_b",
                        "a:b",
                        "_",
                        "__",
                        "m".repeat(251),
                        "m".repeat(250) + "x",
                        "\ud801half",
                        "?half"));
        // Whoever knows how names are made can't choose one that meets another's.
        List.copyOf(names).forEach(name -> names.add(PathPart.of(name)));
        Set<String> parts = new HashSet<>();
        for (String name : names) {
            assertThat(parts.add(PathPart.of(name))).as(name).isTrue();
        }
    }

    @Test
    void itIsTheSameEachTime() {
        assertThat(PathPart.of("vg1/root"))
                .isEqualTo(PathPart.of("vg1/root"))
                .startsWith("vg1_root~");
    }
}
