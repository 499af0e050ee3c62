package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.MemoryBudget;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// However many processors there are, what runs on them stays within the heap. The disk is the worst there is: nothing in
/// it can be compressed, and every chunk differs a little from the one before, which lies anywhere in the vault.
@TestInstance(Lifecycle.PER_CLASS)
final class ProcessorsTest {
    private static final int CHUNK = 1 << 16;
    private static final int CHUNKS = 800;

    private final Random random = new Random(10);
    private Path folder = Path.of("");
    private Path image = Path.of("");

    @BeforeAll
    void make(@TempDir Path made) throws IOException {
        folder = made;
        image = folder.resolve("disk.raw");
        byte[] chunk = new byte[CHUNK];
        try (FileChannel channel =
                FileChannel.open(image, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            for (int i = 0; i < CHUNKS; i++) {
                random.nextBytes(chunk);
                channel.write(ByteBuffer.wrap(chunk));
            }
        }
        CommandVault.make(folder);
        vault("-Xmx512m", 2).backup(image);
    }

    private CommandVault vault(String heap, int processors) {
        return new CommandVault(
                folder,
                folder.resolve("vault"),
                command()
                        .options(
                                heap,
                                "-XX:+UseSerialGC",
                                "-XX:ActiveProcessorCount=" + processors));
    }

    private Command command() {
        return new Command()
                .environment(
                        Map.of(
                                "STILLPOINT_VAULT", folder.resolve("vault").toString(),
                                "STILLPOINT_KEY_FILE", folder.resolve("key").toString(),
                                "STILLPOINT_STATE_DIR", folder.resolve("state").toString()));
    }

    /// A few bytes of every chunk.
    private void scatter() throws IOException {
        byte[] few = new byte[64];
        try (FileChannel channel = FileChannel.open(image, StandardOpenOption.WRITE)) {
            for (long i = 0; i < CHUNKS; i++) {
                random.nextBytes(few);
                channel.write(ByteBuffer.wrap(few), i * CHUNK + random.nextInt(CHUNK - 64));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 16, 64})
    void aDiskOfScatteredChangesIsBackedUp(int processors) throws IOException {
        scatter();
        // The smallest heap in which it must work at all, with as many threads as there may be.
        CommandVault vault = vault("-Xmx256m", processors);

        JsonNode point = vault.backup(image);

        assertThat(point.path("disks").path(0).path("changedBytes").asLong())
                .isEqualTo((long) CHUNKS * CHUNK);
    }

    @Test
    void whatReadsAVaultStaysWithinTheHeapToo() throws IOException {
        scatter();
        CommandVault vault = vault("-Xmx256m", 64);
        JsonNode point = vault.backup(image);
        Path other = Files.createDirectory(folder.resolve("other"));
        CommandVault copy = CommandVault.make(other);

        vault.succeed("vault", "verify");
        vault.requireRestores(point, image);
        vault.succeed(
                "vault",
                "copy",
                "--last",
                "1",
                "--other",
                copy.vault().toString(),
                "--other-key-file",
                copy.key().toString());
        vault.succeed("forget", "--vm", "vm", "--keep-last", "1", "--purge-after", "0");
        vault.succeed("vault", "prune", "--grace", "0");
    }

    @Test
    void aHeapThatIsTooSmallIsNamedBeforeAnythingIsDone() {
        Command.Result result = vault("-Xmx100m", 2).run(CommandVault.backupOf(image));

        assertThat(result.status()).isEqualTo(4);
        assertThat(result.json().at("/error/code").asString()).isEqualTo("platform.heap-too-small");
        assertThat(result.json().at("/error/message").asString()).contains("256");
    }

    @Test
    void theScriptsHeapHasRoomForAllWorkersOfAMachine() {
        for (int processors = 1; processors <= 128; processors++) {
            long heap = MemoryBudget.heapFor(processors);

            assertThat(heap).isBetween(512L << 20, 1200L << 20);
        }
    }
}
