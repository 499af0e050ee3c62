package io.stillpoint.platform.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(20)
final class PlainFileTest {
    @TempDir Path folder;

    @Test
    void readsAFileAndNothingElse() throws Exception {
        Path file = Files.writeString(folder.resolve("file"), "content");
        assertThat(PlainFile.read(file, 7)).asString().isEqualTo("content");
        assertThatThrownBy(() -> PlainFile.read(file, 6))
                .satisfies(e -> assertThat(Reason.kind(e)).isEqualTo(Reason.FILE_TOO_LARGE));
        Path link = Files.createSymbolicLink(folder.resolve("link"), file);
        assertThatThrownBy(() -> PlainFile.read(link, 7))
                .satisfies(e -> assertThat(Reason.kind(e)).isEqualTo(Reason.IS_A_LINK));
        Path pipe = folder.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
        assertThatThrownBy(() -> PlainFile.read(pipe, 7))
                .satisfies(e -> assertThat(Reason.kind(e)).isEqualTo(Reason.IS_A_PIPE));
        assertThatThrownBy(() -> PlainFile.read(folder, 7))
                .satisfies(e -> assertThat(Reason.kind(e)).isEqualTo(Reason.IS_A_FOLDER));
    }
}
