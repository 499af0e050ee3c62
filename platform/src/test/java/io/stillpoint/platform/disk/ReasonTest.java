package io.stillpoint.platform.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.EOFException;
import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class ReasonTest {
    @TempDir Path folder;

    private static Exception thrown(Callable<?> task) {
        try {
            task.call();
        } catch (Exception e) {
            return e;
        }
        throw new AssertionError("nothing was thrown");
    }

    @Test
    void whatTheSystemRefusesIsToldInWords() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "x");
        assertThat(Reason.of(thrown(() -> Files.readString(folder.resolve("nothing")))))
                .hasToString("there is no such file or folder");
        assertThat(Reason.of(thrown(() -> Files.readString(file.resolve("below")))))
                .hasToString("it is not a folder");
        assertThat(Reason.of(thrown(() -> Files.readString(folder)))).hasToString("it is a folder");
        assertThat(Reason.of(thrown(() -> Files.createFile(folder.resolve("x".repeat(300))))))
                .hasToString("the name is too long for this file system");
        assertThat(Reason.of(thrown(() -> new FileInputStream(folder.toFile()))))
                .hasToString("it is a folder");
        assertThat(Reason.of(thrown(() -> new ProcessBuilder("no-such-program-here").start())))
                .hasToString("there is no such file or folder");
        assertThat(Reason.of(thrown(() -> Files.createDirectory(folder))))
                .hasToString("something with this name already exists");
        assertThat(Reason.of(thrown(() -> Files.deleteIfExists(folder))))
                .hasToString("the folder is not empty");
    }

    @Test
    void exceptionsOfEveryLayerComeDownToTheSameWords() {
        assertThat(Reason.kind(new AccessDeniedException("/x"))).isEqualTo(Reason.DENIED);
        assertThat(Reason.kind(new FileNotFoundException("/x (Permission denied)")))
                .isEqualTo(Reason.DENIED);
        assertThat(Reason.kind(new FileSystemException("/x", null, "Read-only file system")))
                .isEqualTo(Reason.READ_ONLY);
        assertThat(Reason.kind(new IOException("No space left on device")))
                .isEqualTo(Reason.NO_SPACE);
        assertThat(Reason.kind(new FileSystemException("/x", null, "Disk quota exceeded")))
                .isEqualTo(Reason.QUOTA);
        assertThat(Reason.isFull(new IOException(new IOException("Disk quota exceeded")))).isTrue();
        assertThat(Reason.isFull(new IOException("Input/output error"))).isFalse();
        assertThat(Reason.kind(new FileSystemException("/x", "/y", "Too many open files")))
                .isEqualTo(Reason.TOO_MANY_FILES);
        assertThat(Reason.kind(new UncheckedIOException(new NotDirectoryException("/x"))))
                .isEqualTo(Reason.NOT_A_FOLDER);
        assertThat(Reason.kind(new ExecutionException(new NoSuchFileException("/x"))))
                .isEqualTo(Reason.NO_SUCH_FILE);
        assertThat(Reason.kind(new FileAlreadyExistsException("/x"))).isEqualTo(Reason.EXISTS);
        assertThat(Reason.kind(new ConnectException("Connection refused")))
                .isEqualTo(Reason.REFUSED);
        assertThat(Reason.kind(new UnknownHostException("host"))).isEqualTo(Reason.UNKNOWN_HOST);
        assertThat(Reason.kind(new SocketTimeoutException("Read timed out")))
                .isEqualTo(Reason.NO_ANSWER);
    }

    @Test
    void noClassNameAndNoNullIsEverTold() {
        for (Throwable each :
                List.of(
                        new IOException(),
                        new IOException((String) null),
                        new IOException(new IllegalStateException()),
                        new FileSystemException("/x"),
                        new EOFException(),
                        new ClosedChannelException(),
                        new CharacterCodingException(),
                        new NullPointerException(),
                        new RuntimeException("java.io.IOException: pipe broke"),
                        new UncheckedIOException(new IOException()))) {
            assertThat(Reason.of(each).toString())
                    .isNotBlank()
                    .doesNotContain("Exception")
                    .doesNotContain("null")
                    .doesNotContain("/x");
        }
        assertThat(Reason.of(new IOException("java.io.IOException: the pipe broke")))
                .hasToString("the pipe broke");
        assertThat(Reason.of(new IOException("what only this driver says")))
                .hasToString("what only this driver says");
    }

    @ParameterizedTest
    @EnumSource
    void everyReasonHasAText(Reason reason) {
        assertThat(
                        io.stillpoint.platform.text.Messages.of(Reason.class)
                                .text(
                                        java.util.Locale.ROOT,
                                        "reason."
                                                + reason.name()
                                                        .toLowerCase(java.util.Locale.ROOT)
                                                        .replace('_', '-')))
                .doesNotStartWith("reason.")
                .doesNotContain("''");
    }
}
