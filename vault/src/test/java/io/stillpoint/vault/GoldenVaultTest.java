package io.stillpoint.vault;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.crypto.Passphrase;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.verify.Verification;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A vault that an earlier build wrote opens and verifies for ever. [GoldenVault] made it.
final class GoldenVaultTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden/v1");

    @TempDir Path folder;

    /// On a copy: a vault is a folder that writers may sweep, and git keeps no empty folders.
    @BeforeEach
    void copy() throws IOException {
        try (Stream<Path> files = Files.walk(GOLDEN)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Path target = folder.resolve(GOLDEN.relativize(file));
                Files.createDirectories(Objects.requireNonNull(target.getParent()));
                Files.copy(file, target);
            }
        }
    }

    private List<String> expected() throws IOException {
        return Files.readAllLines(folder.resolve("expected"));
    }

    @Test
    void itsPointsRestoreToWhatWasBackedUp() throws IOException, NoSuchAlgorithmException {
        try (TestVault vault = TestVault.open(folder)) {
            List<String> found = new ArrayList<>();
            for (RecoveryPoint point : vault.vault().points()) {
                assertThat(point.vm()).isEqualTo("vm");
                assertThat(point.consistency()).isEqualTo(Consistency.STOPPED);
                byte[] content = vault.restored(point);
                byte[] hash = MessageDigest.getInstance("SHA-256").digest(content);
                found.add(point.id() + " " + content.length + " " + HexFormat.of().formatHex(hash));
            }
            assertThat(found).isEqualTo(expected());
        }
    }

    @Test
    void itIsSound() {
        try (TestVault vault = TestVault.open(folder)) {
            Verification found = vault.verify();
            assertThat(found.problems()).isEmpty();
            assertThat(found.points()).isEqualTo(2);
        }
    }

    @Test
    void itsPassphraseOpensItToo() {
        LocalStore store = new LocalStore(folder.resolve("vault"));
        Passphrase passphrase = Passphrase.read(folder.resolve("passphrase"));
        try (Vault vault =
                Vault.open(
                        store,
                        passphrase,
                        new Vault.Surroundings(
                                Randomness.secure(),
                                InstantSource.system(),
                                ProcessResources.ofThisProcess()))) {
            assertThat(vault.points()).hasSize(2);
            assertThat(vault.keySlots().list())
                    .extracting(entry -> entry.state() + " " + entry.label())
                    .containsExactly("KEY_FILE first", "PASSPHRASE words");
        }
    }

    @Test
    void anotherBackupUsesWhatIsInIt() {
        try (TestVault vault = TestVault.open(folder)) {
            RecoveryPoint newest = vault.vault().newest("vm").orElseThrow();
            RecoveryPoint again = vault.full(vault.restored(newest));
            assertThat(again.disks().getFirst().newBytes()).isZero();
            assertThat(again.disks().getFirst().image().root())
                    .isEqualTo(newest.disks().getFirst().image().root());
            assertThat(vault.verify().problems()).isEmpty();
        }
    }

    @Test
    void itsIndexIsOnlyAShortcut() throws IOException {
        try (Stream<Path> segments = Files.list(folder.resolve("vault/index"))) {
            for (Path segment : segments.toList()) {
                Files.delete(segment);
            }
        }
        try (Vault vault =
                Vault.open(
                        new LocalStore(folder.resolve("vault")),
                        KeyFile.read(folder.resolve("key")),
                        new Vault.Surroundings(
                                Randomness.secure(),
                                InstantSource.system(),
                                ProcessResources.ofThisProcess()))) {
            assertThat(vault.points()).hasSize(2);
        }
        try (TestVault vault = TestVault.open(folder)) {
            vault.vault().points().forEach(point -> assertThat(vault.restored(point)).isNotEmpty());
        }
    }
}
