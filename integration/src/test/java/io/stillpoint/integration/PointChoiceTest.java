package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.cli.Stillpoint;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.testkit.Bytes;
import io.stillpoint.testkit.SparseImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// How recovery points are named, listed and forgotten on the command line. Nothing here changes what there is: four
/// points of `web`, the second of them locked, and one of `db`.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class PointChoiceTest {
    private static final int USAGE = 2;
    private static final int INPUT = 3;

    @TempDir static Path folder;
    private CommandVault vault;
    private SparseImage image;
    private final List<String> web = new ArrayList<>();
    private String db = "";

    @BeforeAll
    void make() {
        vault = CommandVault.make(folder);
        image = SparseImage.create(folder.resolve("image"), ByteSize.parse("2M"));
        for (int i = 0; i < 4; i++) {
            image.write(0, Bytes.RANDOM, 200_000, i);
            web.add(
                    i == 1
                            ? backup("web", image.file(), "--lock-days", "3")
                            : backup("web", image.file()));
        }
        db = backup("db", image.file());
    }

    private String backup(String vm, Path file, String... more) {
        List<String> words =
                new ArrayList<>(
                        List.of("backup", "--vm", vm, "--image", file.toString(), "--json"));
        words.addAll(List.of(more));
        return vault.succeed(words.toArray(String[]::new)).json().path("id").asString();
    }

    private static List<String> ids(JsonNode array) {
        List<String> ids = new ArrayList<>();
        array.forEach(entry -> ids.add(entry.path("id").asString()));
        return ids;
    }

    private List<String> points(String... more) {
        List<String> words = new ArrayList<>(List.of("points", "--json"));
        words.addAll(List.of(more));
        return ids(vault.succeed(words.toArray(String[]::new)).json().path("points"));
    }

    @Test
    void pointsAreListedByVmAndLineage() {
        assertThat(points("--vm", "web")).isEqualTo(web);
        assertThat(points()).first().isEqualTo(db);
        assertThat(points("--last", "1")).containsExactly(db, web.getLast());
        assertThat(points("--vm", "web", "--last", "2")).isEqualTo(web.subList(2, 4));
        assertThat(points("--since", "1h")).hasSize(5);
        assertThat(points("--since", "2999-01-01")).isEmpty();
        assertThat(vault.succeed("points", "--since", "2999-01-01").out())
                .contains("None of the 5 recovery points");
        JsonNode newest =
                vault.succeed("points", "--vm", "web", "--last", "1", "--json")
                        .json()
                        .path("points")
                        .path(0);
        assertThat(newest.path("lineage").path("ordinal").asInt()).isEqualTo(4);
        assertThat(newest.path("lineage").path("before").asString()).isEqualTo(web.get(2));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "points --vm nosuch",
                "forget --vm nosuch --keep-last 1",
                "restore --vm nosuch --latest --to out.raw",
                "restore --vm nosuch --point latest --to out.raw"
            })
    void aVmThatIsNotThereIsSaidAndFails(String line) {
        Command.Result result = vault.run(line.split(" "));
        assertThat(result.status()).isEqualTo(INPUT);
        assertThat(result.err()).contains("nosuch").contains("db, web");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "forget --vault v --vm web --keep-last -1",
                "forget --vault v --vm web --keep-last 99999999999",
                "forget --vault v --vm web --keep-last 1 --purge-after -1",
                "forget --vault v --vm web --keep-last 1 --purge-after 9999999",
                "forget --vault v --undo --vm web --keep-last 1",
                "points --vault v --last 0",
                "points --vault v --since yesterday",
                "backup --vault v --vm x --image x --lock-days -1",
                "backup --vault v --vm x --image x --lock-days 999999999999",
                "restore --vault v --to out.raw",
                "restore --vault v --latest --point latest --to out.raw"
            })
    void aNumberThatCannotBeMeantIsAUsageError(String line) {
        // In this process: a mistake is found before anything is opened.
        assertThat(Stillpoint.run(line.split(" "))).as(line).isEqualTo(USAGE);
    }

    @Test
    void theNewestIsRestoredByItsVmAlone() throws IOException {
        Path latest = folder.resolve("latest.raw");
        vault.succeed("restore", "--vm", "web", "--latest", "--to", latest.toString());
        assertThat(Files.mismatch(latest, image.file())).isEqualTo(-1);
        Path word = folder.resolve("word.raw");
        vault.succeed("restore", "--vm", "web", "--point", "latest", "--to", word.toString());
        assertThat(Files.mismatch(word, image.file())).isEqualTo(-1);
        Command.Result unclear =
                vault.run("restore", "--latest", "--to", folder.resolve("x").toString());
        assertThat(unclear.status()).isEqualTo(INPUT);
        assertThat(unclear.err()).contains("db, web");
        Command.Result other =
                vault.run("restore", "--vm", "db", "--point", web.getFirst(), "--to", "x.raw");
        assertThat(other.status()).isEqualTo(INPUT);
        assertThat(other.err()).contains("belongs to the VM web");
        vault.succeed("diff", "--vm", "web", web.getFirst(), "latest");
    }

    @Test
    void aDryRunSaysOfEachPointWhatARealOneDoes() {
        JsonNode told =
                vault.succeed("forget", "--vm", "web", "--keep-last", "0", "--dry-run", "--json")
                        .json();
        assertThat(ids(told.path("forgotten"))).containsExactly(web.get(0), web.get(2), web.get(3));
        assertThat(ids(told.path("locked"))).containsExactly(web.get(1));
        // Undone again below, so that all tests find the same.
        JsonNode done =
                vault.succeed("forget", "--vm", "web", "--keep-last", "0", "--yes", "--json")
                        .json();
        assertThat(ids(done.path("forgotten"))).isEqualTo(ids(told.path("forgotten")));
        assertThat(done.path("locked")).isEqualTo(told.path("locked"));
        assertThat(points("--vm", "web")).containsExactly(web.get(1));
        vault.succeed("forget", "--undo", web.get(0), web.get(2), web.get(3));
        assertThat(points("--vm", "web")).isEqualTo(web);
    }

    @Test
    void toForgetAllIsAskedForOrSaid() {
        Command.Result result = vault.run("forget", "--vm", "web", "--keep-last", "0");
        assertThat(result.status()).isEqualTo(INPUT);
        assertThat(result.err()).contains("--yes").contains("all 3 recovery points");
        assertThat(points("--vm", "web")).isEqualTo(web);
    }

    @Test
    void ofPointsThatAreNamedAllAreForgottenOrNone() {
        Command.Result result = vault.run("forget", web.get(0), web.get(1), web.get(2));
        assertThat(result.status()).isEqualTo(INPUT);
        assertThat(result.err())
                .contains("Nothing was forgotten")
                .contains(web.get(1).substring(0, 12));
        assertThat(points("--vm", "web")).isEqualTo(web);
    }
}
