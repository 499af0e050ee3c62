package io.stillpoint.vault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import io.stillpoint.vault.verify.SealedVault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class InitTest {
    private static final KeyFile KEY = KeyFile.random(Randomness.secure());

    @TempDir Path temporary;
    private Path root;

    @BeforeEach
    void choosePlace() {
        root = temporary.resolve("above/vault");
    }

    private void init() {
        Vault.init(
                        new LocalStore(root),
                        KEY,
                        new Vault.Surroundings(
                                Randomness.secure(),
                                InstantSource.system(),
                                ProcessResources.ofThisProcess()))
                .close();
    }

    private void open() {
        Vault.open(
                        new LocalStore(root),
                        KEY,
                        new Vault.Surroundings(
                                Randomness.secure(),
                                InstantSource.system(),
                                ProcessResources.ofThisProcess()))
                .close();
    }

    private void requireRefused(String code, String named) throws IOException {
        long before = files();
        assertThatThrownBy(this::init)
                .isInstanceOfSatisfying(
                        VaultException.class,
                        e -> {
                            assertThat(e.code()).isEqualTo(code);
                            assertThat(e.kind()).isEqualTo(Kind.EXISTS);
                        })
                .hasMessageContaining(named);
        assertThat(files()).isEqualTo(before);
    }

    private long files() throws IOException {
        try (Stream<Path> all = Files.walk(root)) {
            return all.count();
        }
    }

    @Test
    void newOrEmptyFolderBecomesAVault() throws IOException {
        init();
        open();
        requireRefused("vault.exists", root.toString());
        root = Files.createDirectory(temporary.resolve("empty"));
        init();
        open();
    }

    @Test
    void folderOfOthersIsLeftAlone() throws IOException {
        Files.createDirectories(root);
        Path theirs = Files.createFile(root.resolve("thesis.txt"));
        requireRefused("vault.not-empty", "thesis.txt");
        Files.delete(theirs);
        Files.createFile(Files.createDirectory(root.resolve("tmp")).resolve("notes"));
        requireRefused("vault.not-empty", "tmp/notes");
    }

    @Test
    void linkInTheFolderCountsAsSomethingOfOthers() throws IOException {
        Files.createDirectories(root);
        Files.createSymbolicLink(root.resolve("keys"), temporary);
        requireRefused("vault.not-empty", "keys");
    }

    @Test
    void vaultThatLostItsHeaderIsNotReplaced() throws IOException {
        init();
        Files.delete(root.resolve("vault"));
        requireRefused("vault.init-over-relics", "keys/");
        assertThatThrownBy(this::open)
                .isInstanceOfSatisfying(
                        VaultException.class,
                        e -> assertThat(e.code()).isEqualTo("vault.only-slots"));
        Files.createFile(root.resolve("packs/" + "0".repeat(32)));
        requireRefused("vault.init-over-relics", "0000");
        assertThatThrownBy(this::open)
                .hasMessageContaining("copy of this vault")
                .hasMessageNotContaining("stillpoint vault init");
        assertThatThrownBy(() ->
                        SealedVault.open(new LocalStore(root), ProcessResources.ofThisProcess()))
                .isInstanceOfSatisfying(
                        VaultException.class,
                        e -> assertThat(e.code()).isEqualTo("vault.header-lost"));
    }

    @Test
    void makingThatWasCutOffIsBegunAnew() throws IOException {
        init();
        // As it was in the moment before the header.
        Files.delete(root.resolve("vault"));
        Files.createFile(root.resolve("making"));
        init();
        assertThat(root.resolve("making")).doesNotExist();
        Files.createFile(root.resolve("making"));
        Files.delete(root.resolve("vault"));
        Files.createFile(root.resolve("points/" + "0".repeat(32)));
        requireRefused("vault.init-over-relics", "points/");
    }
}
