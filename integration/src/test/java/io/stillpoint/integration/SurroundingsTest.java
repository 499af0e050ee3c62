package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.cli.Stillpoint;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;

/// Every command in surroundings as schedulers give them: no variable but PATH, the C locale, a folder for temporary files
/// in which nothing may be executed, a umask that lets everybody do everything.
@TestInstance(Lifecycle.PER_CLASS)
final class SurroundingsTest {
    private static final String VM = "vm";

    private Path folder = Path.of("");
    private Path noexec = Path.of("");
    private List<String> mounting = List.of();
    private String point = "";

    /// How each command is run, and the status that it ends with.
    private record Use(int status, List<String> options) {
        static Use of(int status, String... options) {
            return new Use(status, List.of(options));
        }
    }

    private record Ended(int status, String out, String err) {}

    private Map<String, Use> uses() {
        Map<String, Use> uses = new HashMap<>();
        String[] third = {"--vault", at("third"), "--key-file", at("third-key")};
        String[] vault = {"--vault", at("vault"), "--key-file", at("key")};
        String[] other = {"--other", at("other"), "--other-key-file", at("other-key")};
        uses.put("vault init", Use.of(0, "--vault", at("new"), "--key-file", at("new-key")));
        uses.put("vault info", Use.of(0, vault));
        uses.put("vault verify", Use.of(0, vault));
        uses.put("vault repair", Use.of(0, join(vault, other)));
        uses.put("vault prune", Use.of(0, vault));
        uses.put("vault copy", Use.of(0, join(vault, other)));
        uses.put("vault discard", Use.of(3, join(vault, "00000000")));
        uses.put("key list", Use.of(0, vault));
        uses.put("key add", Use.of(0, join(vault, "--new-key-file", at("added"), "--label", "b")));
        uses.put("key change", Use.of(0, join(third, "--new-key-file", at("changed"))));
        uses.put("key remove", Use.of(3, join(vault, "00000000")));
        uses.put("key check", Use.of(0, vault));
        uses.put("key sheet", Use.of(0, join(vault, "--to", at("sheet.txt"))));
        uses.put("key recover", Use.of(3, "--to", at("recovered"), "--sheet", at("nosuch.txt")));
        uses.put("backup", Use.of(0, join(vault, "--vm", VM, "--image", at("disk.raw"))));
        uses.put("points", Use.of(0, vault));
        uses.put("restore", Use.of(0, join(vault, "--point", point, "--to", at("restored.raw"))));
        uses.put("rescue list", Use.of(0, vault));
        uses.put("rescue verify", Use.of(0, vault));
        uses.put("rescue restore", Use.of(0, join(vault, "--all", "--to", at("rescued"))));
        uses.put("diff", Use.of(0, join(vault, point, point)));
        uses.put("forget", Use.of(0, join(vault, "--vm", VM, "--keep-last", "9")));
        String[] guest = {"--vm", VM, "--agent", at("nosuch.sock"), "--state-dir", at("state")};
        uses.put("serve", Use.of(3, "--config", at("nosuch.yaml")));
        uses.put("config check", Use.of(3, "--config", at("nosuch.yaml")));
        String[] service = {"--control", at("nosuch.sock")};
        uses.put("policy apply", Use.of(3, join(service, at("nosuch.yaml"))));
        uses.put("policy diff", Use.of(3, join(service, at("nosuch.yaml"))));
        uses.put("policy export", Use.of(4, service));
        uses.put("policy remove", Use.of(4, join(service, "gold")));
        uses.put("status", Use.of(4, service));
        uses.put("summary", Use.of(4, service));
        uses.put("vm list", Use.of(4, service));
        uses.put("vm protect", Use.of(4, join(service, VM, "--policy", "gold")));
        uses.put("vm unprotect", Use.of(4, join(service, VM)));
        uses.put("vm release", Use.of(4, join(service, VM)));
        uses.put("vm tag", Use.of(4, join(service, VM, "tier=gold")));
        uses.put("job list", Use.of(4, service));
        uses.put("job show", Use.of(4, join(service, "00000000")));
        uses.put("job watch", Use.of(4, join(service, "00000000")));
        uses.put("job retry", Use.of(4, join(service, "00000000")));
        uses.put("job cancel", Use.of(4, join(service, "00000000")));
        uses.put("point list", Use.of(4, join(service, VM)));
        uses.put("point pin", Use.of(4, join(service, VM, "00000000", "--reason", "a")));
        uses.put("point unpin", Use.of(4, join(service, VM, "00000000")));
        uses.put("point keep", Use.of(4, join(service, VM, "00000000")));
        uses.put("snapshot list", Use.of(4, service));
        uses.put(
                "snapshot restore",
                Use.of(4, join(service, VM, "latest", "--to", at("snapshot.raw"))));
        uses.put("snapshot end", Use.of(4, join(service, VM, "latest")));
        uses.put("catalog rebuild", Use.of(4, service));
        uses.put("vault care", Use.of(4, service));
        uses.put("sweep", Use.of(0, "--state-dir", at("state")));
        uses.put("release", Use.of(4, "--qmp", at("nosuch.qmp")));
        uses.put("guest status", Use.of(4, guest));
        uses.put("guest install", Use.of(4, guest));
        uses.put("guest uninstall", Use.of(4, guest));
        uses.put("guest test-scripts", Use.of(4, guest));
        return uses;
    }

