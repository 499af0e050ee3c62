package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.testkit.Bytes;
import io.stillpoint.testkit.RealParts;
import io.stillpoint.testkit.SparseImage;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/// Each file, folder, socket and location that a command takes, given as what it is not: the command says so in words and ends
/// with a status that says whose fault it is. No Java is seen, and no text has an empty place. Everything runs in this
/// process, as a command ends here before it has begun.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class WrongInputTest {
    private static final Pattern JAVA =
            Pattern.compile(
                    "Exception|java[.]|sun[.]|\\bnull\\b|\tat |[(]ENO|Errno|io[.]stillpoint");
    private static final Pattern EMPTY_PLACE =
            Pattern.compile("\\{\\d}|: *$| [.](\\s|$)|\"\"|''|\\(\\)");

    private static final int INPUT = 3;
    private static final int ENVIRONMENT = 4;
    private static final int DAMAGE = 5;

    @TempDir static Path folder;
    private Path vault;
    private Path key;
    private Path image;
    private String point;
    private final List<Path> wrong = new ArrayList<>();

    @BeforeAll
    void makeVault() throws IOException {
        vault = folder.resolve("vault");
        key = folder.resolve("key");
        run("vault", "init", "--vault", vault.toString(), "--key-file", key.toString());
        image =
                SparseImage.create(folder.resolve("disk.raw"), ByteSize.parse("1M"))
                        .write(0, Bytes.RANDOM, 100_000, 1)
                        .file();
        Command.Result made =
                run(withVault("backup", "--vm", "vm", "--image", image.toString(), "--json"));
        assertThat(made.status()).as(made.out() + made.err()).isZero();
        point = made.json().path("id").asString();
        wrong.add(folder.resolve("missing"));
        wrong.add(folder.resolve("missing/below"));
        wrong.add(Files.createDirectory(folder.resolve("folder")));
        wrong.add(Files.writeString(folder.resolve("text"), "hello, hello, hello\n"));
        wrong.add(Files.createFile(folder.resolve("empty")));
        wrong.add(folder.resolve("text/below"));
        wrong.add(Files.createSymbolicLink(folder.resolve("loop"), folder.resolve("loop")));
        wrong.add(folder.resolve("n".repeat(300)));
        wrong.add(socket(folder.resolve("s")));
    }

    /// A socket on which nobody listens any more.
    private static Path socket(Path path) throws IOException {
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(path));
        }
        return path;
    }

    private static Command.Result run(String... arguments) {
        return InProcess.run(arguments);
    }

    private String[] withVault(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--vault", vault.toString(), "--key-file", key.toString()));
        return all.toArray(String[]::new);
    }

    /// The command ends as one that was given something wrong, says what, and names it.
    private static void requireWords(Path named, String... arguments) {
        Command.Result result = run(arguments);
        String line = String.join(" ", arguments);
        assertThat(result.status())
                .as("%s: %s%s", line, result.out(), result.err())
                .isIn(INPUT, ENVIRONMENT, DAMAGE);
        String said = result.err() + result.out();
        assertThat(JAVA.matcher(said).find()).as("%s: %s", line, said).isFalse();
        said.lines()
                .filter(each -> each.startsWith("stillpoint: "))
                .forEach(each ->
                        assertThat(EMPTY_PLACE.matcher(each).find())
                                .as("%s: %s", line, each)
                                .isFalse());
        assertThat(result.err()).as(line).contains("stillpoint: ");
        assertThat(said).as(line).contains(Objects.requireNonNull(named.getParent()).toString());
    }

    @Test
    void locationsThatAreNoVault() {
        for (Path each : wrong) {
            for (String[] command :
                    new String[][] {
                        {"points"},
                        {"vault", "info"},
                        {"vault", "verify"},
                        {"vault", "prune"},
                        {"vault", "verify", "--without-key"},
                        {"key", "list"},
                        {"key", "check"},
                        {"diff", "a", "b"},
                        {"forget", "a"},
                        {"rescue", "list"},
                        {"restore", "--point", "a", "--to", folder.resolve("out").toString()}
                    }) {
                List<String> line = new ArrayList<>(List.of(command));
                line.addAll(List.of("--vault", each.toString(), "--key-file", key.toString()));
                requireWords(each, line.toArray(String[]::new));
            }
        }
    }

    /// Who can write to it could hide that a vault was set back.
    @Test
    void aStateFolderThatOthersCanChangeIsRefused() throws IOException {
        Path open = Files.createDirectory(folder.resolve("open"));
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
        Command.Result result = run(withVault("points", "--state-dir", open.toString()));
        assertThat(result.status()).as(result.err()).isEqualTo(3);
        assertThat(result.err()).contains(open.toString(), "all users may write");
        assertThat(open).isEmptyDirectory();
        Path mine = Files.createDirectory(folder.resolve("mine"));
        Path link = Files.createSymbolicLink(folder.resolve("link"), mine);
        assertThat(run(withVault("points", "--state-dir", link.resolve("x").toString())).status())
                .isZero();
        try {
            Files.setAttribute(link, "unix:uid", 65_534, LinkOption.NOFOLLOW_LINKS);
        } catch (IOException e) {
            // Who may not give files away can't try it.
            return;
        }
        Command.Result led = run(withVault("points", "--state-dir", link.resolve("x").toString()));
        assertThat(led.status()).as(led.err()).isEqualTo(3);
        assertThat(led.err()).contains("goes through the link " + link);
    }

    /// It need not wait for a passphrase and a distant store.
    @Test
    void anEndingThatNamesNoFormatIsToldBeforeTheVaultIsOpened() {
        Command.Result result =
                run(
                        "restore",
                        "--point",
                        "a",
                        "--to",
                        folder.resolve("disk.b").toString(),
                        "--vault",
                        folder.resolve("nothing").toString(),
                        "--key-file",
                        key.toString());
        assertThat(result.status()).as(result.err()).isEqualTo(3);
        assertThat(result.err()).contains("disk.b", "--format");
    }

    @Test
    void filesThatAreNoKey() {
        for (Path each : wrong) {
            String file = each.toString();
            String place = vault.toString();
            requireWords(each, "points", "--vault", place, "--key-file", file);
            requireWords(each, "points", "--vault", place, "--passphrase-file", file);
            requireWords(each, "key", "check", "--vault", place, "--key-file", file);
            if (!each.endsWith("text")) {
                requireWords(
                        each,
                        withVault("key", "add", "--label", "x", "--new-passphrase-file", file));
            }
            requireWords(
                    each, withVault("vault", "copy", "--other", place, "--other-key-file", file));
            requireWords(each, "key", "recover", "--sheet", file, "--to", folder + "/recovered");
        }
    }

    @Test
    void filesThatCantBeMade() {
        for (Path each : wrong) {
            if (each.toString().contains("missing")) {
                // Can be made, with the folder above.
                continue;
            }
            String file = each.toString();
            requireWords(each, withVault("key", "sheet", "--to", file));
            if (!each.endsWith("folder")) {
                requireWords(each, withVault("restore", "--point", point, "--to", file + "/x/"));
            }
        }
        Path text = folder.resolve("text");
        requireWords(text, withVault("restore", "--point", point, "--to", text.toString()));
        requireWords(text, withVault("restore", "--point", point, "--to", text + "/below.raw"));
        // Lists what came of each disk, so that one failure hides nothing.
        Command.Result rescued =
                run(withVault("rescue", "restore", "--all", "--to", text.toString()));
        assertThat(rescued.status()).as(rescued.out()).isEqualTo(ENVIRONMENT);
        assertThat(rescued.out()).contains("not restored to", text.toString(), "is not a folder");
        assertThat(JAVA.matcher(rescued.out() + rescued.err()).find()).isFalse();
        requireWords(text, withVault("rescue", "list", "--scratch", text.toString()));
    }

    @Test
    void pathsThatAreNoImage() {
        for (Path each : wrong) {
            if (!each.endsWith("text") && !each.endsWith("empty")) {
                requireWords(each, withVault("backup", "--vm", "vm", "--image", each.toString()));
            }
        }
    }

    @Test
    void pathsThatAreNoSocketOfAMonitorOrAgent() {
        for (Path each : wrong) {
            String path = each.toString();
            requireWords(each, withVault("backup", "--vm", "vm", "--qmp", path));
            for (String verb : List.of("status", "install", "uninstall", "test-scripts")) {
                requireWords(
                        each,
                        "guest",
                        verb,
                        "--vm",
                        "vm",
                        "--agent",
                        path,
                        "--state-dir",
                        folder + "/state");
            }
        }
    }

    /// Run by root, it must keep to the modes of files as everybody does. Another user than root could not read root's jars.
    private static Command withoutPrivileges() {
        if (!System.getProperty("user.name").equals("root")) {
            return new Command();
        }
        RealParts.assumePrograms("setpriv");
        return new Command().prefixed("setpriv", "--bounding-set=-all");
    }

    @Test
    void whatTheUserMayNotReadIsToldAsSuch() throws IOException {
        Path home = Files.createTempDirectory(Path.of("/var/tmp"), "stillpoint-other-");
        try {
            Files.setPosixFilePermissions(home, PosixFilePermissions.fromString("rwxrwxrwx"));
            Path hidden = Files.copy(key, home.resolve("hidden"));
            Files.setPosixFilePermissions(hidden, PosixFilePermissions.fromString("---------"));
            Command other = withoutPrivileges();
            assertThat(other.run("--version").status()).isZero();
            for (String[] arguments :
                    new String[][] {
                        {"points", "--vault", home.toString(), "--key-file", hidden.toString()},
                        {
                            "points",
                            "--vault",
                            hidden.toString(),
                            "--passphrase-file",
                            hidden.toString()
                        },
                        {"key", "recover", "--sheet", hidden.toString(), "--to", home + "/new"},
                    }) {
                Command.Result result = other.run(arguments);
                String line = String.join(" ", arguments);
                assertThat(result.status())
                        .as("%s: %s", line, result.err())
                        .isIn(INPUT, ENVIRONMENT);
                assertThat(JAVA.matcher(result.err()).find()).as(result.err()).isFalse();
            }
            assertThat(
                            other.run(
                                            "key",
                                            "recover",
                                            "--sheet",
                                            hidden.toString(),
                                            "--to",
                                            home + "/x")
                                    .err())
                    .contains("permission denied");
        } finally {
            try (var files = Files.list(home)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(home);
        }
    }
}
