package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.testkit.Bytes;
import io.stillpoint.testkit.SparseImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// The heap and the vault grow with the data, not with the disk.
@Tag("slow")
final class LargeDiskTest {
    private static final int CHUNK = 65_536;
    private static final long METADATA_MAX = 2L << 20;

    @TempDir Path folder;
    private CommandVault vault;

    @BeforeEach
    void makeVault() {
        CommandVault made = CommandVault.make(folder);
        Command command =
                made.command()
                        .options("-Xmx512m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError");
        vault = new CommandVault(folder, made.vault(), command);
    }

    private long storedBytes() {
        return vault.files("packs").stream().mapToLong(file -> file.toFile().length()).sum()
                + vault.files("index").stream().mapToLong(file -> file.toFile().length()).sum();
    }

    @Test
    void aTebibyteWithLittleDataTakesLittleMemoryAndRoom() {
        SparseImage image = SparseImage.create(folder.resolve("disk.raw"), ByteSize.parse("1T"));
        int chunks = 1024;
        for (int i = 0; i < chunks; i++) {
            image.write((long) i << 30, Bytes.RANDOM, CHUNK, i);
        }
        vault.backup(image.file());
        long full = storedBytes();
        assertThat(full - (long) chunks * CHUNK).isBetween(0L, METADATA_MAX);

        image.write((500L << 30) + 3, Bytes.RANDOM, 100, -1);
        JsonNode point = vault.backup(image.file());
        assertThat(point.path("disks").path(0).path("method").asString()).isEqualTo("comparison");
        assertThat(point.path("changedBytes").asLong()).isEqualTo(CHUNK);
        assertThat(storedBytes() - full).isLessThan(CHUNK + 100_000L);
        vault.requireSound(2);
    }

    @Test
    void manyScatteredPiecesAreNoBurden() throws IOException {
        Path file = SparseImage.create(folder.resolve("disk.raw"), ByteSize.parse("300G")).file();
        int pieces = 20_000;
        byte[] content = Bytes.TEXT.of(4096, 1);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            for (int i = 0; i < pieces; i++) {
                ByteBuffer piece = ByteBuffer.wrap(content).putInt(0, i);
                channel.write(piece, i * (240L * CHUNK) + 8192);
            }
        }
        JsonNode point = vault.backup(file);
        assertThat(point.path("changedBytes").asLong()).isEqualTo((long) pieces * CHUNK);
        JsonNode again = vault.backup(file);
        assertThat(again.path("changedBytes").asLong()).isZero();
    }
}
