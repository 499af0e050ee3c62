package io.stillpoint.platform.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.disk.FileLocks.Range;
import io.stillpoint.platform.natives.LockedFile;
import io.stillpoint.platform.natives.OtherTypeException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class FileLocksTest {
    @TempDir Path folder;

    /// A process of its own that tries for a lock: by this program's way, then by Java's.
    static final class Child {
        private Child() {}

        static void main(String[] arguments) throws IOException {
            Path file = Path.of(arguments[0]);
            boolean ours = FileLocks.tryLock(file).isPresent();
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                boolean javas = ours || channel.tryLock() != null;
                System.out.print(ours + " " + javas);
            }
        }

        static String tries(Path file) throws Exception {
            String classes =
                    String.join(
                            java.io.File.pathSeparator,
                            location(Child.class),
                            location(FileLocks.class));
            Process child =
                    new ProcessBuilder(
                                    Path.of(System.getProperty("java.home"), "bin", "java")
                                            .toString(),
                                    "--enable-native-access=ALL-UNNAMED",
                                    "-cp",
                                    classes,
                                    Child.class.getName(),
                                    file.toString())
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .start();
            return new String(
                    child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }

        private static String location(Class<?> type) throws Exception {
            return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI())
                    .toString();
        }
    }

    @Test
    void secondAttemptInTheProcessNeitherGetsTheLockNorDropsIt() throws Exception {
        Path file = folder.resolve("lock");
        LockedFile held = FileLocks.tryLockOrCreate(file, Range.ALL).orElseThrow();
        assertThat(FileLocks.tryLockOrCreate(file, Range.ALL)).isEmpty();
        assertThat(FileLocks.tryLock(file)).isEmpty();
        // Whoever reads it in this process closes a descriptor of it too.
        assertThat(Files.readAllBytes(file)).isEmpty();
        assertThat(Child.tries(file)).isEqualTo("false false");
        held.close();
        assertThat(Child.tries(file)).isEqualTo("true true");
        assertThat(FileLocks.tryLock(file)).isPresent();
    }

    @Test
    void anotherPathToTheFileIsTheSameLock() throws IOException {
        Path file = folder.resolve("lock");
        Path linked = Files.createSymbolicLink(folder.resolve("here"), folder);
        try (LockedFile held = FileLocks.tryLockOrCreate(file, Range.ALL).orElseThrow()) {
            assertThat(held.channel().size()).isZero();
            assertThat(FileLocks.tryLock(linked.resolve("lock"))).isEmpty();
        }
    }

    @Test
    void rangesThatDoNotMeetHoldOffNobody() throws IOException {
        Path file = folder.resolve("lock");
        try (LockedFile low = FileLocks.tryLockOrCreate(file, new Range(0, 10)).orElseThrow();
                LockedFile high =
                        FileLocks.tryLockOrCreate(file, new Range(Long.MAX_VALUE - 1, 1))
                                .orElseThrow()) {
            assertThat(low).isNotSameAs(high);
            assertThat(FileLocks.tryLockOrCreate(file, new Range(9, 1))).isEmpty();
        }
    }

    @Test
    void closingTwiceUnlocksNobodyElse() throws IOException {
        Path file = folder.resolve("lock");
        LockedFile first = FileLocks.tryLockOrCreate(file, Range.ALL).orElseThrow();
        first.close();
        try (LockedFile second = FileLocks.tryLockOrCreate(file, Range.ALL).orElseThrow()) {
            first.close();
            assertThat(second.channel().isOpen()).isTrue();
            assertThat(FileLocks.tryLock(file)).isEmpty();
        }
    }

    @Test
    void lockFileIsTheOwnersAndNoLink() throws IOException {
        Path file = folder.resolve("lock");
        FileLocks.tryLockOrCreate(file, Range.ALL).orElseThrow().close();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        Path link = Files.createSymbolicLink(folder.resolve("link"), folder.resolve("elsewhere"));
        assertThatThrownBy(() -> FileLocks.tryLockOrCreate(link, Range.ALL))
                .isInstanceOf(OtherTypeException.class);
        assertThat(folder.resolve("elsewhere")).doesNotExist();
        assertThatThrownBy(() -> FileLocks.tryLock(folder.resolve("nothing")))
                .isInstanceOf(NoSuchFileException.class);
    }

    @Test
    void lockOfAnOlderProgramIsSeen() throws IOException {
        Path file = Files.createFile(folder.resolve("lock"));
        try (FileChannel old = FileChannel.open(file, StandardOpenOption.WRITE)) {
            assertThat(old.tryLock()).isNotNull();
            Optional<LockedFile> ours = FileLocks.tryLock(file);
            assertThat(ours).isEmpty();
        }
    }
}
