package io.stillpoint.vault.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.VaultException.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A vault's folder in which somebody else puts links, pipes and devices.
@Timeout(20)
final class HostileFolderTest {
    private static final byte[] CONTENT = {1, 2, 3};

    @TempDir Path temporary;
    private Path root;
    private Path victim;
    private Path precious;

    @BeforeEach
    void makeStore() throws IOException {
        root = temporary.resolve("vault");
        victim = Files.createDirectory(temporary.resolve("victim"));
        precious = Files.writeString(victim.resolve("1"), "precious");
        Files.writeString(victim.resolve("precious"), "precious");
        put(name(Area.KEYS));
    }

    @AfterEach
    void victimIsUnharmed() throws IOException {
        try (Stream<Path> left = Files.list(victim)) {
            assertThat(left).hasSize(2).allSatisfy(file -> assertThat(file).hasContent("precious"));
        }
    }

    private static ObjectName name(Area area) {
        return new ObjectName(area, ObjectId.random(Randomness.secure()));
    }

    private LocalStore open() {
        return new LocalStore(root);
    }

    private void put(ObjectName name) {
        try (LocalStore store = open()) {
            store.put(name, CONTENT);
        }
    }

    private void replace(String path, Path target) throws IOException {
        Files.delete(root.resolve(path));
        Files.createSymbolicLink(root.resolve(path), target);
    }

    private static void requireRefused(Runnable task) {
        assertThatThrownBy(task::run)
                .isInstanceOfSatisfying(
                        VaultException.class, e -> assertThat(e.kind()).isEqualTo(Kind.REFUSED))
                .hasMessageContaining("symbolic link")
                .hasMessageNotContaining("Exception");
    }

    @Test
    void linkInTheWorkAreaIsNotSweptThrough() throws IOException {
        Files.createSymbolicLink(root.resolve("tmp/0123"), victim);
        Files.createSymbolicLink(root.resolve("tmp/4567.lock"), precious);
        Files.createSymbolicLink(root.resolve("tmp/4567"), victim);
        Files.createDirectory(root.resolve("tmp/89"));
        Files.createSymbolicLink(root.resolve("tmp/89/below"), victim);
        put(name(Area.PACKS));
        assertThat(root.resolve("tmp/89")).doesNotExist();
    }

    @Test
    void workAreaThatIsALinkIsRefused() throws IOException {
        replace("tmp", victim);
        requireRefused(() -> put(name(Area.PACKS)));
        assertThat(Files.isSymbolicLink(root.resolve("tmp"))).isTrue();
    }

    @Test
    void areaThatIsALinkIsRefusedByEveryCall() throws IOException {
        ObjectName object = name(Area.POINTS);
        Files.delete(root.resolve("points"));
        Files.createSymbolicLink(root.resolve("points"), victim);
        try (LocalStore store = open()) {
            requireRefused(() -> store.list(Area.POINTS, _ -> {}));
            requireRefused(() -> store.open(object));
            requireRefused(() -> store.exists(object));
            requireRefused(() -> store.delete(object));
            requireRefused(() -> store.put(object, CONTENT));
        }
    }

    @Test
    void pipeAmongTheKeySlotsKeepsNoKeyFromOpening() throws Exception {
        Path place = temporary.resolve("other");
        KeyFile key = KeyFile.create(temporary.resolve("key"), Randomness.secure());
        Vault.init(
                        new LocalStore(place),
                        key,
                        new Vault.Surroundings(
                                Randomness.secure(),
                                InstantSource.system(),
                                ProcessResources.ofThisProcess()))
                .close();
        // The oldest of all, so that it is tried first.
        for (String id : List.of("0".repeat(32), "f".repeat(32))) {
            Path pipe = place.resolve("keys").resolve(id);
            assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
            assertThat(new ProcessBuilder("touch", "-d", "@0", pipe.toString()).start().waitFor())
                    .isZero();
        }
        try (Vault vault =
                Vault.open(
                        new LocalStore(place),
                        key,
                        new Vault.Surroundings(
                                Randomness.secure(),
                                InstantSource.system(),
                                ProcessResources.ofThisProcess()))) {
            assertThat(vault.points()).isEmpty();
            assertThat(vault.keySlots().list()).hasSize(3);
        }
    }

