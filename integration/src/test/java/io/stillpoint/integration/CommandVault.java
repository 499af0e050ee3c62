package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/// A vault in `vault` and its key in `key` of a folder, used through the command alone.
record CommandVault(Path folder, Path vault, Command command) {
    static CommandVault make(Path folder) {
        return make(folder, folder.resolve("vault"));
    }

    static CommandVault make(Path folder, Path vault) {
        Map<String, String> environment =
                Map.of(
                        "STILLPOINT_VAULT",
                        vault.toString(),
                        "STILLPOINT_KEY_FILE",
                        folder.resolve("key").toString(),
                        "STILLPOINT_STATE_DIR",
                        folder.resolve("state").toString());
        CommandVault made = new CommandVault(folder, vault, new Command().environment(environment));
        made.succeed("vault", "init");
        return made;
    }

    /// The same for runs over many megabytes.
    CommandVault bulk() {
        return new CommandVault(folder, vault, command.bulk());
    }

    Path key() {
        return folder.resolve("key");
    }

    Command.Result run(String... arguments) {
        return command.run(arguments);
    }

    /// Runs a command that must succeed.
    Command.Result succeed(String... arguments) {
        Command.Result result = command.run(arguments);
        assertThat(result.status())
                .as("%s: %s%s", List.of(arguments), result.out(), result.err())
                .isEqualTo(0);
        return result;
    }

    static String[] backupOf(Path... images) {
        // Whichever images a test makes, they stand for one VM.
        List<String> words =
                new ArrayList<>(List.of("backup", "--vm", "vm", "--same-vm", "--json"));
        for (Path image : images) {
            words.addAll(List.of("--image", image.toString()));
        }
        return words.toArray(String[]::new);
    }

    /// Backs up images and returns the recovery point.
    JsonNode backup(Path... images) {
        return succeed(backupOf(images)).json();
    }

    /// All recovery points, oldest first.
    List<JsonNode> points() {
        List<JsonNode> points = new ArrayList<>();
        succeed("points", "--json").json().path("points").forEach(points::add);
        return points;
    }

    /// Fails unless every byte is sound and this number of points can be restored.
    void requireSound(int points) {
        JsonNode found = succeed("vault", "verify", "--json").json();
        assertThat(found.path("sound").asBoolean()).as(found.toString()).isTrue();
        assertThat(found.path("points").asInt()).isEqualTo(points);
    }

    /// Restores the only disk of a point to a new file and fails unless it is equal to the image.
    void requireRestores(JsonNode point, Path image) {
        Path restored = folder.resolve("restored-" + System.nanoTime());
        succeed("restore", "--point", point.path("id").asString(), "--to", restored.toString());
        try {
            assertThat(Files.mismatch(image, restored)).isEqualTo(-1);
            Files.delete(restored);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// The files of a folder of the vault.
    List<Path> files(String area) {
        Path place = vault.resolve(area);
        if (!Files.isDirectory(place)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(place)) {
            return files.filter(file -> !file.equals(place)).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
