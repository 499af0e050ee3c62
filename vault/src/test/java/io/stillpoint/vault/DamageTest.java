package io.stillpoint.vault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import io.stillpoint.vault.verify.Verification;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Whatever happens to a vault's files: a clear error, never wrong data.
final class DamageTest {
    @TempDir Path folder;
    private byte[] content;
    private String point;

    @BeforeEach
    void makeVault() {
        content = TestVault.random(3 * TestVault.CHUNK, 1);
        Arrays.fill(content, TestVault.CHUNK, 2 * TestVault.CHUNK, (byte) 'x');
        try (TestVault vault = TestVault.make(folder)) {
            point = vault.full(content).id().toString();
        }
    }

    private List<Path> objects() throws IOException {
        try (Stream<Path> files = Files.walk(folder.resolve("vault"))) {
            return files.filter(Files::isRegularFile).toList();
        }
    }

    /// Opens, verifies and restores. Returns whether damage was reported; fails if wrong data were restored.
    private boolean isDamageReported() {
        boolean reported = false;
        try (TestVault vault = TestVault.open(folder)) {
            reported = !vault.verify().isSound();
            assertThat(vault.restored(vault.vault().point(point))).isEqualTo(content);
        } catch (VaultException e) {
            assertThat(e.kind())
                    .isIn(
                            Kind.DAMAGED,
                            Kind.MISSING,
                            Kind.TOO_NEW,
                            Kind.NOT_A_VAULT,
                            Kind.NOT_FOUND,
                            Kind.WRONG_KEY);
            assertThat(e.getMessage()).doesNotContain("{0}").isNotEqualTo(e.code());
            reported = true;
        }
        return reported;
    }

    @Test
    void aFlippedBitAnywhereIsReported() throws IOException {
        for (Path object : objects()) {
            byte[] sound = Files.readAllBytes(object);
            // Every byte at both ends of an object, samples between.
            int step = Math.max(1, sound.length / 1000);
            for (int at = 0;
                    at < sound.length;
                    at += at < 64 || at > sound.length - 200 ? 1 : step) {
                byte[] damaged = sound.clone();
                damaged[at] ^= (byte) (1 << at % 8);
                Files.write(object, damaged);
                assertThat(isDamageReported()).as("%s, byte %d", object, at).isTrue();
            }
            Files.write(object, sound);
        }
        assertThat(isDamageReported()).isFalse();
    }

    @Test
    void aTruncatedObjectIsReported() throws IOException {
        for (Path object : objects()) {
            byte[] sound = Files.readAllBytes(object);
            for (int length : new int[] {0, 1, 31, 32, 40, sound.length / 2, sound.length - 1}) {
                Files.write(object, Arrays.copyOf(sound, length));
                assertThat(isDamageReported()).as("%s cut to %d", object, length).isTrue();
            }
            Files.write(object, sound);
        }
    }

    @Test
    void aMissingPackIsReportedWithThePointsItAffects() throws IOException {
        for (Path object : objects()) {
            if (object.toString().contains("/packs/")) {
                byte[] sound = Files.readAllBytes(object);
                Files.delete(object);
                try (TestVault vault = TestVault.open(folder)) {
                    Verification found = vault.verify();
                    assertThat(found.isSound()).isFalse();
                    assertThat(found.damagedPoints())
                            .extracting(Object::toString)
                            .containsExactly(point);
                }
                Files.write(object, sound);
            }
        }
    }

    @Test
    void aLostIndexIsReadFromThePacks() throws IOException {
        for (Path object : objects()) {
            if (object.toString().contains("/index/")) {
                Files.delete(object);
            }
        }
        try (TestVault vault = TestVault.open(folder)) {
            assertThat(vault.restored(vault.vault().point(point))).isEqualTo(content);
            assertThat(vault.verify().problems()).isEmpty();
        }
    }

    @Test
    void aDamagedIndexIsReportedAndDoesNotHinderRestoring() throws IOException {
        for (Path object : objects()) {
            if (object.toString().contains("/index/")) {
                byte[] sound = Files.readAllBytes(object);
                // The trailer, then the first block of entries.
                for (int at : new int[] {sound.length - 1, 4100}) {
                    byte[] damaged = sound.clone();
                    damaged[at]++;
                    Files.write(object, damaged);
                    try (TestVault vault = TestVault.open(folder)) {
                        assertThat(vault.restored(vault.vault().point(point))).isEqualTo(content);
                        assertThat(vault.verify().problems()).hasSize(1);
                        assertThat(vault.verify().damagedPoints()).isEmpty();
                    }
                }
            }
        }
    }

