package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.testkit.Bytes;
import io.stillpoint.testkit.HostCommand;
import io.stillpoint.testkit.RealParts;
import io.stillpoint.testkit.SparseImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// The vault's disk fills up during a backup.
@Tag("slow")
final class FullDiskTest {
    private static final int ENVIRONMENT = 4;
    private static final int SMALL_MEBIBYTES = 5;
    private static final int LARGE_MEBIBYTES = 90;

    @TempDir Path folder;
    private Path disk;
    private Path small;
    private Path large;
    private CommandVault vault;

    @BeforeEach
    void mountSmallDisk() throws IOException {
        disk = Files.createDirectory(folder.resolve("disk"));
        try {
            HostCommand.run("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk.toString());
        } catch (AssertionError e) {
            throw RealParts.absent("no small disk can be mounted here: " + e.getMessage());
        }
        small = random("small.raw", SMALL_MEBIBYTES);
        large = random("large.raw", LARGE_MEBIBYTES);
        vault = CommandVault.make(folder, disk.resolve("vault")).bulk();
    }

    @AfterEach
    void unmount() throws IOException {
        if (!Files.getFileStore(disk).equals(Files.getFileStore(folder))) {
            HostCommand.run("umount", disk.toString());
        }
    }

    private Path random(String name, int mebibytes) {
        SparseImage image =
                SparseImage.create(folder.resolve(name), new ByteSize((long) mebibytes << 20));
        for (int i = 0; i < mebibytes; i += 5) {
            image.write((long) i << 20, Bytes.RANDOM, 5 << 20, name.hashCode() + i);
        }
        return image.file();
    }

    private void resize(String size) {
        HostCommand.run("mount", "-o", "remount,size=" + size, disk.toString());
    }

    @Test
    void aBackupThatDoesNotFitSaysSoHarmsNothingAndIsDoneOnceThereIsRoom() {
        JsonNode before = backup(small);
        Command.Result full =
                vault.run("backup", "--same-vm", "--vm", "vm", "--image", large.toString());
        assertThat(full.status()).as(full.err()).isEqualTo(ENVIRONMENT);
        assertThat(full.err())
                .contains("There is no room left in " + vault.vault())
                .contains("run it again")
                .doesNotContain("\tat ");
        JsonNode error = vault.run(backupOf(large)).json().path("error");
        assertThat(error.path("code").asString()).isEqualTo("vault.store-full");
        assertThat(error.path("retryable").asBoolean()).isTrue();

        // Reading needs no room.
        assertThat(vault.points()).hasSize(1);
        vault.requireSound(1);
        vault.requireRestores(before, small);
        assertThat(vault.files("tmp")).isEmpty();

        resize("160m");
        JsonNode after = backup(large);
        vault.requireRestores(after, large);
        vault.requireSound(2);
        // What the runs before had room for was used.
        assertThat(after.path("storedBytes").asLong()).isLessThan((LARGE_MEBIBYTES - 20) << 20);
    }

    @Test
    void aFullDiskHoldsUpNeitherListingNorRestoring() throws IOException {
        JsonNode point = backup(small);
        fill();
        assertThat(vault.points()).hasSize(1);
        vault.requireRestores(point, small);
        vault.requireSound(1);
        Command.Result again = vault.run(backupOf(small));
        assertThat(again.status()).isEqualTo(ENVIRONMENT);
        assertThat(again.json().path("error").path("code").asString())
                .isEqualTo("vault.store-full");
        assertThat(vault.points()).hasSize(1);
    }

    @Test
    void aVaultIsNotHalfMadeWhereThereIsNoRoom() throws IOException {
        fill();
        Path other = disk.resolve("other");
        Command.Result init = vault.run("vault", "init", "--json", "--vault", other.toString());
        assertThat(init.status()).isEqualTo(ENVIRONMENT);
        assertThat(init.json().path("error").path("code").asString()).isEqualTo("vault.store-full");
        resize("160m");
        vault.succeed("vault", "init", "--vault", other.toString());
        vault.succeed("vault", "verify", "--vault", other.toString());
    }

    @Test
    void aFullVaultIsEmptiedByForgetAndPruneAndTakesBackupsAgain() throws IOException {
        JsonNode kept = backup(small);
        String forgotten = backup(random("other.raw", 20)).path("id").asString();
        assertThat(vault.vault().resolve("reserve")).isRegularFile();
        age();
        fill();
        assertThat(vault.run(backupOf(random("third.raw", 10))).status()).isEqualTo(ENVIRONMENT);
        // A backup leaves the reserve alone, however full the disk is.
        assertThat(vault.vault().resolve("reserve")).isRegularFile();

        vault.succeed("forget", forgotten, "--purge-after", "0");
        vault.succeed("vault", "prune", "--grace", "0");
        vault.succeed("vault", "prune", "--grace", "0");
        assertThat(disk.toFile().getUsableSpace()).isGreaterThan(15L << 20);

        JsonNode after = backup(folder.resolve("third.raw"));
        vault.requireRestores(after, folder.resolve("third.raw"));
        vault.requireRestores(kept, small);
        assertThat(vault.vault().resolve("reserve")).isRegularFile();
    }

    /// Packs that are a day old are no backup's that is under way.
    private void age() throws IOException {
        try (Stream<Path> packs = Files.list(vault.vault().resolve("packs"))) {
            for (Path pack : packs.toList()) {
                Files.setLastModifiedTime(
                        pack, FileTime.from(Instant.now().minus(Duration.ofDays(2))));
            }
        }
    }

    /// The images stand for one VM's disk over time.
    private static String[] backupOf(Path image) {
        return CommandVault.backupOf(image);
    }

    private JsonNode backup(Path image) {
        return vault.succeed(backupOf(image)).json();
    }

    /// Leaves not one byte.
    private void fill() throws IOException {
        byte[] block = new byte[4096];
        try (var out = Files.newOutputStream(disk.resolve("filling"))) {
            while (true) {
                out.write(block);
            }
        } catch (IOException e) {
            assertThat(e).hasMessageContaining("No space left");
        }
    }
}
