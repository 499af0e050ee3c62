package io.stillpoint.vault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.crypto.Checksum;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.key.KeySlots;
import io.stillpoint.vault.point.PointCodec;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What somebody with the store and without the key sees, can do and can't: the claims of `SECURITY.md`.
final class HostileStoreTest {
    private static final int CHUNK = TestVault.CHUNK;
    private static final int HEADER = 32;

    @TempDir Path folder;
    private byte[] content;
    private String first;
    private String second;

    @BeforeEach
    void makeVault() {
        content = TestVault.random(4 * CHUNK, 1);
        byte[] words = "A sentence that nobody else should read. ".getBytes(StandardCharsets.UTF_8);
        for (int at = CHUNK; at + words.length <= 2 * CHUNK; at += words.length) {
            System.arraycopy(words, 0, content, at, words.length);
        }
        try (TestVault vault = TestVault.make(folder)) {
            first = vault.full(content).id().toString();
            byte[] changed = content.clone();
            Arrays.fill(changed, 0, CHUNK, (byte) 'z');
            second = vault.full(changed).id().toString();
        }
    }

    private List<Path> objects(Path vault) throws IOException {
        try (Stream<Path> files = Files.walk(vault)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }

    private List<Path> objects(String area) throws IOException {
        return objects(folder.resolve("vault").resolve(area));
    }

    private static boolean contains(byte[] bytes, byte[] wanted) {
        for (int at = 0; at + wanted.length <= bytes.length; at++) {
            if (bytes[at] == wanted[0]
                    && Arrays.equals(bytes, at, at + wanted.length, wanted, 0, wanted.length)) {
                return true;
            }
        }
        return false;
    }

    @Test
    void noPlaintextAndNoPlaintextHashIsInTheStore() throws IOException, NoSuchAlgorithmException {
        List<byte[]> secrets = new ArrayList<>();
        // Bytes that no compression changes, words, and names in the points' records.
        secrets.add(Arrays.copyOfRange(content, 500, 516));
        secrets.add(Arrays.copyOfRange(content, 3 * CHUNK, 3 * CHUNK + 16));
        secrets.add("nobody else".getBytes(StandardCharsets.UTF_8));
        secrets.add("0123456789abcdef".getBytes(StandardCharsets.UTF_8));
        secrets.add("snapshotAt".getBytes(StandardCharsets.UTF_8));
        secrets.add(KeyFile.read(folder.resolve("key")).secret());
        for (String algorithm : List.of("SHA-256", "SHA-512", "SHA-1", "MD5", "SHA3-256")) {
            MessageDigest hash = MessageDigest.getInstance(algorithm);
            for (int at = 0; at < content.length; at += CHUNK) {
                hash.update(content, at, CHUNK);
                secrets.add(Arrays.copyOf(hash.digest(), 8));
            }
            secrets.add(Arrays.copyOf(hash.digest(content), 8));
        }
        assertThat(contains(content, secrets.getFirst())).isTrue();
        for (Path object : objects("")) {
            byte[] bytes = Files.readAllBytes(object);
            for (int i = 0; i < secrets.size(); i++) {
                assertThat(contains(bytes, secrets.get(i))).as("%s, %d", object, i).isFalse();
            }
        }
    }

    @Test
    void equalDataInTwoVaultsShareNoBytesEvenUnderOneKeyFile() throws IOException {
        Path other = Files.createDirectory(folder.resolve("other"));
        Path key = Files.copy(folder.resolve("key"), other.resolve("key"));
        Vault.init(
                        new LocalStore(other.resolve("vault")),
                        KeyFile.read(key),
                        new Vault.Surroundings(
                                Randomness.secure(),
                                () -> Instant.parse("2026-01-01T00:00:00Z"),
                                ProcessResources.ofThisProcess()))
                .close();
        try (TestVault vault = TestVault.open(other)) {
            vault.full(content);
        }
        Set<ByteBuffer> seen = new HashSet<>();
        for (Path object : objects("")) {
            seen.addAll(pieces(object));
        }
        assertThat(seen).isNotEmpty();
        for (Path object : objects(other.resolve("vault"))) {
            assertThat(Collections.disjoint(pieces(object), seen)).as(object.toString()).isTrue();
        }
    }

    /// All pieces of 24 bytes: longer than the numbers in clear that stand side by side (the lengths and counts of
    /// frames and trailers). Without the padding.
    private static Set<ByteBuffer> pieces(Path object) throws IOException {
        byte[] bytes = Files.readAllBytes(object);
        Set<ByteBuffer> pieces = new HashSet<>();
        int zeros = 0;
        for (int end = 1; end <= bytes.length; end++) {
            zeros += bytes[end - 1] == 0 ? 1 : 0;
            if (end >= 24) {
                if (zeros < 10) {
                    pieces.add(ByteBuffer.wrap(bytes, end - 24, 24).slice());
                }
                zeros -= bytes[end - 24] == 0 ? 1 : 0;
            }
        }
        return pieces;
    }

    /// Opens, restores the first point, verifies. Returns whether something was found wrong.
    private boolean isReported() {
        try (TestVault vault = TestVault.open(folder)) {
            boolean sound = vault.verify().isSound();
            assertThat(vault.restored(vault.vault().point(first))).isEqualTo(content);
            return !sound;
        } catch (VaultException e) {
            assertThat(e.kind()).isIn(Kind.DAMAGED, Kind.MISSING, Kind.NOT_FOUND);
            return true;
        }
    }

    /// Each object in the place of each other of its area: as it is, and with a header that says that it belongs there.
    @Test
    void anObjectMovedUnderAnothersNameIsRefused() throws IOException {
        for (String area : List.of("packs", "points", "index")) {
            List<Path> objects = objects(area);
            assertThat(objects).as(area).hasSizeGreaterThan(1);
            for (Path place : objects) {
                byte[] sound = Files.readAllBytes(place);
                for (Path source : objects) {
                    if (source.equals(place)) {
                        continue;
                    }
                    byte[] moved = Files.readAllBytes(source);
                    Files.write(place, moved);
                    assertThat(isReported()).as("%s as %s", source, place).isTrue();
                    Files.write(place, disguised(moved, sound, area));
                    assertThat(isReported()).as("%s disguised as %s", source, place).isTrue();
                }
                Files.write(place, sound);
            }
        }
        assertThat(isReported()).isFalse();
    }

    private static byte[] disguised(byte[] object, byte[] as, String area) {
        byte[] disguised = object.clone();
        System.arraycopy(as, 0, disguised, 0, HEADER);
        int end = disguised.length - 4;
        ByteBuffer buffer = ByteBuffer.wrap(disguised);
        if (area.equals("points")) {
            buffer.putInt(end, Checksum.of(disguised, 0, end));
        }
        if (area.equals("index")) {
            int trailer = disguised.length - 40;
            buffer.putInt(trailer + 16, Checksum.of(disguised, 0, trailer));
            buffer.putInt(end, Checksum.of(disguised, trailer, 36));
        }
        return disguised;
    }

    @Test
    void aPointMadeWithoutTheKeyIsRefused() throws IOException {
        byte[] point;
        ObjectId id = new ObjectId(7, 7);
        try (TestVault vault = TestVault.open(folder)) {
            RecoveryPoint model = vault.vault().point(second);
            VaultKeys guessed = new VaultKeys(vault.vault().id(), new byte[32]);
            point =
                    new PointCodec(guessed, "forger")
                            .encode(
                                    new RecoveryPoint(
                                            id,
                                            model.vm(),
                                            model.configuration(),
                                            model.startedAt(),
                                            model.snapshotAt(),
                                            model.createdAt(),
                                            model.consistency(),
                                            model.consistencyReason(),
                                            model.frozenMillis(),
                                            model.disks(),
                                            model.storedBytes(),
                                            model.writer(),
                                            model.lockedUntil(),
                                            model.keptUntil(),
                                            model.copiedFrom(),
                                            model.lineage()));
        }
        Files.write(folder.resolve("vault/points").resolve(id.toString()), point);
        try (TestVault vault = TestVault.open(folder)) {
            assertThat(vault.vault().points()).extracting(RecoveryPoint::id).doesNotContain(id);
            assertThat(vault.vault().unreadablePoints()).containsOnlyKeys(id);
        }
    }

    @Test
    void aForgedVaultHeaderIsRefused() throws IOException {
        Path header = folder.resolve("vault/vault");
        byte[] bytes = Files.readAllBytes(header);
        // The day it was made, with a checksum that fits.
        bytes[HEADER + 12]++;
        int end = bytes.length - 4;
        ByteBuffer.wrap(bytes).putInt(end, Checksum.of(bytes, 0, end));
        Files.write(header, bytes);
        assertThatThrownBy(() -> TestVault.open(folder))
                .isInstanceOfSatisfying(
                        VaultException.class, e -> assertThat(e.kind()).isEqualTo(Kind.DAMAGED));
    }

    /// A limit, not a merit: nothing in a vault tells which points there should be.
    @Test
    void aPointThatTheStoreWithholdsIsNotMissed() throws IOException {
        Files.delete(folder.resolve("vault/points").resolve(second));
        try (TestVault vault = TestVault.open(folder)) {
            assertThat(vault.verify().isSound()).isTrue();
            assertThat(vault.vault().points())
                    .extracting(point -> point.id().toString())
                    .containsExactly(first);
        }
    }

    /// A limit, not a merit: whoever kept a slot's bytes and its key file can put it back.
    @Test
    void aRemovedKeySlotThatTheStoreBringsBackOpensTheVaultAgain() throws IOException {
        KeyFile key = KeyFile.read(folder.resolve("key"));
        Path slot = objects("keys").getFirst();
        byte[] kept = Files.readAllBytes(slot);
        try (TestVault vault = TestVault.open(folder)) {
            KeySlots slots = vault.vault().keySlots();
            slots.add(KeyFile.random(Randomness.secure()), "new");
            slots.remove(slots.opener(), true);
        }
        assertThatThrownBy(() -> KeySlots.check(new LocalStore(folder.resolve("vault")), key))
                .isInstanceOfSatisfying(
                        VaultException.class, e -> assertThat(e.kind()).isEqualTo(Kind.WRONG_KEY));
        Files.write(slot, kept);
        KeySlots.check(new LocalStore(folder.resolve("vault")), key);
    }

    /// A limit, not a merit: what a guest wrote is new or it is not, and the figures say so.
    @Test
    void newBytesTellWhetherTheVaultHasAChunk() {
        byte[] guess = TestVault.random(2 * CHUNK, 99);
        System.arraycopy(content, 3 * CHUNK, guess, 0, CHUNK);
        try (TestVault vault = TestVault.open(folder)) {
            assertThat(vault.full(guess).disks().getFirst().newBytes()).isEqualTo(CHUNK);
        }
    }
}