    private static String[] join(String[] some, String... more) {
        return Stream.concat(Stream.of(some), Stream.of(more)).toArray(String[]::new);
    }

    private String at(String name) {
        return folder.resolve(name).toString();
    }

    /// All that there are, but for what makes a VM and what only prints.
    private static Set<String> commands() {
        try {
            Method named =
                    Class.forName("io.stillpoint.cli.Commands")
                            .getDeclaredMethod("named", String[].class);
            named.setAccessible(true);
            Set<String> found = new TreeSet<>();
            collect((CommandLine) named.invoke(null, (Object) new String[0]), "", found);
            found.removeAll(Set.of("demo", "generate-completion", "help"));
            return found;
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("the list of commands has another form", e);
        }
    }

    private static void collect(CommandLine command, String name, Set<String> found) {
        if (command.getSubcommands().isEmpty()) {
            found.add(name);
        }
        command.getSubcommands()
                .forEach((word, part) ->
                        collect(part, name.isEmpty() ? word : name + " " + word, found));
    }

    @BeforeAll
    void makeVaults(@TempDir Path made) throws Exception {
        folder = made;
        noexec = folder.resolve("noexec");
        mounting = mounting();
        Files.write(
                folder.resolve("disk.raw"),
                "some content".repeat(20_000).getBytes(StandardCharsets.UTF_8));
        CommandVault main = CommandVault.make(folder);
        point = main.backup(folder.resolve("disk.raw")).path("id").asString();
        main.succeed("vault", "init", "--vault", at("other"), "--key-file", at("other-key"));
        main.succeed("vault", "init", "--vault", at("third"), "--key-file", at("third-key"));
    }

    /// What gives a command a file system of its own on a folder, from which nothing can be executed. Where one can't mount,
    /// the folder does not exist, so that nothing can be unpacked there either.
    private List<String> mounting() throws Exception {
        List<String> line =
                List.of(
                        "unshare",
                        "-m",
                        "sh",
                        "-c",
                        "mount -t tmpfs -o noexec tmpfs \"$0\" && exec \"$@\"",
                        noexec.toString());
        List<String> trial = new ArrayList<>(line);
        trial.add("true");
        Files.createDirectory(noexec);
        if (new ProcessBuilder(trial).start().waitFor() == 0) {
            return line;
        }
        Files.delete(noexec);
        return List.of();
    }