    @Test
    void swappedPacksAreReported() throws IOException {
        List<Path> packs =
                objects().stream().filter(file -> file.toString().contains("/packs/")).toList();
        assertThat(packs).hasSize(2);
        byte[] first = Files.readAllBytes(packs.get(0));
        Files.write(packs.get(0), Files.readAllBytes(packs.get(1)));
        Files.write(packs.get(1), first);
        assertThat(isDamageReported()).isTrue();
    }

    @Test
    void aNewerVersionIsToldFromDamage() throws IOException {
        Path header = folder.resolve("vault/vault");
        byte[] bytes = Files.readAllBytes(header);
        bytes[9] = 2;
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, 28);
        ByteBuffer.wrap(bytes).putInt(28, (int) crc.getValue());
        Files.write(header, bytes);
        assertThatThrownBy(() -> TestVault.open(folder))
                .isInstanceOfSatisfying(
                        VaultException.class, e -> assertThat(e.kind()).isEqualTo(Kind.TOO_NEW))
                .hasMessageContaining("newer");
    }

    @Test
    void aFolderWithoutVaultIsSaidToBeNone() {
        LocalStore empty = new LocalStore(folder.resolve("empty"));
        assertThatThrownBy(() ->
                        Vault.open(
                                empty,
                                KeyFile.read(folder.resolve("key")),
                                new Vault.Surroundings(
                                        Randomness.secure(),
                                        InstantSource.system(),
                                        ProcessResources.ofThisProcess())))
                .isInstanceOfSatisfying(
                        VaultException.class,
                        e -> assertThat(e.kind()).isEqualTo(Kind.NOT_A_VAULT));
    }

    @Test
    void aVaultIsNotMadeTwice() {
        assertThatThrownBy(() ->
                        Vault.init(
                                new LocalStore(folder.resolve("vault")),
                                KeyFile.read(folder.resolve("key")),
                                new Vault.Surroundings(
                                        Randomness.secure(),
                                        InstantSource.system(),
                                        ProcessResources.ofThisProcess())))
                .isInstanceOfSatisfying(
                        VaultException.class, e -> assertThat(e.kind()).isEqualTo(Kind.EXISTS));
    }

    @Test
    void keyFilesThatAreNoneSayWhy() throws IOException {
        Path key = folder.resolve("key");
        String text = Files.readString(key);
        char digit = text.charAt(20) == '0' ? '1' : '0';
        Files.writeString(key, text.substring(0, 20) + digit + text.substring(21));
        assertThatThrownBy(() -> KeyFile.read(key)).hasMessageContaining("checksum");
        Files.writeString(key, "hello");
        assertThatThrownBy(() -> KeyFile.read(key)).hasMessageContaining("not a Stillpoint key");
        Files.delete(key);
        assertThatThrownBy(() -> KeyFile.read(key)).hasMessageContaining("no key file");
    }

    @Test
    void objectsAreNeverOverwritten() {
        LocalStore store = new LocalStore(folder.resolve("vault"));
        try (var upload = store.create(ObjectName.vault())) {
            upload.write(new byte[10], 0, 10);
            assertThatThrownBy(upload::commit)
                    .isInstanceOfSatisfying(
                            VaultException.class, e -> assertThat(e.kind()).isEqualTo(Kind.EXISTS));
        }
        store.close();
        assertThat(isDamageReported()).isFalse();
    }

    @Test
    void leftoversOfDeadWritersAreSwept() throws IOException {
        Path dead = Files.createDirectories(folder.resolve("vault/tmp/dead"));
        Files.createFile(dead.resolve("lock"));
        Files.writeString(dead.resolve("1"), "half a pack");
        try (TestVault vault = TestVault.open(folder)) {
            vault.full(content);
        }
        try (Stream<Path> left = Files.list(folder.resolve("vault/tmp"))) {
            assertThat(left).isEmpty();
        }
    }
}
