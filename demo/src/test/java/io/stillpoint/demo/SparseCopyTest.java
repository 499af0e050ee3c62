package io.stillpoint.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SparseCopyTest {
    @TempDir Path folder;

    @Test
    void copiesEveryByteAndLeavesHoles() throws IOException {
        byte[] bytes = new byte[4 * 1024 * 1024 + 77];
        Arrays.fill(bytes, 100_000, 100_010, (byte) 1);
        Path from = Files.write(folder.resolve("from"), bytes);
        Path to = Files.writeString(folder.resolve("to"), "older and to be replaced");

        SparseCopy.copy(from, to);

        assertThat(Files.mismatch(from, to)).isEqualTo(-1);
        assertThat((Long) Files.getAttribute(to, "unix:size")).isEqualTo(bytes.length);
    }

    @Test
    void keepsTheLengthOfFilesOfZerosAndOfNothing() throws IOException {
        for (int length : new int[] {0, 1, 65_536, 65_537}) {
            Path from = Files.write(folder.resolve("zeros"), new byte[length]);
            SparseCopy.copy(from, folder.resolve("copy"));
            assertThat(Files.mismatch(from, folder.resolve("copy"))).isEqualTo(-1);
        }
    }
}
