package io.stillpoint.hypervisor.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.hypervisor.Binaries;
import io.stillpoint.platform.Threads;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RestoreTargetTest {
    private static final int SIZE = (8 << 20) + 700;

    @TempDir Path folder;

    @Test
    void rawImageAppearsWithItsNameWhenCommitted() throws IOException {
        Path path = folder.resolve("disk.raw");
        byte[] part = random();
        try (RestoreTarget target = RestoreTarget.createRaw(path, SIZE)) {
            target.write(SIZE - part.length, part, 0, part.length);
            target.flush();
            assertThat(path).doesNotExist();
            target.commit();
        }
        byte[] expected = new byte[SIZE];
        System.arraycopy(part, 0, expected, SIZE - part.length, part.length);
        assertThat(Arrays.equals(Files.readAllBytes(path), expected)).isTrue();
        assertThat(folder.resolve("disk.raw.partial")).doesNotExist();
    }

    @Test
    void targetThatIsNotCommittedLeavesNothing() {
        RestoreTarget target = RestoreTarget.createRaw(folder.resolve("disk.raw"), SIZE);
        target.write(0, new byte[10], 0, 10);
        target.close();
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void existingFileIsNotOverwritten() throws IOException {
        Path path = Files.createFile(folder.resolve("disk.raw"));
        assertThatThrownBy(() -> RestoreTarget.createRaw(path, SIZE))
                .hasMessageContaining("already exists");
    }

    @Test
    void secondRestoreToTheSameNameIsRefused() {
        Path path = folder.resolve("disk.raw");
        try (RestoreTarget target = RestoreTarget.createRaw(path, SIZE)) {
            assertThat(target.size()).isEqualTo(SIZE);
            assertThatThrownBy(() -> RestoreTarget.createRaw(path, SIZE))
                    .hasMessageContaining("Another restore is writing");
        }
    }

    @Test
    void partOfAKilledRestoreIsReplaced() throws IOException {
        Path path = folder.resolve("disk.raw");
        Files.write(folder.resolve("disk.raw.partial"), random());
        try (RestoreTarget target = RestoreTarget.createRaw(path, 4)) {
            target.commit();
        }
        assertThat(path).hasBinaryContent(new byte[4]);
    }

    @Test
    @Tag("qemu")
    void qcow2ImageHoldsWhatWasWritten() throws IOException {
        Binaries.require("qemu-img", "qemu-storage-daemon");
        Path path = folder.resolve("disk.qcow2");
        byte[] part = random();
        try (RestoreTarget target = RestoreTarget.createQcow2(path, SIZE, Threads.ofProcess())) {
            target.write(SIZE - part.length, part, 0, part.length);
            target.write(1 << 20, part, 0, part.length);
            target.commit();
        }
        assertThat(folder.resolve("disk.qcow2.partial")).doesNotExist();
        Binaries.run("qemu-img", "check", "-q", path.toString());
        Path raw = folder.resolve("out.raw");
        Binaries.run("qemu-img", "convert", "-O", "raw", path.toString(), raw.toString());
        byte[] expected = new byte[SIZE];
        System.arraycopy(part, 0, expected, 1 << 20, part.length);
        System.arraycopy(part, 0, expected, SIZE - part.length, part.length);
        assertThat(Arrays.equals(Arrays.copyOf(Files.readAllBytes(raw), SIZE), expected)).isTrue();
    }

    @Test
    @Tag("qemu")
    void qcow2ThatIsNotCommittedLeavesNothing() {
        Binaries.require("qemu-img", "qemu-storage-daemon");
        RestoreTarget target =
                RestoreTarget.createQcow2(folder.resolve("disk.qcow2"), SIZE, Threads.ofProcess());
        target.close();
        assertThat(folder).isEmptyDirectory();
    }

    private static byte[] random() {
        byte[] part = new byte[100_000];
        new Random(3).nextBytes(part);
        return part;
    }
}
