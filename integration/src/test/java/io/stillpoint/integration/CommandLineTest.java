package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.testkit.Bytes;
import io.stillpoint.testkit.SparseImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// The command's contract: exit codes, JSON, help, environment. One vault serves all tests, none of which changes it.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class CommandLineTest {
    private static final int USAGE = 2;
    private static final int INPUT = 3;
    private static final int ENVIRONMENT = 4;
    private static final int DAMAGE = 5;
    private static final Pattern BARE_KEY = Pattern.compile("(?m)(^|: )[a-z]+(\\.[a-z-]+)+\\s*$");

    @TempDir static Path folder;
    private CommandVault vault;
    private Path image;
    private String point;

    @BeforeAll
    void makeVault() {
        vault = CommandVault.make(folder);
        image =
                SparseImage.create(folder.resolve("disk.raw"), ByteSize.parse("4M"))
                        .write(0, Bytes.RANDOM, 300_000, 1)
                        .file();
        Path other = SparseImage.create(folder.resolve("other.raw"), ByteSize.parse("1M")).file();
        point = vault.backup(image, other).path("id").asString();
    }

    /// Runs the command once for people and once for programs, which must fail alike.
    private void requireFailure(int status, String code, String hint, String... arguments) {
        Command.Result people = vault.run(arguments);
        assertThat(people.status()).as(people.err()).isEqualTo(status);
        assertThat(people.err()).startsWith("stillpoint: ").containsIgnoringCase(hint);
        assertThat(people.err()).doesNotContain("{0}", "''", "\tat ").doesNotMatch(BARE_KEY);
        String[] forPrograms = Arrays.copyOf(arguments, arguments.length + 1);
        forPrograms[arguments.length] = "--json";
        Command.Result programs = vault.run(forPrograms);
        assertThat(programs.status()).isEqualTo(status);
        JsonNode error = programs.json().path("error");
        assertThat(error.path("code").asString()).isEqualTo(code);
        assertThat(people.err()).contains(error.path("message").asString());
        assertThat(error.path("retryable").asBoolean()).isFalse();
    }

    @Test
    void whatTheUserGotWrongIsSaidWithStatus3() throws IOException {
        Path empty = Files.createDirectories(folder.resolve("empty"));
        Path otherKey = CommandVault.make(empty).key();
        requireFailure(
                INPUT, "vault.wrong-key", "key file", "points", "--key-file", otherKey.toString());
        requireFailure(
                INPUT, "vault.not-a-vault", "vault init", "points", "--vault", folder.toString());
        requireFailure(
                INPUT,
                "vault.key-file-missing",
                "STILLPOINT_KEY_FILE",
                "points",
                "--key-file",
                folder.resolve("none").toString());
        requireFailure(
                INPUT,
                "vault.key-file-form",
                "not a Stillpoint key file",
                "points",
                "--key-file",
                image.toString());
        requireFailure(
                INPUT,
                "vault.no-such-point",
                "stillpoint points",
                "restore",
                "--point",
                "none",
                "--to",
                folder.resolve("x").toString());
        requireFailure(INPUT, "vault.no-such-point", "zz", "diff", point, "zz");
        requireFailure(
                INPUT,
                "image.missing",
                "no image",
                "backup",
                "--vm",
                "vm",
                "--image",
                folder.resolve("none.raw").toString());
    }

    @Test
    void aRestoreThatCantBeMeantIsRefusedWithStatus3() throws IOException {
        Path taken = Files.writeString(folder.resolve("taken.raw"), "mine");
        requireFailure(
                INPUT,
                "restore.target-exists",
                "not overwritten",
                "restore",
                "--point",
                point,
                "--disk",
                "disk",
                "--to",
                taken.toString());
        assertThat(taken).hasContent("mine");
        requireFailure(
                INPUT,
                "restore.no-such-disk",
                "disk, other",
                "restore",
                "--point",
                point,
                "--disk",
                "third",
                "--to",
                folder.resolve("x").toString());
        requireFailure(
                INPUT,
                "restore.many-disks",
                "--disk",
                "restore",
                "--point",
                point,
                "--to",
                folder.resolve("x").toString());
    }

    @Test
    void aVaultIsNotMadeOverAnotherNorItsKeyFileMade() {
        Path key = folder.resolve("another-key");
        requireFailure(
                INPUT, "vault.exists", "already", "vault", "init", "--key-file", key.toString());
        assertThat(key).doesNotExist();
    }

    @Test
    void serviceThatDoesNotRunIsToldWithWhatToDo() {
        String[] control = {"--control", folder.resolve("no.sock").toString()};
        for (String command : List.of("backup --vm x", "vm list", "job list", "status")) {
            List<String> arguments = new ArrayList<>(List.of(command.split(" ")));
            arguments.addAll(Arrays.asList(control));
            Command.Result result = InProcess.run(arguments.toArray(String[]::new));
            assertThat(result.status()).as(command).isEqualTo(ENVIRONMENT);
            assertThat(result.err()).contains(control[1], "stillpoint serve");
        }
    }

    @Test
    void whatIsNoCommandIsTwoLinesAndStatus2() {
        for (String[] arguments :
                List.of(
                        new String[] {"backup", "--no-such-option"},
                        new String[] {"no-such-command"},
                        new String[] {"restore", "--to", "x"},
                        new String[] {"backup", "--vm", "x", "--vault", "v"},
                        new String[] {"backup", "--vm", "x", "--qmp", "b", "--freeze-limit", "601"},
                        new String[] {"backup", "--vm", "x", "--image", "a", "--qmp", "b"})) {
            Command.Result result = InProcess.run(arguments);
            assertThat(result.status()).as(String.join(" ", arguments)).isEqualTo(USAGE);
            List<String> lines = result.err().lines().toList();
            assertThat(lines).hasSize(2).allMatch(line -> line.length() <= 200);
            assertThat(lines.getFirst()).startsWith("stillpoint: ");
            assertThat(lines.getLast()).startsWith("Try: stillpoint help");
            assertThat(result.out()).isEmpty();
            String[] forPrograms = Arrays.copyOf(arguments, arguments.length + 1);
            forPrograms[arguments.length] = "--json";
            Command.Result programs = InProcess.run(forPrograms);
            assertThat(programs.status()).isEqualTo(USAGE);
            assertThat(programs.err()).isEmpty();
            JsonNode error = programs.json().path("error");
            assertThat(error.path("code").asString()).isEqualTo("usage");
            assertThat(lines.getFirst())
                    .isEqualTo("stillpoint: " + error.path("message").asString());
            assertThat(error.path("retryable").asBoolean(true)).isFalse();
        }
        Command.Result noVault = new Command().run("points");
        assertThat(noVault.status()).isEqualTo(USAGE);
        assertThat(noVault.err()).contains("--vault");
    }

    @Test
    void aFlippedBitInAPackIsStatus5() throws IOException {
        Path damaged = Files.createDirectory(folder.resolve("damaged"));
        CommandVault other = CommandVault.make(damaged);
        String id = other.backup(image).path("id").asString();
        Path pack = largest(other.files("packs"));
        byte[] bytes = Files.readAllBytes(pack);
        bytes[bytes.length / 3] ^= 0x10;
        Files.write(pack, bytes);
        Command.Result text = other.run("vault", "verify");
        assertThat(text.status()).as(text.err()).isEqualTo(DAMAGE);
        assertThat(text.out()).contains(pack.getFileName().toString());
        Command.Result json = other.run("vault", "verify", "--json");
        assertThat(json.status()).isEqualTo(DAMAGE);
        assertThat(json.json().path("sound").asBoolean()).isFalse();
        assertThat(json.json().path("damagedPoints").path(0).asString()).isEqualTo(id);
        Path target = damaged.resolve("restored.raw");
        Command.Result restore =
                other.run("restore", "--point", id, "--to", target.toString(), "--json");
        assertThat(restore.status()).isEqualTo(DAMAGE);
        assertThat(restore.json().path("error").path("message").asString()).isNotEmpty();
        assertThat(target).doesNotExist();
        assertThat(damaged.resolve("restored.raw.partial")).doesNotExist();
    }

    private static Path largest(List<Path> files) throws IOException {
        Path largest = files.getFirst();
        for (Path file : files) {
            largest = Files.size(file) > Files.size(largest) ? file : largest;
        }
        return largest;
    }

    @Test
    void everyResultIsOneJsonDocument() {
        assertThat(vault.succeed("points", "--json").json().path("points").path(0).path("id"))
                .hasToString("\"" + point + "\"");
        assertThat(vault.succeed("vault", "info", "--json").json().path("points").asInt())
                .isEqualTo(1);
        assertThat(vault.succeed("diff", point, point, "--json").json().path("disks").size())
                .isEqualTo(2);
        assertThat(vault.succeed("vault", "verify", "--json").json().path("sound").asBoolean())
                .isTrue();
        Command.Result points = vault.run("points", "--vm", "none", "--json");
        assertThat(points.json().path("error").path("code").asString())
                .isEqualTo("points.no-such-vm");
        assertThat(points.err()).isEmpty();
        assertThat(vault.succeed("points", "--vm", "vm", "--json").json().path("points").size())
                .isEqualTo(1);
    }

    @Test
    void optionsWinOverTheEnvironment() {
        Command.Result result =
                new Command()
                        .environment(Map.of("STILLPOINT_VAULT", "/nonexistent"))
                        .run(
                                "points",
                                "--vault",
                                vault.vault().toString(),
                                "--key-file",
                                vault.key().toString());
        assertThat(result.status()).as(result.err()).isZero();
        assertThat(result.out()).contains(point.substring(0, 12)).contains("crash", "full");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "vault",
                "vault init",
                "vault info",
                "vault verify",
                "key",
                "key list",
                "key add",
                "key change",
                "key remove",
                "key check",
                "key sheet",
                "key recover",
                "backup",
                "points",
                "restore",
                "rescue",
                "rescue list",
                "rescue verify",
                "rescue restore",
                "vault repair",
                "vault prune",
                "vault copy",
                "vault discard",
                "forget",
                "diff",
                "help",
                "guest",
                "guest status",
                "guest install",
                "guest uninstall",
                "guest test-scripts",
                "demo"
            })
    void helpDescribesTheCommandAndEachOption(String command) {
        Command.Result help = InProcess.run(("help " + command).strip().split(" "));
        assertThat(help.status()).as(help.err()).isZero();
        boolean isLeaf = !help.out().contains("Commands:");
        if (isLeaf) {
            assertThat(help.out()).contains("\nExamples:\n  stillpoint " + command);
        }
        assertThat(help.out().lines()).allMatch(each -> each.length() <= 80);
        assertThat(help.out()).startsWith("Usage: stillpoint");
        // A key of the bundle, a variable, a doubled apostrophe: none may be seen.
        assertThat(help.out()).doesNotContain("option.", "usage.", "${", "''", "{0}");
        List<String> lines = help.out().lines().toList();
        int description = 1;
        while (!lines.get(description).matches("[A-Z].*")) {
            // More of the usage.
            description++;
        }
        assertThat(lines.get(description)).doesNotStartWith("Commands:");
        for (int i = description + 1; i < lines.size(); i++) {
            if (lines.get(i).matches("\\s+(-\\w, +)?--.*")) {
                assertThat(lines.get(i) + (i + 1 < lines.size() ? lines.get(i + 1) : ""))
                        .as("with a description")
                        .matches("\\s+(-\\w, +)?--\\S+ +\\w.*");
            }
        }
    }

    @Test
    void helpOfTheWholeTellsTheExitCodes() {
        String help = InProcess.run("--help").out();
        assertThat(help).contains("Exit codes:", "  6 ", "  130 ");
        assertThat(InProcess.run("help").out()).isEqualTo(help);
        assertThat(new Command().run("--version").out()).matches("stillpoint \\d+\\.\\d+.*\\s*");
    }

    @Test
    void helpIsTheSameHoweverItIsAskedFor() {
        for (String command : new String[] {"backup", "vault init", "key add"}) {
            Command.Result asked = InProcess.run(("help " + command).split(" "));
            Command.Result option = InProcess.run((command + " --help").split(" "));
            assertThat(asked.out()).isEqualTo(option.out());
        }
        Command.Result unknown = InProcess.run("help", "vault", "initt");
        assertThat(unknown.status()).isEqualTo(USAGE);
        assertThat(unknown.err()).contains("initt", "Did you mean: init");
    }

    @Test
    void helpKeepsQuietAboutOptionsThatMeanNothingThere() {
        assertThat(InProcess.run("help", "backup").out()).contains("--differences", "--cache-size");
        assertThat(InProcess.run("help", "points").out())
                .contains("--cache-size")
                .doesNotContain("--differences");
        assertThat(InProcess.run("help", "vault", "init").out())
                .contains("--max-cost")
                .doesNotContain("--cache-", "--differences");
        assertThat(InProcess.run("help", "rescue", "list").out())
                .doesNotContain("--cache-", "--differences");
        vault.succeed("points", "--differences");
    }

    @Test
    void withoutArgumentsAnOverviewIsShown() {
        Command.Result result = InProcess.run();
        assertThat(result.status()).isZero();
        assertThat(result.out()).contains("\n  stillpoint backup ", "stillpoint help");
        assertThat(result.out().lines()).hasSizeLessThan(15).allMatch(line -> line.length() <= 120);
        Command.Result group = InProcess.run("vault");
        assertThat(group.status()).isEqualTo(USAGE);
        assertThat(group.err())
                .contains("init, info, verify")
                .endsWith("Try: stillpoint help vault\n");
    }

    @Test
    void completionKnowsTheCommandsAndTheirOptions() {
        Command.Result result = InProcess.run("generate-completion");
        assertThat(result.status()).as(result.err()).isZero();
        assertThat(result.out()).contains("_picocli_stillpoint_backup", "--qmp", "test-scripts");
    }

    /// An empty value comes of a variable that was not set.
    @Test
    void emptyValuesAreErrors() {
        for (String[] arguments :
                new String[][] {
                    {"points", "--vault="},
                    {"points", "--key-file", ""},
                    {"points", "--vm", ""},
                    {"backup", "--vm", "", "--image", "x"},
                    {"backup", "--vm", "x", "--image", ""},
                    {"backup", "--vm", "x", "--qmp", " "},
                    {"restore", "--point", "", "--to", "x"},
                    {"restore", "--point", point, "--to", ""},
                    {"forget", ""},
                    {"forget", "--vm", "vm", "--keep-last", ""},
                    {"key", "add", "--label", "", "--new-key-file", "x"},
                    {"guest", "status", "--state-dir", ""},
                    {"vault", "verify", "--sample", ""},
                    {"points", "--max-cost", ""}
                }) {
            List<String> line = new ArrayList<>(List.of(arguments));
            if (!line.contains("--vault=") && !line.contains("guest")) {
                line.addAll(List.of("--vault", folder.resolve("nowhere").toString()));
            }
            Command.Result result = InProcess.run(line.toArray(String[]::new));
            assertThat(result.status()).as(String.join(" ", arguments)).isEqualTo(USAGE);
            assertThat(result.err()).containsAnyOf("empty", "\"\"");
        }
    }

    @Test
    void numbersThatCantBeMeantAreErrors() {
        for (String[] arguments :
                new String[][] {
                    {"forget", "--vm", "vm", "--keep-last", "-1"},
                    {"forget", "--vm", "vm", "--keep-last", "99999999999"},
                    {"forget", point, "--purge-after", "-5"},
                    {"backup", "--vm", "vm", "--image", "x", "--lock-days", "x"},
                    {"vault", "prune", "--grace", "1.5"},
                    {"points", "--max-requests", "-3"},
                    {"points", "--max-cost", "free"},
                    {"points", "--cache-size", "99999999999999E"},
                    {"vault", "verify", "--sample", "-1"}
                }) {
            Command.Result result = InProcess.run(arguments);
            assertThat(result.status()).as(String.join(" ", arguments)).isEqualTo(USAGE);
            assertThat(result.err().lines()).hasSize(2);
            assertThat(result.err()).doesNotContain("is not a long", "is not an int", "java.");
        }
    }
}
