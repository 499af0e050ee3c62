package io.stillpoint.vault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.point.Losses;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.RescueStore;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A vault that is opened for rescue gives what can be had, and stays as it is to the byte.
final class RescueTest {
    private static final int CHUNK = TestVault.CHUNK;

    @TempDir Path folder;
    private final byte[] content = TestVault.random(70 * CHUNK + 100, 1);
    private final List<VaultException> unreadable = new ArrayList<>();
    private RecoveryPoint point;

    @BeforeEach
    void makeVault() {
        Arrays.fill(content, 5 * CHUNK, 9 * CHUNK, (byte) 0);
        try (TestVault vault = TestVault.make(folder)) {
            RecoveryPoint old = vault.full(TestVault.random(3 * CHUNK, 2));
            point = vault.full(content);
            vault.vault().forget(old, Duration.ofDays(1));
        }
    }

    private Vault rescue() {
        return Vault.rescue(
                new RescueStore(
                        new LocalStore(folder.resolve("vault")),
                        new LocalStore(folder.resolve("scratch")),
                        true),
                KeyFile.read(folder.resolve("key")),
                new Vault.Surroundings(
                        Randomness.secure(),
                        InstantSource.system(),
                        ProcessResources.ofThisProcess()),
                unreadable::add);
    }

    private List<Path> files(String area) throws IOException {
        try (Stream<Path> files = Files.walk(folder.resolve("vault").resolve(area))) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }

    /// Everything about the vault's files that a write would change.
    private Map<Path, String> state() throws IOException {
        Map<Path, String> state = new TreeMap<>();
        try (Stream<Path> files = Files.walk(folder.resolve("vault"))) {
            for (Path file : files.toList()) {
                String time = Files.getLastModifiedTime(file).toString();
                state.put(
                        file,
                        Files.isDirectory(file)
                                ? time
                                : time + Arrays.hashCode(Files.readAllBytes(file)));
            }
        }
        return state;
    }