    @Test
    void objectThatIsNoFileIsNamedAsDamageAndStopsNobody() throws Exception {
        ObjectName link = name(Area.POINTS);
        ObjectName pipe = name(Area.POINTS);
        ObjectName device = name(Area.POINTS);
        ObjectName below = name(Area.POINTS);
        ObjectName sound = name(Area.POINTS);
        put(sound);
        Files.createSymbolicLink(root.resolve(link.toString()), precious);
        run("mkfifo", root.resolve(pipe.toString()).toString());
        Files.createDirectory(root.resolve(below.toString()));
        List<ObjectName> junk = new ArrayList<>(List.of(link, pipe, below));
        if (System.getProperty("user.name").equals("root")) {
            run("mknod", root.resolve(device.toString()).toString(), "c", "1", "5");
            junk.add(device);
        }
        try (LocalStore store = open()) {
            List<ObjectName> listed = new ArrayList<>();
            store.list(Area.POINTS, found -> listed.add(found.name()));
            assertThat(listed).contains(sound).containsAll(junk);
            assertThat(store.get(sound)).isEqualTo(CONTENT);
            for (ObjectName each : junk) {
                assertThat(store.exists(each)).isFalse();
                assertThatThrownBy(() -> store.open(each))
                        .isInstanceOfSatisfying(
                                VaultException.class,
                                e -> assertThat(e.kind()).isEqualTo(Kind.DAMAGED))
                        .hasMessageContaining(each.toString());
                assertThatThrownBy(() -> store.put(each, CONTENT))
                        .isInstanceOfSatisfying(
                                VaultException.class,
                                e -> assertThat(e.kind()).isEqualTo(Kind.EXISTS));
                store.delete(each);
                assertThat(Files.exists(root.resolve(each.toString()), LinkOption.NOFOLLOW_LINKS))
                        .isFalse();
            }
        }
    }

    private static void run(String... command) throws Exception {
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }

    @Test
    void folderExchangedWhileTheStoreIsOpenLeadsNowhereElse() throws IOException {
        ObjectName object = name(Area.PACKS);
        try (LocalStore store = open()) {
            store.put(object, CONTENT);
            Files.move(root.resolve("packs"), temporary.resolve("moved"));
            Files.createSymbolicLink(root.resolve("packs"), victim);
            requireRefused(() -> store.delete(object));
            requireRefused(() -> store.put(name(Area.PACKS), CONTENT));
            Path work = root.resolve("tmp");
            Files.move(work, temporary.resolve("moved-tmp"));
            Files.createSymbolicLink(work, victim);
        }
    }

    @Test
    void pathToTheVaultMayContainLinks() throws IOException {
        Path link = Files.createSymbolicLink(temporary.resolve("by-link"), root);
        ObjectName object = name(Area.PACKS);
        try (LocalStore store = new LocalStore(link)) {
            store.put(object, CONTENT);
        }
        try (LocalStore store = open()) {
            assertThat(store.get(object)).isEqualTo(CONTENT);
        }
    }

    @Test
    void reserveThatIsALinkIsRemovedItselfAtMost() throws IOException {
        Files.createSymbolicLink(root.resolve("reserve"), precious);
        Files.createSymbolicLink(root.resolve("making"), precious);
        put(ObjectName.vault());
        put(name(Area.PACKS));
    }

    @Test
    void whatIsMadeIsForItsOwnerAlone() throws IOException {
        put(ObjectName.vault());
        put(name(Area.PACKS));
        try (Stream<Path> all = Files.walk(root)) {
            assertThat(all)
                    .allSatisfy(each ->
                            assertThat(
                                            PosixFilePermissions.toString(
                                                    Files.getPosixFilePermissions(each)))
                                    .as(each.toString())
                                    .isEqualTo(
                                            Files.isDirectory(each) ? "rwx------" : "rw-------"));
        }
    }

    @Test
    void groupGetsItsShareWhereTheOperatorMadeTheFolderForIt() throws Exception {
        Path shared = Files.createDirectory(temporary.resolve("shared"));
        run("chmod", "2770", shared.toString());
        ObjectName object = name(Area.PACKS);
        try (LocalStore store = new LocalStore(shared)) {
            store.put(object, CONTENT);
        }
        assertThat(permissions(shared.resolve("packs"))).isEqualTo("rwxrwx---");
        assertThat(permissions(shared.resolve(object.toString()))).isEqualTo("rw-rw----");
    }

    private static String permissions(Path file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
    }
}
