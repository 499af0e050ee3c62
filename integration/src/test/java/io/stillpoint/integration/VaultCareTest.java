package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.testkit.Bytes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// Forgetting, pruning, copying, mending and checking by the command.
final class VaultCareTest {
    private static final int MIB = 1 << 20;

    @TempDir Path folder;
    private CommandVault vault;
    private Path image;
    private JsonNode first;
    private JsonNode second;

    @BeforeEach
    void make() throws IOException {
        vault = CommandVault.make(folder);
        image = folder.resolve("disk.raw");
        Files.write(image, Bytes.RANDOM.of(4 * MIB, 1));
        first = vault.backup(image);
        Files.write(image, Bytes.RANDOM.of(4 * MIB, 2));
        second = vault.backup(image);
    }

    private static String id(JsonNode point) {
        return point.path("id").asString();
    }

    private JsonNode prune(String... more) {
        String[] arguments = new String[6 + more.length];
        System.arraycopy(
                new String[] {"vault", "prune", "--grace", "0", "--json", "--copy-max=1G"},
                0,
                arguments,
                0,
                6);
        System.arraycopy(more, 0, arguments, 6, more.length);
        return vault.succeed(arguments).json();
    }

    private String purgeAt(String... command) {
        List<String> line = new ArrayList<>(List.of(command));
        line.add("--json");
        return vault.succeed(line.toArray(String[]::new))
                .json()
                .path("forgotten")
                .path(0)
                .path("purgeAt")
                .asString();
    }

    @Test
    void forgottenPointsCanBeBroughtBackUntilTheyArePruned() {
        vault.succeed("forget", id(first));
        assertThat(vault.points()).extracting(VaultCareTest::id).containsExactly(id(second));
        assertThat(vault.succeed("points", "--forgotten").out())
                .contains(id(first).substring(0, 12));
        assertThat(prune().path("purgedPoints").asInt()).isZero();
        assertThat(vault.run("forget", id(first)).err()).contains("--purge-after DAYS");
        String until = purgeAt("forget", id(first), "--purge-after", "3");
        assertThat(until).isEqualTo(purgeAt("forget", id(first), "--purge-after", "100"));
        vault.succeed("forget", "--undo", id(first));
        assertThat(vault.points()).hasSize(2);
        vault.succeed("forget", "--vm", "vm", "--keep-last", "1");
        assertThat(vault.run("forget", "", "--purge-after", "0").status()).isNotZero();
        vault.succeed("forget", id(first), "--purge-after", "0");
        long before = vault.files("packs").size();
        JsonNode told = prune("--dry-run");
        assertThat(told.path("condemnedBytes").asLong()).isGreaterThan(4L * MIB);
        JsonNode condemned = prune();
        assertThat(condemned.path("condemnedBytes")).isEqualTo(told.path("condemnedBytes"));
        assertThat(prune().path("deletedBytes")).isEqualTo(told.path("condemnedBytes"));
        assertThat(vault.files("packs").size()).isLessThan((int) before);
        vault.requireRestores(second, image);
        vault.requireSound(1);
    }

    @Test
    void whoHasNoKeyCanCheckAndDeleteWhatVerdictsSay() throws IOException {
        Command bare = new Command();
        String location = vault.vault().toString();
        assertThat(bare.run("vault", "verify", "--vault", location, "--without-key").status())
                .isZero();
        Path pack = vault.files("packs").getFirst();
        byte[] sound = Files.readAllBytes(pack);
        byte[] damaged = sound.clone();
        damaged[sound.length / 2] ^= 1;
        Files.write(pack, damaged);
        Command.Result found = bare.run("vault", "verify", "--vault", location, "--without-key");
        assertThat(found.status()).isEqualTo(5);
        assertThat(found.out()).contains(pack.getFileName().toString());
        Files.write(pack, sound);
        Command.Result done =
                bare.run(
                        "vault",
                        "prune",
                        "--vault",
                        location,
                        "--without-key",
                        "--grace",
                        "0",
                        "--json");
        assertThat(done.json().path("deletedPacks").asInt()).isZero();
    }

    @Test
    void aCopyHasItsOwnKeyAndMendsTheOriginal() throws IOException {
        Path other = Files.createDirectory(folder.resolve("elsewhere"));
        CommandVault copy = CommandVault.make(other);
        String[] to = {
            "--other", copy.vault().toString(), "--other-key-file", copy.key().toString()
        };
        JsonNode copied =
                vault.succeed("vault", "copy", to[0], to[1], to[2], to[3], "--json").json();
        assertThat(copied.path("copies")).hasSize(2);
        copy.requireSound(2);
        copy.requireRestores(copied.path("copies").get(1), image);
        assertThat(vault.succeed("vault", "copy", to[0], to[1], to[2], to[3]).out())
                .contains("Nothing to copy");
        for (Path pack : vault.files("packs")) {
            byte[] bytes = Files.readAllBytes(pack);
            bytes[bytes.length / 2] ^= 1;
            Files.write(pack, bytes, StandardOpenOption.TRUNCATE_EXISTING);
        }
        assertThat(vault.run("vault", "verify").status()).isEqualTo(5);
        vault.succeed("vault", "repair", to[0], to[1], to[2], to[3]);
        vault.requireRestores(second, image);
        prune();
        prune();
        vault.requireSound(2);
    }

    @Test
    void aDamagedPointHidesNoOthersAndCanBeDiscarded() throws IOException {
        Path point = vault.vault().resolve("points").resolve(id(first));
        byte[] bytes = Files.readAllBytes(point);
        bytes[bytes.length - 10] ^= 1;
        Files.write(point, bytes);
        Command.Result listed = vault.run("points", "--json");
        assertThat(listed.status()).isEqualTo(5);
        assertThat(listed.json().path("points")).hasSize(1);
        assertThat(listed.err()).contains(id(first));
        assertThat(vault.run("vault", "verify").out())
                .contains("vault discard ID")
                .doesNotContain("--quarantine");
        Command.Result refused = vault.run("vault", "prune");
        assertThat(refused.status()).isEqualTo(5);
        assertThat(refused.err()).contains("Nothing was pruned");
        Command.Result restored =
                vault.run("restore", "--point", id(first).substring(0, 8), "--to", "x.raw");
        assertThat(restored.status()).as(restored.err()).isEqualTo(5);
        assertThat(restored.err()).contains(id(first)).doesNotContain("no recovery point");
        vault.succeed("vault", "discard", id(first).substring(0, 8));
        prune();
        prune();
        vault.requireSound(1);
    }

    @Test
    void aLockedPointStays() throws IOException {
        Command.Result locked =
                vault.succeed(
                        "backup",
                        "--vm",
                        "vm",
                        "--image",
                        image.toString(),
                        "--lock-days",
                        "3",
                        "--json");
        Command.Result refused = vault.run("forget", id(locked.json()));
        assertThat(refused.status()).isEqualTo(3);
        assertThat(refused.err()).contains("locked until");
    }
}
