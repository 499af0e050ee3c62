package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.testkit.Bytes;
import io.stillpoint.testkit.SparseImage;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// A backup of images that is ended at any moment, by what it can't see coming and by what it can.
@Tag("slow")
final class KilledBackupTest {
    private static final int MEBIBYTE = 1 << 20;
    private static final int CANCELLED = 130;
    private static final int FIRST = 160;
    private static final int SECOND = 80;

    /// A run that finds everything stored ends before that.
    private static final int LATEST_MILLIS = 1800;

    @TempDir Path folder;
    private CommandVault vault;
    private SparseImage first;
    private SparseImage second;

    @BeforeEach
    void makeVault() {
        vault = CommandVault.make(folder).bulk();
        first = random("first.raw", FIRST);
        second = random("second.raw", SECOND);
    }

    private SparseImage random(String name, int mebibytes) {
        SparseImage image =
                SparseImage.create(folder.resolve(name), new ByteSize((long) mebibytes * MEBIBYTE));
        for (int i = 0; i < mebibytes; i += 10) {
            image.write((long) i * MEBIBYTE, Bytes.RANDOM, 10 * MEBIBYTE, name.hashCode() + i);
        }
        return image;
    }

    private Command.Running start() {
        return vault.command().start(CommandVault.backupOf(first.file(), second.file()));
    }

    private void awaitPacks(Command.Running running, int packs) {
        running.await(_ -> vault.files("packs").size() >= packs);
    }

    private void awaitIndex(Command.Running running, int segments) {
        running.await(_ -> vault.files("index").size() >= segments);
    }

    /// Starts a backup, ends it at a moment, and looks at what is left.
    private void killAt(Consumer<Command.Running> moment) {
        int before = vault.points().size();
        try (Command.Running running = start()) {
            moment.accept(running);
            running.kill9();
        }
        // Killed after the commit it stands, else there is none; either way it is whole.
        assertThat(vault.points().size()).isBetween(before, before + 1);
        vault.requireSound(vault.points().size());
    }

    @Test
    void killedAtAnyMomentItLeavesNothingHalfAndTheNextRunsWork() {
        for (int millis = 300; millis <= 1500; millis += 300) {
            Duration pause = Duration.ofMillis(millis);
            killAt(_ -> Command.pause(pause));
        }
        int packs = vault.files("packs").size();
        killAt(running -> awaitPacks(running, packs + 1));
        killAt(running -> awaitPacks(running, packs + 4));
        int segments = vault.files("index").size();
        killAt(running -> awaitIndex(running, segments + 1));
        long changed = killAtRandomMoments(Integer.getInteger("kills", 0) - 8);

        JsonNode point = vault.backup(first.file(), second.file());
        assertThat(vault.files("tmp")).as("leftovers that the last run did not sweep").isEmpty();
        int points = vault.points().size();
        vault.requireSound(points);
        requireRestores(point);

        // What killed runs had stored was not stored again: the content lies there once.
        long bytes = vault.files("packs").stream().mapToLong(file -> file.toFile().length()).sum();
        assertThat(bytes).isLessThan(2 * ((FIRST + SECOND) * (long) MEBIBYTE + changed));

        first.write(12_345_678, Bytes.RANDOM, 200_000, 99);
        requireRestores(vault.backup(first.file(), second.file()));
        vault.requireSound(points + 1);
    }

    /// None but with `-Dkills=N`: then the rest of so many, each with something new to store, from `-Dstillpoint.seed`.
    /// Returns how many bytes were new.
    private long killAtRandomMoments(int kills) {
        Random random = new Random(VaultScript.seed(0));
        long changed = 0;
        for (int kill = 0; kill < kills; kill++) {
            int length = (1 + random.nextInt(24)) * MEBIBYTE;
            long offset = (long) random.nextInt(FIRST - 24) * MEBIBYTE;
            first.write(offset, Bytes.RANDOM, length, random.nextInt());
            changed += length;
            int millis = 200 + random.nextInt(LATEST_MILLIS - 200);
            System.err.printf("kill %d after %d ms%n", kill, millis);
            killAt(_ -> Command.pause(Duration.ofMillis(millis)));
        }
        return changed;
    }

    private void requireRestores(JsonNode point) {
        String id = point.path("id").asString();
        Path target = folder.resolve("restored-" + id);
        vault.succeed("restore", "--point", id, "--to", target + "/");
        assertThat(target.resolve("first.raw")).hasSameBinaryContentAs(first.file());
        assertThat(target.resolve("second.raw")).hasSameBinaryContentAs(second.file());
    }

    @Test
    void packsOfAKilledRunAreUsedByTheNext() {
        killAt(running -> awaitPacks(running, 4));
        long left = vault.files("packs").stream().mapToLong(file -> file.toFile().length()).sum();
        assertThat(vault.points()).isEmpty();
        long stored = vault.backup(first.file(), second.file()).path("storedBytes").asLong();
        assertThat(stored).isLessThan((FIRST + SECOND + 1L) * MEBIBYTE - left * 9 / 10);
    }

    @Test
    void interruptedItEndsWithStatus130AndLeavesNothingBehind() {
        try (Command.Running running = start()) {
            awaitPacks(running, 2);
            running.interrupt();
            Command.Result result = running.end();
            assertThat(result.status()).as(result.err()).isEqualTo(CANCELLED);
            assertThat(result.json().path("error").path("code").asString())
                    .isEqualTo("platform.cancelled");
        }
        assertThat(vault.points()).isEmpty();
        assertThat(vault.files("tmp")).isEmpty();
        vault.requireSound(0);
        requireRestores(vault.backup(first.file(), second.file()));
    }

    @Test
    void aKilledRestoreLeavesNoImageAndTheNextOneWorks() {
        JsonNode point = vault.backup(first.file());
        String id = point.path("id").asString();
        Path target = folder.resolve("restored.raw");
        Path partial = folder.resolve("restored.raw.partial");
        try (Command.Running running =
                vault.command().start("restore", "--point", id, "--to", target.toString())) {
            running.await(_ -> partial.toFile().exists());
            running.kill9();
        }
        assertThat(target).doesNotExist();
        vault.succeed("restore", "--point", id, "--to", target.toString());
        assertThat(target).hasSameBinaryContentAs(first.file());
        assertThat(partial).doesNotExist();
    }
}
