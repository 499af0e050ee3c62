package io.stillpoint.platform.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SparseFileTest {
    @TempDir Path folder;

    @Test
    void findsDataAndHoles() throws IOException {
        Path file = file();
        try (SparseFile sparse = SparseFile.open(file)) {
            assertThat(sparse.nextData(0)).isEqualTo(1 << 20);
            assertThat(sparse.nextHole(0)).isZero();
            assertThat(sparse.nextHole(1 << 20)).isBetween((1L << 20) + 5, 2L << 20);
            assertThat(sparse.nextData(3 << 20)).isEqualTo(-1); // the end
            assertThat(sparse.nextHole(4 << 20)).isEqualTo(-1);
        }
    }

    @Test
    void seesLocksOfOtherOpenFiles() throws IOException {
        Path file = file();
        try (SparseFile sparse = SparseFile.open(file);
                FileChannel other = FileChannel.open(file, StandardOpenOption.READ)) {
            assertThat(sparse.isLocked(101)).isFalse();
            try (var lock = other.lock(101, 1, true)) {
                assertThat(lock.isShared()).isTrue();
                assertThat(sparse.isLocked(101)).isTrue();
                assertThat(sparse.isLocked(102)).isFalse();
            }
        }
    }

    @Test
    void missingFileIsTold() {
        assertThatThrownBy(() -> SparseFile.open(folder.resolve("none")).close())
                .isInstanceOf(NoSuchFileException.class);
    }

    private Path file() throws IOException {
        Path file = folder.resolve("sparse");
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5}), 1 << 20);
            channel.write(ByteBuffer.allocate(1), (3 << 20) - 1);
            channel.truncate(3 << 20);
        }
        return file;
    }
}
