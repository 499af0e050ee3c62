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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The texts of all modules: each is there that the code asks for, and says what it should.
final class MessagesTest {
    private static final Pattern LITERAL = Pattern.compile("\"([a-z]+(?:\\.[a-z0-9-]+)+)\"");

    /// A text or an exception as it is made: the class that names the bundle, and the key.
    private static final Pattern ANCHORED =
            Pattern.compile(
                    "(?:Text\\.of\\(\\s*(\\w+)\\.class,|new (\\w+Exception)\\((?:\\s*[\\w.()]*[Kk]ind[\\w.()]*,)?)"
                            + "\\s*\"([a-z]+(?:\\.[a-z0-9-]+)+)\"");

    private static final Pattern PLACEHOLDER = Pattern.compile("\\{(\\d+)}");
    private static final Pattern LONE_APOSTROPHE = Pattern.compile("(?<!')'(?!')");

    /// Where a word is missing.
    private static final Pattern GAP =
            Pattern.compile(
                    "\\b(no|of|in|to|is|for|from|by|with|the|a|at|on|named)([.,;:)]|$)| [.,;:)]|[:,;]\\s*$|\\( ");

    /// Texts that the command line's parser shows as they are, and finds by names of its own.
    private static final Pattern OF_PARSER =
            Pattern.compile("option\\..*|stillpoint\\..*usage\\..*");

    /// A whole command, which is right for everybody who reads of it.
    private static final Pattern COMMAND =
            Pattern.compile("stillpoint( ([a-z]+|--[a-z-]+|\\{\\d}|[A-Z]+|\\d+))+");

    /// An option, with what the service has instead.
    private static final Pattern PAIR =
            Pattern.compile(
                    "--[a-z-]+(,? (or|and) (--[a-z-]+|[A-Z_]+))? \\((the service|a policy): ([a-zA-Z.-]+)\\)");

    /// What no job of the service comes to: images of stopped VMs, restores, and what changes keys or guests by hand.
    private static final Pattern OF_COMMANDS =
            Pattern.compile(
                    "image\\..*|restore\\..*|engine\\.rescue-.*|vault\\.opener-slot|extension\\.prerequisite-hash");

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

    /// The dotted words in the code of the bundle's module. Which of its bundles a text is in,
    /// [#everyTextIsInTheBundleOfItsAnchor] asks.
    private static Set<String> wordsInCode(Path bundle) throws IOException {
        try (Stream<Path> files = Files.walk(module(bundle).resolve("src/main/java"))) {
            return files.filter(file -> file.toString().endsWith(".java"))
                    .flatMap(file -> LITERAL.matcher(text(file)).results())
                    .map(found -> found.group(1))
                    .filter(word -> !word.endsWith(".sock"))
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    private static Path module(Path bundle) {
        return Path.of(bundle.toString().replaceFirst("/src/main/resources/.*", ""));
    }

    /// All bundles of the same module.
    private static List<Path> beside(Path bundle) throws IOException {
        return bundles().stream().filter(other -> module(other).equals(module(bundle))).toList();
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
        for (Path other : beside(bundle)) {
            missing.removeAll(read(other).stringPropertyNames());
        }
        assertThat(missing).as("used in the code, but not in the bundle").isEmpty();
        keys.removeAll(used);
        keys.removeAll(wordsFromElsewhere(bundle));
        assertThat(keys).as("in the bundle, but not used in the code").isEmpty();
    }

    /// Whatever the package that asks: the bundle is that of the anchor which the code names.
    @Test
    void everyTextIsInTheBundleOfItsAnchor() throws IOException {
        Map<String, List<String>> packages = new HashMap<>();
        List<Path> sources;
        try (Stream<Path> files = Files.walk(Path.of(".."))) {
            sources =
                    files.filter(file -> file.toString().endsWith(".java"))
                            .filter(file -> file.toString().contains("/src/main/java/io/"))
                            .toList();
        }
        for (Path source : sources) {
            String name = source.getFileName().toString().replace(".java", "");
            packages.computeIfAbsent(name, _ -> new ArrayList<>()).add(packageOf(source));
        }
        Map<String, Properties> bundles = new HashMap<>();
        for (Path bundle : bundles()) {
            Path folder = Objects.requireNonNull(bundle.getParent());
            bundles.put(
                    folder.toString().replaceFirst(".*/resources/", "").replace('/', '.'),
                    read(bundle));
        }
        List<String> missing = new ArrayList<>();
        int found = 0;
        for (Path source : sources) {
            for (MatchResult each : ANCHORED.matcher(text(source)).results().toList()) {
                String anchor = each.group(1) == null ? each.group(2) : each.group(1);
                Optional<String> home = home(anchor, source, packages);
                if (home.isEmpty()) {
                    continue;
                }
                found++;
                Properties bundle = bundles.getOrDefault(home.get(), new Properties());
                if (!bundle.containsKey(each.group(3))) {
                    missing.add(source + ": " + anchor + ", " + each.group(3));
                }
            }
        }
        assertThat(missing).isEmpty();
        assertThat(found).isGreaterThan(200);
    }

    private static String packageOf(Path source) {
        return Objects.requireNonNull(source.getParent())
                .toString()
                .replaceFirst(".*/src/main/java/", "")
                .replace('/', '.');
    }

    /// The package of a class that a source names, if it is one of ours.
    private static Optional<String> home(
            String name, Path source, Map<String, List<String>> packages) {
        List<String> homes = packages.getOrDefault(name, List.of());
        String text = text(source);
        return homes.stream()
                .filter(home -> text.contains("import " + home + "." + name + ";"))
                .findFirst()
                .or(() -> homes.stream().filter(packageOf(source)::equals).findFirst());
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

    /// Texts of the modules below are shown by commands and by the service, where an option means nothing.
    @Test
    void optionsStandBesideTheSettingOfTheService() throws IOException {
        String settings =
                Files.readString(Path.of("../docs/stillpoint.yaml"))
                        + Files.readString(Path.of("../docs/policies.md"));
        Set<String> pairs = new TreeSet<>();
        for (Path bundle : bundles()) {
            if (!module(bundle).toString().matches(".*/(engine|hypervisor|guest|vault|stores)")) {
                continue;
            }
            Properties texts = read(bundle);
            for (String key : texts.stringPropertyNames()) {
                String text = COMMAND.matcher(texts.getProperty(key)).replaceAll("");
                PAIR.matcher(text).results().map(found -> found.group(5)).forEach(pairs::add);
                if (!OF_COMMANDS.matcher(key).matches()) {
                    assertThat(PAIR.matcher(text).replaceAll("")).as(key).doesNotContain("--");
                }
            }
        }
        assertThat(pairs).hasSizeGreaterThan(5);
        for (String pair : pairs) {
            for (String word : pair.split("\\.")) {
                if (!word.matches("[A-Z]+")) {
                    assertThat(settings).as(pair).containsPattern("(?m)[ {]*\\b" + word + ": ?");
                }
            }
        }
    }
}
