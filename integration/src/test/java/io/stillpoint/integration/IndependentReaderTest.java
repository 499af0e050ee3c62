package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.testkit.Bytes;
import io.stillpoint.testkit.HostCommand;
import io.stillpoint.testkit.RealParts;
import io.stillpoint.testkit.SparseImage;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.store.LocalStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// `rescue/reader.py`, which was written from `docs/vault-format.md` alone, reads what the Java code writes: the page is
/// true and complete. One vault serves all tests, which damage copies of it.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class IndependentReaderTest {
    private static final Path GOLDEN = Path.of("../vault/src/test/resources/golden/v1");
    private static final int DAMAGE = 1;
    private static final int WRONG_KEY = 3;
    private static final long CHUNK = 65_536;

    @TempDir static Path folder;
    private CommandVault vault;
    private final List<Expected> expected = new ArrayList<>();

    /// What a disk of a recovery point must be restored to.
    private record Expected(String point, String disk, Path image) {}

    @BeforeAll
    void makeVault() throws IOException {
        RealParts.assumeReader();
        vault = CommandVault.make(folder);
        // Every kind of chunk, holes, and a last chunk that is not whole.
        SparseImage system = SparseImage.create(folder.resolve("system"), new ByteSize(9_000_500));
        system.write(0, Bytes.TEXT, 700_000, 1).write(5_000_000, Bytes.RANDOM, 900_000, 2);
        system.write(9_000_000, Bytes.RANDOM, 500, 3);
        SparseImage data = SparseImage.create(folder.resolve("data"), ByteSize.parse("300M"));
        data.write(290L << 20, Bytes.PAGES, 2_000_000, 4);
        SparseImage zeros = SparseImage.create(folder.resolve("zeros"), ByteSize.parse("1M"));
        String purged = backup("one", system, data);
        for (int i = 0; i < 40; i++) {
            data.write((290L << 20) + i * CHUNK, Bytes.RANDOM, 10_000, 100 + i);
        }
        String forgotten = backup("one", system, data, zeros);
        system.write(4 * CHUNK, new byte[131_072]).write(20 * CHUNK + 7, Bytes.TEXT, 90_000, 5);
        backup("one", system, data, zeros);
        backup("two", data);
        vault.succeed("forget", forgotten);
        vault.succeed("forget", purged, "--purge-after", "0");
        expected.removeIf(each -> each.point.equals(purged));
        leaveSilentSession();
        for (int i = 0; i < 2; i++) {
            vault.succeed("vault", "prune", "--grace", "0");
        }
        assertThat(vault.files("executed")).isNotEmpty();
    }

    private String backup(String vm, SparseImage... disks) throws IOException {
        List<String> words = new ArrayList<>(List.of("backup", "--json", "--vm", vm));
        for (SparseImage disk : disks) {
            words.addAll(List.of("--image", disk.file().toString()));
        }
        JsonNode point = vault.succeed(words.toArray(String[]::new)).json();
        String id = point.path("id").asString();
        for (int i = 0; i < disks.length; i++) {
            String name = point.path("disks").path(i).path("name").asString();
            Path copy = folder.resolve(id + "-" + name);
            Files.copy(disks[i].file(), copy);
            expected.add(new Expected(id, name, copy));
        }
        return id;
    }

    /// What a backup leaves that was killed long ago: prune revokes the name of its point.
    private void leaveSilentSession() throws IOException {
        Path kept = folder.resolve("session");
        String name;
        try (Vault open =
                        Vault.open(
                                new LocalStore(vault.vault()),
                                KeyFile.read(vault.key()),
                                new Vault.Surroundings(
                                        Randomness.secure(),
                                        InstantSource.system(),
                                        ProcessResources.ofThisProcess()));
                BackupSession _ = open.backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            Path session = vault.files("sessions").getFirst();
            name = Objects.requireNonNull(session.getFileName()).toString();
            Files.copy(session, kept);
        }
        Path session = vault.vault().resolve("sessions").resolve(name);
        Files.copy(kept, session);
        FileTime old = FileTime.from(InstantSource.system().instant().minus(Duration.ofDays(30)));
        Files.setLastModifiedTime(session, old);
    }

    /// How the script ended.
    private record Reading(int status, String out, String err) {}

    private static Reading read(Path vault, List<String> key, String... arguments) {
        List<String> line = new ArrayList<>(List.of("../rescue/reader.py", vault.toString()));
        line.addAll(key);
        line.addAll(List.of(arguments));
        try {
            Path err = Files.createTempFile(folder, "reader", ".err");
            Process process = new ProcessBuilder(line).redirectError(err.toFile()).start();
            process.getOutputStream().close();
            String out =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Reading(process.waitFor(), out, Files.readString(err));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static String succeed(Path vault, List<String> key, String... arguments) {
        Reading reading = read(vault, key, arguments);
        assertThat(reading.status).as(reading.out + reading.err).isZero();
        assertThat(reading.err).isEmpty();
        return reading.out;
    }

    private List<String> key(String... more) {
        return Stream.concat(Stream.of("--key-file", vault.key().toString()), Stream.of(more))
                .toList();
    }

    private void requireRestores(Path from, List<String> key) throws IOException {
        for (Expected disk : expected) {
            Path restored = folder.resolve("restored");
            succeed(from, key, "restore", disk.point, disk.disk, restored.toString());
            assertThat(Files.mismatch(restored, disk.image)).as(disk.toString()).isEqualTo(-1);
            Files.delete(restored);
        }
    }

    private Path copy() throws IOException {
        Path copy = Files.createTempDirectory(folder, "copy");
        try (Stream<Path> files = Files.walk(vault.vault())) {
            for (Path file : files.filter(each -> !each.equals(vault.vault())).toList()) {
                Files.copy(file, copy.resolve(vault.vault().relativize(file)));
            }
        }
        return copy;
    }

    @Test
    void restoresEveryDiskByteForByteByTheIndex() throws IOException {
        requireRestores(vault.vault(), key());
    }

    @Test
    void restoresEveryDiskByteForByteByThePacksAlone() throws IOException {
        requireRestores(vault.vault(), key("--no-index"));
    }

    @Test
    void listsWhatTheCommandLists() {
        List<String> points =
                succeed(vault.vault(), key(), "list")
                        .lines()
                        .map(line -> line.split("\t")[0])
                        .toList();
        assertThat(new TreeSet<>(points))
                .isEqualTo(new TreeSet<>(expected.stream().map(Expected::point).toList()));
        assertThat(points).hasSize(expected.size());
        assertThat(
                        succeed(vault.vault(), key(), "list")
                                .lines()
                                .filter(l -> l.endsWith("forgotten")))
                .hasSize(3);
        assertThat(vault.files("points")).as("with a revoked one").hasSize(4);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "--no-index"})
    void findsThatAllIsSound(String option) {
        List<String> key = option.isEmpty() ? key() : key(option);
        assertThat(succeed(vault.vault(), key, "verify")).contains("3 points,", " 0 problems");
    }

    @Test
    void restoresWithoutIndexFolderAndSparsely() throws IOException {
        Path copy = copy();
        try (Stream<Path> segments = Files.list(copy.resolve("index"))) {
            for (Path segment : segments.toList()) {
                Files.delete(segment);
            }
        }
        requireRestores(copy, key());
        Path restored = folder.resolve("sparse");
        Expected large =
                expected.stream()
                        .filter(disk -> disk.disk.equals("data"))
                        .findFirst()
                        .orElseThrow();
        succeed(copy, key(), "restore", large.point, "data", restored.toString());
        assertThat(HostCommand.run("du", "-k", restored.toString())).matches("(?s)\\d{1,4}\t.*");
    }

    @Test
    void tellsDamageAndNeverGivesWrongBytes() throws IOException {
        Path copy = copy();
        try (Stream<Path> packs = Files.list(copy.resolve("packs"))) {
            for (Path pack : packs.toList()) {
                byte[] bytes = Files.readAllBytes(pack);
                bytes[100] ^= 1;
                Files.write(pack, bytes);
            }
        }
        Reading verified = read(copy, key(), "verify");
        assertThat(verified.status).isEqualTo(DAMAGE);
        assertThat(verified.err).contains("frame at 32: its checksum differs");
        Expected disk = expected.getFirst();
        Path restored = folder.resolve("damaged");
        Reading reading = read(copy, key(), "restore", disk.point, disk.disk, restored.toString());
        assertThat(reading.status).isEqualTo(DAMAGE);
        assertThat(reading.err).contains("does not authenticate").doesNotContain("Traceback");
    }

    @Test
    void readsTheGoldenVaultByItsKeyItsPassphraseAndWithoutIndex()
            throws IOException, NoSuchAlgorithmException {
        List<String> words = List.of("--passphrase-file", GOLDEN.resolve("passphrase").toString());
        List<String> file = List.of("--key-file", GOLDEN.resolve("key").toString());
        List<List<String>> keys =
                List.of(words, file, List.of("--no-index", file.get(0), file.get(1)));
        for (List<String> key : keys) {
            assertThat(succeed(GOLDEN.resolve("vault"), key, "verify")).contains(" 0 problems");
            for (String line : Files.readAllLines(GOLDEN.resolve("expected"))) {
                String[] parts = line.split(" ");
                Path restored = folder.resolve("golden");
                succeed(
                        GOLDEN.resolve("vault"),
                        key,
                        "restore",
                        parts[0],
                        "disk",
                        restored.toString());
                byte[] content = Files.readAllBytes(restored);
                byte[] hash = MessageDigest.getInstance("SHA-256").digest(content);
                assertThat(HexFormat.of().formatHex(hash)).isEqualTo(parts[2]);
                Files.delete(restored);
            }
        }
        assertThat(read(vault.vault(), file, "list").status).isEqualTo(WRONG_KEY);
        assertThat(read(vault.vault(), words, "list").err).contains("opens with no passphrase");
    }

    /// As a holder of the key can make them.
    @Test
    void tellsForgedPointsAsDamagedAndShowsNothingThatATerminalObeys() throws Exception {
        String script =
                """
                import json, sys
                sys.path.insert(0, "../rescue")
                import reader
                good = {"vm": {"name": "web"}, "snapshotAt": "2026-01-01T00:00:00.5Z", "consistency": "crash",
                        "disks": [{"name": "a", "size": 1, "root": None}]}
                disk = good["disks"][0]
                bad = [None, [], {}, {**good, "vm": None}, {**good, "snapshotAt": "x"}, {**good, "consistency": 1},
                       {**good, "disks": [disk, disk]}, {**good, "disks": [{**disk, "size": -1}]},
                       {**good, "disks": [{**disk, "root": "ff"}]}, {**good, "lineage": {"ordinal": "1"}}]
                reader.checked_point(good, "good")
                for point in bad:
                    try:
                        reader.checked_point(json.loads(json.dumps(point)), "bad")
                        print("passed:", point)
                    except reader.Damaged:
                        pass
                try:
                    reader.parse_json("[" * 100_000, "deep")
                except reader.Damaged:
                    pass
                print(reader.shown("b\\u00fcro\\x1b[2J\\u202eexe\\u2028"))
                """;
        Process process =
                new ProcessBuilder("/usr/bin/python3", "-B", "-c", script)
                        .redirectErrorStream(true)
                        .start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(out).isZero();
        assertThat(out).isEqualTo("b\u00fcro\\x1b[2J\\u202eexe\\u2028\n");
    }

    @Test
    void opensByTheTypedInRecoverySheet() {
        Path sheet = folder.resolve("sheet.txt");
        vault.succeed("key", "sheet", "--to", sheet.toString());
        succeed(vault.vault(), List.of("--key-file", sheet.toString()), "list");
    }
}
