package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.text.Messages;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.MessageFormat;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The texts of all modules: each is there that the code asks for, and says what it should.
final class MessagesTest {
    private static final Pattern LITERAL = Pattern.compile("\"([a-z]+(?:\\.[a-z0-9-]+)+)\"");
    private static final Pattern PLACEHOLDER = Pattern.compile("\\{(\\d+)}");
    private static final Pattern LONE_APOSTROPHE = Pattern.compile("(?<!')'(?!')");

    /// Where a word is missing.
    private static final Pattern GAP =
            Pattern.compile(
                    "\\b(no|of|in|to|is|for|from|by|with|the|a|at|on|named)([.,;:)]|$)| [.,;:)]|[:,;]\\s*$|\\( ");

    /// Texts that the command line's parser shows as they are, and finds by names of its own.
    private static final Pattern OF_PARSER =
            Pattern.compile("option\\..*|stillpoint\\..*usage\\..*");

    static List<Path> bundles() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of(".."))) {
            return files.filter(file -> file.endsWith("messages.properties"))
                    .filter(file -> file.toString().contains("/src/main/resources/"))
                    .toList();
        }
    }

    private static Properties read(Path bundle) throws IOException {
        Properties texts = new Properties();
        try (Reader reader = Files.newBufferedReader(bundle)) {
            texts.load(reader);
        }
        return texts;
    }

    /// The dotted words in the code of the bundle's package, and below as far as there is no other bundle.
    private static Set<String> wordsInCode(Path bundle) throws IOException {
        Path folder =
                Path.of(
                        Objects.requireNonNull(bundle.getParent())
                                .toString()
                                .replace("/main/resources/", "/main/java/"));
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> file.toString().endsWith(".java"))
                    .filter(file -> bundlesFor(file).getFirst().equals(bundle))
                    .flatMap(file -> LITERAL.matcher(text(file)).results())
                    .map(found -> found.group(1))
                    .filter(word -> !word.endsWith(".sock"))
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    /// Words that the code makes up from constants, and those that any module may ask of the platform.
    private static Set<String> wordsFromElsewhere(Path bundle) throws IOException {
        if (bundle.toString().contains("/platform/disk/")) {
            return Arrays.stream(Reason.values())
                    .map(reason -> "reason." + reason.name().toLowerCase(Locale.ROOT))
                    .map(word -> word.replace('_', '-'))
                    .collect(Collectors.toSet());
        }
        if (!bundle.endsWith(Path.of("io/stillpoint/platform/messages.properties"))) {
            return Set.of();
        }
        try (Stream<Path> files = Files.walk(Path.of(".."))) {
            return files.filter(file -> file.toString().endsWith(".java"))
                    .filter(file -> file.toString().contains("/src/main/java/"))
                    .flatMap(file -> LITERAL.matcher(text(file)).results())
                    .map(found -> found.group(1))
                    .filter(word -> word.startsWith("platform."))
                    .collect(Collectors.toSet());
        }
    }

    /// The bundle of a source file's package or of the nearest package around it, then those further out.
    private static List<Path> bundlesFor(Path file) {
        Path place = Path.of(file.toString().replace("/main/java/", "/main/resources/"));
        return Stream.iterate(place.getParent(), Objects::nonNull, Path::getParent)
                .map(folder -> folder.resolve("messages.properties"))
                .filter(Files::exists)
                .toList();
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @MethodSource("bundles")
    void everyTextThatTheCodeAsksForIsThereAndNoOther(Path bundle) throws IOException {
        Set<String> keys = new TreeSet<>(read(bundle).stringPropertyNames());
        keys.removeIf(key -> OF_PARSER.matcher(key).matches());
        Set<String> prefixes =
                keys.stream()
                        .map(key -> key.substring(0, key.indexOf('.') + 1))
                        .collect(Collectors.toSet());
        Set<String> used = wordsInCode(bundle);
        Set<String> missing = new TreeSet<>(used);
        missing.removeIf(word -> !prefixes.contains(word.substring(0, word.indexOf('.') + 1)));
        missing.removeAll(keys);
        for (Path outer : bundlesFor(bundle)) {
            // Codes of errors that the code tells apart.
            missing.removeAll(read(outer).stringPropertyNames());
        }
        assertThat(missing).as("used in the code, but not in the bundle").isEmpty();
        keys.removeAll(used);
        keys.removeAll(wordsFromElsewhere(bundle));
        assertThat(keys).as("in the bundle, but not used in the code").isEmpty();
    }

    @ParameterizedTest
    @MethodSource("bundles")
    void everyPatternShowsItsArgumentsAndSingleApostrophes(Path bundle) throws IOException {
        Properties texts = read(bundle);
        for (String key : texts.stringPropertyNames()) {
            String pattern = texts.getProperty(key);
            assertThat(pattern).as(key).isNotBlank();
            if (OF_PARSER.matcher(key).matches()) {
                assertThat(pattern).as(key).doesNotContain("''", "{0}");
                continue;
            }
            Set<Integer> places = new HashSet<>();
            PLACEHOLDER
                    .matcher(pattern)
                    .results()
                    .forEach(found -> places.add(Integer.parseInt(found.group(1))));
            Object[] arguments = IntStream.range(0, 9).mapToObj(i -> "<" + i + ">").toArray();
            String shown = new MessageFormat(pattern).format(arguments);
            for (int place : places) {
                assertThat(shown).as(key).contains("<" + place + ">");
            }
            assertThat(shown).as(key).doesNotContain("{", "''");
            assertThat(LONE_APOSTROPHE.matcher(pattern).find()).as(key + "=" + pattern).isFalse();
        }
    }

    /// What a guest, a store or a user left empty.
    @ParameterizedTest
    @MethodSource("bundles")
    void noTextHasAGapWhereAnArgumentIsEmpty(Path bundle) throws IOException {
        Properties texts = read(bundle);
        for (String key : texts.stringPropertyNames()) {
            String pattern = texts.getProperty(key);
            if (OF_PARSER.matcher(key).matches()) {
                continue;
            }
            for (int empty = 0; empty < 9; empty++) {
                if (!pattern.contains("{" + empty + "}")) {
                    continue;
                }
                Object[] arguments = IntStream.range(0, 9).mapToObj(i -> "<" + i + ">").toArray();
                arguments[empty] = "";
                String shown = Messages.fill(pattern, Locale.ROOT, arguments);
                String whole =
                        Messages.fill(
                                pattern,
                                Locale.ROOT,
                                IntStream.range(0, 9).mapToObj(i -> "<" + i + ">").toArray());
                assertThat(shown)
                        .as(key + " without {" + empty + "}")
                        .isNotBlank()
                        .doesNotContain("{", "()", "\"\"\"\"");
                if (!GAP.matcher(whole).find()) {
                    assertThat(GAP.matcher(shown).find())
                            .as(key + " without {" + empty + "}: " + shown)
                            .isFalse();
                }
            }
        }
    }
}
