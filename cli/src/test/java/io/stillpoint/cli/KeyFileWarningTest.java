package io.stillpoint.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class KeyFileWarningTest {
    @TempDir Path folder;

    private record Told(int status, String err) {}

    private static Told run(String... arguments) {
        PrintStream out = System.out;
        PrintStream err = System.err;
        ByteArrayOutputStream told = new ByteArrayOutputStream();
        System.setErr(new PrintStream(told, true, StandardCharsets.UTF_8));
        System.setOut(new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8));
        try {
            return new Told(Stillpoint.run(arguments), told.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
    }

    @Test
    void keyFileThatOthersMayReadOrChangeIsWarnedOf() throws Exception {
        String vault = folder.resolve("vault").toString();
        Path key = folder.resolve("key");
        Told made = run("vault", "init", "--vault", vault, "--key-file", key.toString());
        assertThat(made.status()).as(made.err()).isZero();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(key)))
                .isEqualTo("rw-------");
        Map<String, Boolean> modes =
                new TreeMap<>(
                        Map.of(
                                "rw-------", false,
                                "r--------", false,
                                "rw-rw-rw-", true,
                                "rw----r--", true,
                                "rw--w----", true));
        modes.forEach((mode, isOpen) -> {
            setMode(key, mode);
            Told told = run("points", "--vault", vault, "--key-file", key.toString());
            assertThat(told.status())
                    .as(mode + told.err())
                    .isEqualTo(isOpen ? ExitCode.WARNINGS.status() : 0);
            assertThat(told.err().contains("chmod 600 " + key)).as(mode).isEqualTo(isOpen);
        });
    }

    @Test
    void openFilesWithSecretsThatTheConfigurationNamesAreWarnedOf() throws Exception {
        Path key = Files.writeString(folder.resolve("key"), "secret");
        Path passphrase = Files.writeString(folder.resolve("passphrase"), "secret");
        Path password = Files.writeString(folder.resolve("password"), "secret");
        Path config =
                Files.writeString(
                        folder.resolve("stillpoint.yaml"),
                        """
                        database: { url: "jdbc:postgresql://db/x", password-file: FOLDER/password }
                        vaults:
                          one: { location: FOLDER, key-file: FOLDER/key }
                          two: { location: FOLDER/two, passphrase-file: FOLDER/passphrase }
                        hosts:
                          here: { qemu: { monitors: ["FOLDER/*.qmp"] } }
                        """
                                .replace("FOLDER", folder.toString()));
        List<Path> secrets = List.of(key, passphrase, password);
        secrets.forEach(file -> setMode(file, "rw-rw----"));
        Told told = run("config", "check", "--config", config.toString());
        assertThat(told.status()).as(told.err()).isEqualTo(ExitCode.WARNINGS.status());
        secrets.forEach(file -> assertThat(told.err()).contains("chmod 600 " + file));
        secrets.forEach(file -> setMode(file, "rw-------"));
        assertThat(run("config", "check", "--config", config.toString()).err())
                .doesNotContain("chmod");
    }

    private static void setMode(Path file, String mode) {
        try {
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
        } catch (java.io.IOException e) {
            throw new AssertionError(e);
        }
    }
}
