package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// Each test that `SECURITY.md` names for a claim exists.
final class SecurityPageTest {
    private static final Pattern NAMED = Pattern.compile("`(\\w+(?:Test|Contract))\\.(\\w+)`");

    @Test
    void everyTestThatThePageNamesExists() throws IOException {
        List<MatchResult> named =
                NAMED.matcher(Files.readString(Path.of("../SECURITY.md"))).results().toList();
        assertThat(named).hasSizeGreaterThan(30);
        TreeSet<String> missing = new TreeSet<>();
        for (MatchResult test : named) {
            if (!hasMethod(test.group(1), test.group(2))) {
                missing.add(test.group());
            }
        }
        assertThat(missing).isEmpty();
    }

    private static boolean hasMethod(String type, String method) throws IOException {
        try (Stream<Path> files = Files.walk(Path.of(".."))) {
            List<Path> sources =
                    files.filter(file -> file.endsWith(type + ".java"))
                            .filter(file -> !file.toString().contains("/target/"))
                            .toList();
            for (Path source : sources) {
                if (Files.readString(source).contains("void " + method + "(")) {
                    return true;
                }
            }
            return false;
        }
    }
}
