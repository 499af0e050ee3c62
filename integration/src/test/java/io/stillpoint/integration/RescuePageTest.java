package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.testkit.Bytes;
import io.stillpoint.testkit.RealParts;
import io.stillpoint.testkit.SparseImage;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The commands of `docs/rescue.md`, as they stand there but for the paths, do what the page says.
final class RescuePageTest {
    private static final Path PAGE = Path.of("../docs/rescue.md");
    private static final Pattern COMMANDS = Pattern.compile("(?s)```sh\n(.*?)```");
    private static final Pattern MESSAGE = Pattern.compile("(?m)^\\| \"([^\"]+)\"");
    private static final String WORDS = "four words are enough";

    @TempDir Path folder;
    private CommandVault vault;
    private Path image;
    private String point;
    private String lines;

    @BeforeEach
    void makeVault() throws IOException {
        vault = CommandVault.make(folder);
        image =
                SparseImage.create(folder.resolve("vda.raw"), new ByteSize(5_000_100))
                        .write(0, Bytes.RANDOM, 300_000, 1)
                        .write(4_900_000, Bytes.TEXT, 100_100, 2)
                        .file();
        point = vault.backup(image).path("id").asString();
        Path words = Files.writeString(folder.resolve("words"), WORDS + "\n");
        vault.succeed("key", "add", "--label", "x", "--new-passphrase-file", words.toString());
        Path sheet = folder.resolve("sheet.txt");
        vault.succeed("key", "sheet", "--to", sheet.toString());
        lines =
                String.join(
                                "\n",
                                Files.readAllLines(sheet).stream()
                                        .filter(line -> line.matches(" +[1-5]  .*"))
                                        .toList())
                        + "\n";
        // As an earlier command of the page would have left it.
        Files.createDirectories(folder.resolve("rescued"));
        makeProgram();
    }

    /// The command `stillpoint`, for a shell.
    private void makeProgram() throws IOException {
        String java = ProcessHandle.current().info().command().orElseThrow();
        String path =
                System.getProperty(
                        "surefire.test.class.path", System.getProperty("java.class.path"));
        Path program = Files.createDirectories(folder.resolve("bin")).resolve("stillpoint");
        Files.writeString(
                program,
                "#!/bin/sh\nexec "
                        + java
                        + " -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
                        + " --enable-native-access=ALL-UNNAMED -cp '"
                        + path
                        + "' io.stillpoint.cli.Stillpoint \"$@\"\n");
        assertThat(program.toFile().setExecutable(true)).isTrue();
    }

    private List<String> commands() throws IOException {
        List<String> commands = new ArrayList<>();
        COMMANDS.matcher(Files.readString(PAGE))
                .results()
                .forEach(block -> commands.addAll(block.group(1).lines().toList()));
        return commands.stream()
                .map(command ->
                        command.replace("/mnt/vault", folder.resolve("vault").toString())
                                .replace("/mnt/usb/stillpoint.key", vault.key().toString())
                                .replace("/mnt/rescued", folder.resolve("rescued").toString())
                                .replace("3f9a", point.substring(0, 12))
                                .replace(
                                        "python3 reader.py",
                                        "/usr/bin/python3 ../rescue/reader.py"))
                .toList();
    }

    private Command.Result run(String command) {
        try {
            ProcessBuilder builder = new ProcessBuilder("/bin/sh", "-c", command);
            builder.environment()
                    .put(
                            "PATH",
                            folder.resolve("bin") + File.pathSeparator + System.getenv("PATH"));
            builder.environment().put("STILLPOINT_PASSPHRASE", WORDS);
            Path err = folder.resolve("err");
            Process process = builder.redirectError(err.toFile()).start();
            process.getOutputStream().write(lines.getBytes(StandardCharsets.US_ASCII));
            process.getOutputStream().close();
            String out =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Command.Result(process.waitFor(), out, Files.readString(err));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private Path restored() {
        return folder.resolve("rescued/vm-" + point.substring(0, 12) + "/vda.raw");
    }

    private void empty(String area) throws IOException {
        for (Path file : vault.files(area)) {
            Files.delete(file);
        }
    }

    @Test
    void everyCommandOfThePageWorksOnAVaultWithoutIndex() throws IOException {
        RealParts.assumeReader();
        empty("index");
        List<Path> before = vault.files("");
        assertThat(commands()).hasSizeGreaterThan(8);
        for (String command : commands()) {
            Command.Result result = run(command);
            assertThat(result.status()).as(command + "\n" + result.err()).isZero();
            if (command.contains(" list")) {
                assertThat(result.out()).contains(point.substring(0, 12));
            }
        }
        assertThat(Files.mismatch(restored(), image)).isEqualTo(-1);
        assertThat(Files.mismatch(folder.resolve("rescued/vda.raw"), image)).isEqualTo(-1);
        assertThat(vault.files("")).isEqualTo(before);
    }

    @Test
    void whatIsDamagedIsToldAndLeftAsListedZeros() throws IOException {
        for (Path pack : vault.files("packs")) {
            byte[] bytes = Files.readAllBytes(pack);
            if (bytes[8] == 'D') {
                bytes[5000] ^= 1;
                Files.write(pack, bytes);
            }
        }
        List<String> restores =
                commands().stream().filter(command -> command.contains("rescue restore")).toList();
        Command.Result refused = run(restores.getFirst());
        assertThat(refused.status()).isEqualTo(5);
        assertThat(refused.out()).contains("not restored", "--despite-damage");
        assertThat(restored()).doesNotExist();
        Command.Result verified =
                run(
                        commands().stream()
                                .filter(c -> c.contains("rescue verify"))
                                .findFirst()
                                .orElseThrow());
        assertThat(verified.status()).isEqualTo(5);
        Command.Result done = run(restores.getLast());
        assertThat(done.status()).as(done.err()).isEqualTo(5);
        Path report = restored().resolveSibling("vda.raw.lost.tsv");
        assertThat(done.out()).contains(report.toString());
        byte[] expected = Files.readAllBytes(image);
        List<String> lost = Files.readAllLines(report);
        assertThat(lost.getFirst()).contains(point, "vda");
        for (String line : lost.subList(2, lost.size())) {
            String[] parts = line.split("\t");
            int offset = Integer.parseInt(parts[0]);
            Arrays.fill(expected, offset, offset + Integer.parseInt(parts[1]), (byte) 0);
        }
        assertThat(Files.readAllBytes(restored())).isEqualTo(expected);
        assertThat(lost.size()).isLessThan(6);
    }

    @Test
    void everyMessageThatThePageExplainsExists() throws IOException {
        StringBuilder texts = new StringBuilder();
        try (Stream<Path> files = Files.walk(Path.of(".."))) {
            for (Path bundle :
                    files.filter(file -> file.endsWith("messages.properties"))
                            .filter(file -> file.toString().contains("/src/main/"))
                            .toList()) {
                texts.append(
                        Files.readString(bundle).replace("''", "'").replaceAll(" ?\\{\\d} ?", " "));
            }
        }
        List<String> explained =
                MESSAGE.matcher(Files.readString(PAGE))
                        .results()
                        .map(MatchResult::group)
                        .map(row -> row.substring(3, row.length() - 1))
                        .toList();
        assertThat(explained).hasSizeGreaterThan(8);
        TreeSet<String> unknown = new TreeSet<>(explained);
        unknown.removeIf(message -> texts.indexOf(message) >= 0);
        assertThat(unknown).isEmpty();
    }
}
