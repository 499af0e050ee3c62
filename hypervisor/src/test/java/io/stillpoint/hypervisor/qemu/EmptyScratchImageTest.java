package io.stillpoint.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.hypervisor.Binaries;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// QEMU's own tools judge the image.
class EmptyScratchImageTest {
    @TempDir Path folder;

    private Path written(long diskBytes) throws IOException {
        Path path = folder.resolve("image");
        EmptyScratchImage image = new EmptyScratchImage(diskBytes);
        try (FileChannel file =
                FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.wrap(image.beginning()));
            file.write(ByteBuffer.allocate(1), image.length() - 1L);
        }
        return path;
    }

    @ParameterizedTest
    @ValueSource(
            longs = {
                0,
                512,
                1536,
                64 << 10,
                (512 << 20) - 512,
                512 << 20,
                (512 << 20) + 512,
                (4L << 40) - 512,
                4L << 40,
                (4L << 40) + 512,
                1L << 50
            })
    void qemuFindsAnEmptyDiskOfTheSizeWithoutErrorOrLeak(long diskBytes) throws IOException {
        Path image = written(diskBytes);
        JsonNode info =
                Json.parse(Binaries.run("qemu-img", "info", "--output=json", image.toString()));
        assertThat(info.path("format").asString()).isEqualTo("qcow2");
        assertThat(info.path("virtual-size").asLong()).isEqualTo(diskBytes);
        JsonNode check =
                Json.parse(Binaries.run("qemu-img", "check", "--output=json", image.toString()));
        assertThat(check.path("check-errors").asLong(-1)).isZero();
        assertThat(check.has("corruptions")).isFalse();
        assertThat(check.has("leaks")).isFalse();
        assertThat(check.path("image-end-offset").asLong()).isEqualTo(Files.size(image));
    }

    @Test
    void whatIsWrittenToItIsRead() throws IOException {
        Path image = written(5L << 40);
        for (String at : new String[] {"0", "511M", "4T", "5497558138368"}) {
            assertThat(Binaries.run("qemu-io", "-c", "write -P 7 " + at + " 512", image.toString()))
                    .contains("wrote 512/512");
            assertThat(Binaries.run("qemu-io", "-c", "read -P 7 " + at + " 512", image.toString()))
                    .contains("read 512/512");
        }
        assertThat(Binaries.run("qemu-img", "check", image.toString()))
                .contains("No errors were found");
    }

    @Test
    void encryptedOneIsReadWithItsPassphrase() throws IOException {
        EmptyScratchImage image = new EmptyScratchImage(5L << 40);
        byte[] plain = Arrays.copyOf(image.beginning(), image.length());
        Path file = folder.resolve("luks");
        Files.write(file, LuksContainer.of(plain, "secret", "test", Randomness.secure()::bytes));
        assertThat(Files.size(file)).isEqualTo(LuksContainer.HEADER_BYTES + plain.length);
        String opened =
                "driver=qcow2,file.driver=luks,file.key-secret=s,file.file.driver=file,file.file.filename="
                        + file;
        assertThat(
                        Binaries.run(
                                "qemu-img",
                                "check",
                                "--object",
                                "secret,id=s,data=secret",
                                "--image-opts",
                                opened))
                .contains("No errors were found");
    }
}