    private static void damage(Path file, int at) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[at < 0 ? bytes.length + at : at] ^= 1;
        Files.write(file, bytes);
    }

    /// Restores, requires that what is not lost is right and what is lost is zeros; returns the offsets lost.
    private Set<Long> restored(Vault vault, Losses losses) {
        MemoryDisk target = new MemoryDisk(new byte[content.length]);
        Set<Long> lost = new TreeSet<>();
        List<Extent> ranges = new ArrayList<>();
        DiskImage image = point.disks().getFirst().image();
        vault.restore(
                image,
                target,
                new Cancellation(),
                _ -> {},
                (range, why) -> {
                    losses.lost(range, why);
                    synchronized (lost) {
                        lost.add(range.offset());
                        ranges.add(range);
                    }
                });
        byte[] expected = content.clone();
        for (Extent range : ranges) {
            Arrays.fill(expected, (int) range.offset(), (int) range.end(), (byte) 0);
        }
        assertThat(target.content()).isEqualTo(expected);
        return lost;
    }

    private static final Losses ALLOWED = (_, _) -> {};

    @Test
    void withoutIndexEverythingIsReadAndNothingWritten() throws IOException {
        for (Path segment : files("index")) {
            Files.delete(segment);
        }
        Files.delete(folder.resolve("vault/index"));
        Map<Path, String> before = state();
        try (Vault vault = rescue()) {
            assertThat(vault.points()).containsExactly(point);
            assertThat(vault.forgotten()).hasSize(1);
            assertThat(restored(vault, Losses.REFUSED)).isEmpty();
            assertThat(vault.verify(new Cancellation(), _ -> {}).problems()).isEmpty();
        }
        assertThat(state()).isEqualTo(before);
        assertThat(unreadable).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"executed", "forgotten", "quarantine"})
    void aDamagedRecordIsToldAndKeepsNothingFromBeingRead(String area) throws IOException {
        Path record = folder.resolve("vault").resolve(area).resolve("0".repeat(32));
        Files.createDirectories(record.getParent());
        Files.writeString(record, "x".repeat(200));
        try (Vault vault = rescue()) {
            assertThat(vault.points()).containsExactly(point);
            assertThat(restored(vault, Losses.REFUSED)).isEmpty();
            assertThat(vault.verify(new Cancellation(), _ -> {}).damagedPoints()).isEmpty();
        }
        assertThat(unreadable).isNotEmpty();
        assertThat(unreadable.getFirst().getMessage()).contains(record.getFileName().toString());
    }

    @Test
    void aDamagedIndexIsMadeAnew() throws IOException {
        for (Path segment : files("index")) {
            damage(segment, 4096 + 100);
        }
        Map<Path, String> before = state();
        try (Vault vault = rescue()) {
            assertThat(restored(vault, Losses.REFUSED)).isEmpty();
        }
        assertThat(state()).isEqualTo(before);
    }

    @Test
    void lostChunksAreToldOneByOneAndTheRestIsRestored() throws IOException {
        Path largest = files("packs").getFirst();
        for (Path pack : files("packs")) {
            largest = Files.size(pack) > Files.size(largest) ? pack : largest;
        }
        damage(largest, 1000);
        try (Vault vault = rescue()) {
            assertThatThrownBy(() -> restored(vault, Losses.REFUSED))
                    .isInstanceOfSatisfying(
                            VaultException.class,
                            e -> assertThat(e.kind()).isEqualTo(Kind.DAMAGED));
            Set<Long> lost = restored(vault, ALLOWED);
            assertThat(lost).isNotEmpty().allMatch(offset -> offset % CHUNK == 0);
            assertThat(lost.size()).isLessThanOrEqualTo(66);
        }
    }

    @Test
    void lostNodesAreToldByWhatTheyCover() throws IOException {
        for (Path pack : files("packs")) {
            if (Files.readAllBytes(pack)[8] == 'M') {
                Files.delete(pack);
            }
        }
        try (Vault vault = rescue()) {
            assertThat(restored(vault, ALLOWED)).containsExactly(0L);
        }
    }

    @Test
    void lostDataPacksLoseAllTheirChunksAndNoMore() throws IOException {
        for (Path pack : files("packs")) {
            if (Files.readAllBytes(pack)[8] == 'D') {
                Files.delete(pack);
            }
        }
        try (Vault vault = rescue()) {
            assertThat(restored(vault, ALLOWED))
                    .hasSize(67)
                    .doesNotContain(5L * CHUNK, 8L * CHUNK)
                    .contains(0L, 70L * CHUNK);
        }
    }

    @Test
    void aStoreThatIsGoneIsNoDamage() throws IOException {
        try (Vault vault = rescue()) {
            Files.move(folder.resolve("vault"), folder.resolve("unplugged"));
            assertThatThrownBy(() -> restored(vault, ALLOWED))
                    .isInstanceOfSatisfying(
                            VaultException.class,
                            e -> assertThat(e.code()).isEqualTo("vault.store-gone"));
        }
    }

    @Test
    void whatIsWrittenGoesElsewhereAndNothingIsDeleted() {
        LocalStore real = new LocalStore(folder.resolve("vault"));
        LocalStore scratch = new LocalStore(folder.resolve("scratch"));
        try (RescueStore store = new RescueStore(real, scratch, true)) {
            ObjectName name = new ObjectName(Area.INDEX, ObjectId.random(Randomness.secure()));
            store.put(name, new byte[] {1, 2, 3});
            assertThat(store.get(name)).containsExactly(1, 2, 3);
            assertThat(store.exists(name)).isTrue();
            List<ObjectName> listed = new ArrayList<>();
            store.list(Area.INDEX, each -> listed.add(each.name()));
            assertThat(listed).contains(name).hasSize(3);
            assertThat(real.exists(name)).isFalse();
            assertThatThrownBy(() -> store.delete(name)).isInstanceOf(VaultException.class);
        }
    }
}