    private Ended run(String umask, List<String> environment, List<String> arguments)
            throws Exception {
        List<String> line = new ArrayList<>(mounting);
        line.addAll(
                List.of(
                        "sh",
                        "-c",
                        "umask " + umask + "; exec \"$@\"",
                        "sh",
                        "env",
                        "-i",
                        "PATH=/usr/sbin:/usr/bin:/sbin:/bin"));
        line.addAll(environment);
        line.addAll(
                List.of(
                        ProcessHandle.current().info().command().orElse("java"),
                        "-Xmx512m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-Djava.io.tmpdir=" + noexec,
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty(
                                "surefire.test.class.path", System.getProperty("java.class.path")),
                        Stillpoint.class.getName()));
        line.addAll(arguments);
        Path out = folder.resolve("out");
        Path err = folder.resolve("err");
        Process process =
                new ProcessBuilder(line)
                        .redirectOutput(out.toFile())
                        .redirectError(err.toFile())
                        .start();
        int status = process.waitFor();
        return new Ended(
                status,
                Files.readString(out, StandardCharsets.UTF_8),
                Files.readString(err, StandardCharsets.UTF_8));
    }

    @Test
    void everyCommandIsTriedHere() {
        assertThat(uses().keySet()).isEqualTo(commands());
    }

    static Set<String> everyCommand() {
        return commands();
    }

    @ParameterizedTest
    @MethodSource("everyCommand")
    void itDoesAsEverWithNothingButAPath(String command) throws Exception {
        Use use = Objects.requireNonNull(uses().get(command));
        List<String> arguments = new ArrayList<>(List.of(command.split(" ", -1)));
        arguments.addAll(use.options());

        Ended ended = run("000", List.of("LC_ALL=C"), arguments);

        assertThat(ended.err()).as(ended.out()).doesNotContain("Exception", "\tat ", "unbound");
        assertThat(ended.status()).as(ended.out() + ended.err()).isEqualTo(use.status());
    }

    /// With the umask above: what is secret is its owner's alone, and nobody else writes anywhere.
    @Test
    void whatIsMadeUnderEveryUmaskHasTheModeThatItShould() throws Exception {
        for (String umask : List.of("000", "077")) {
            String key = at("key-under-" + umask);
            run(
                    umask,
                    List.of(),
                    List.of(
                            "vault",
                            "init",
                            "--vault",
                            at("vault-under-" + umask),
                            "--key-file",
                            key));

            assertThat(Files.getPosixFilePermissions(Path.of(key)))
                    .isEqualTo(
                            Set.of(
                                    PosixFilePermission.OWNER_READ,
                                    PosixFilePermission.OWNER_WRITE));
        }
    }

    @Test
    void aNameThatTheLocaleCantReadIsRefused() throws Exception {
        Ended ended =
                run(
                        "022",
                        List.of("LC_ALL=C"),
                        List.of(
                                "backup",
                                "--json",
                                "--vault",
                                at("vault"),
                                "--key-file",
                                at("key"),
                                "--vm",
                                "b\u00fcro",
                                "--image",
                                at("disk.raw")));

        assertThat(ended.status()).isEqualTo(4);
        assertThat(ended.out()).contains("platform.unreadable-text", "C.UTF-8");
    }

    @Test
    void aNameThatTheLocaleCantShowIsShownAllTheSame() throws Exception {
        String[] vault = {"--vault", at("other"), "--key-file", at("other-key")};
        Ended made =
                run(
                        "022",
                        List.of("LC_ALL=C.UTF-8"),
                        List.of(
                                join(
                                        new String[] {"backup"},
                                        join(
                                                vault,
                                                "--vm",
                                                "b\u00fcro",
                                                "--image",
                                                at("disk.raw")))));
        assertThat(made.status()).as(made.err()).isZero();

        Ended ended =
                run(
                        "022",
                        List.of("LC_ALL=C"),
                        List.of(join(new String[] {"points", "--json"}, vault)));

        JsonNode points = io.stillpoint.platform.Json.parse(ended.out()).path("points");
        assertThat(points.toString()).contains("b\u00fcro");
    }
}
