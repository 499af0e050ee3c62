package io.stillpoint.guest.extension;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.Randomness;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PackageSignerTest {
    private static final byte[] MESSAGE = "manifest".getBytes(StandardCharsets.UTF_8);

    @TempDir Path folder;

    private Path state() {
        return folder.resolve("a/state");
    }

    private PackageSigner signer() {
        return PackageSigner.of(state(), Randomness.secure());
    }

    @Test
    void theKeyIsMadeOnceForItsOwnerAlone() throws IOException {
        byte[] first = signer().sign(MESSAGE);

        assertThat(signer().sign(MESSAGE)).isEqualTo(first).hasSize(64);
        try (Stream<Path> files = Files.list(state())) {
            assertThat(files).containsExactly(state().resolve("extension-key"));
        }
        assertThat(permissions("extension-key")).isEqualTo("rw-------");
        assertThat(permissions("")).isEqualTo("rwx------");
    }

    private String permissions(String name) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(state().resolve(name)));
    }

    @Test
    void signsAsTheRfcsExampleDoes() throws IOException {
        // RFC 8032, section 7.1, test 3.
        HexFormat hex = HexFormat.of();
        byte[] secret =
                hex.parseHex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7");
        PackageSigner signer =
                PackageSigner.of(
                        state(), bytes -> System.arraycopy(secret, 0, bytes, 0, bytes.length));

        assertThat(hex.formatHex(signer.sign(new byte[] {(byte) 0xAF, (byte) 0x82})))
                .isEqualTo(
                        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                                + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a");
    }

    @Test
    void knowsItsOwnSignaturesAndNoOthers() {
        PackageSigner signer = signer();
        byte[] signature = signer.sign(MESSAGE);
        PackageSigner other = PackageSigner.of(folder.resolve("other"), Randomness.secure());

        assertThat(signer.isOurs(MESSAGE, signature)).isTrue();
        assertThat(other.isOurs(MESSAGE, signature)).isFalse();
        assertThat(signer.isOurs(new byte[] {1}, signature)).isFalse();
        assertThat(signer.isOurs(MESSAGE, new byte[0])).isFalse();
        assertThat(signer.isOurs(MESSAGE, new byte[64])).isFalse();
    }

    @Test
    void allWhoMakeItAtOnceGetTheSame() throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<byte[]>> all =
                    IntStream.range(0, 20)
                            .<Callable<byte[]>>mapToObj(i -> () -> signer().sign(MESSAGE))
                            .toList();
            byte[] expected = signer().sign(MESSAGE);
            for (var signature : threads.invokeAll(all)) {
                assertThat(signature.get()).isEqualTo(expected);
            }
        }
        try (Stream<Path> files = Files.list(state())) {
            assertThat(files).hasSize(1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"rw-r--r--", "rw-rw----", "rwx------"})
    void aKeyThatOthersCanReadIsNotUsed(String permissions) throws IOException {
        signer();
        Files.setPosixFilePermissions(
                state().resolve("extension-key"), PosixFilePermissions.fromString(permissions));
        requireFailure("extension.key-open");
    }

    @Test
    void aDamagedKeyIsToldAndNotReplaced() throws IOException {
        signer();
        Path key = state().resolve("extension-key");
        Files.write(key, new byte[10]);
        requireFailure("extension.key-unusable");
        assertThat(key).hasBinaryContent(new byte[10]);
    }

    private void requireFailure(String code) {
        assertThatThrownBy(this::signer)
                .isInstanceOfSatisfying(
                        ExtensionException.class,
                        e -> {
                            assertThat(e.code()).isEqualTo(code);
                            assertThat(e.getMessage())
                                    .contains(state().resolve("extension-key").toString());
                        });
    }
}
