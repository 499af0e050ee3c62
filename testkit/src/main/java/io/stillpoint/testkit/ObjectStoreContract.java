package io.stillpoint.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.ObjectStore.Listed;
import io.stillpoint.vault.store.ObjectStore.StoredObject;
import io.stillpoint.vault.store.ObjectStore.Upload;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What a vault relies on in any store. A store's tests extend this.
public abstract class ObjectStoreContract {
    private static final int WRITERS = 8;
    private static final Duration DAY = Duration.ofDays(1);

    private ObjectStore store;

    /// The same, initially empty store at each call within a test, as another process would open it.
    protected abstract ObjectStore open();

    @BeforeEach
    final void openStore() {
        store = open();
    }

    @AfterEach
    final void closeStore() {
        store.close();
    }

    private static ObjectName name(Area area, long number) {
        return new ObjectName(area, new ObjectId(0x1234, number));
    }

    private static void put(ObjectStore store, ObjectName name, byte[] content) {
        try (Upload upload = store.create(name)) {
            upload.write(content, 0, content.length);
            upload.commit();
        }
    }

    private static byte[] content(ObjectStore store, ObjectName name) {
        try (StoredObject object = store.open(name)) {
            byte[] content = new byte[Math.toIntExact(object.size())];
            object.read(0, content, 0, content.length);
            return content;
        }
    }

    private static List<Listed> listed(ObjectStore store, Area area) {
        List<Listed> found = new ArrayList<>();
        store.list(area, found::add);
        return found;
    }

    private static Map<ObjectName, Long> sizes(ObjectStore store, Area area) {
        Map<ObjectName, Long> sizes = new HashMap<>();
        store.list(area, listed -> sizes.put(listed.name(), listed.size()));
        return sizes;
    }

    private static void requireKind(Kind kind, Runnable call) {
        assertThatThrownBy(call::run)
                .isInstanceOfSatisfying(
                        VaultException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    }

    @Test
    void whatIsCommittedIsSeenByEverybodyWhole() {
        ObjectName name = name(Area.PACKS, 1);
        byte[] content = Bytes.RANDOM.of(3_000_000, 1);
        try (Upload upload = store.create(name)) {
            upload.write(content, 0, 1_000_000);
            upload.write(content, 1_000_000, 2_000_000);
            upload.commit();
        }
        try (ObjectStore other = open()) {
            assertThat(content(other, name)).isEqualTo(content);
            assertThat(other.exists(name)).isTrue();
            assertThat(sizes(other, Area.PACKS))
                    .containsExactly(entry(name, (long) content.length));
        }
    }

    @Test
    void nothingIsSeenBeforeTheCommit() {
        ObjectName name = name(Area.POINTS, 1);
        try (Upload upload = store.create(name);
                ObjectStore other = open()) {
            upload.write(new byte[100], 0, 100);
            for (ObjectStore each : List.of(store, other)) {
                assertThat(each.exists(name)).isFalse();
                assertThat(listed(each, Area.POINTS)).isEmpty();
                requireKind(Kind.MISSING, () -> content(each, name));
            }
            upload.commit();
            assertThat(other.exists(name)).isTrue();
        }
    }

    @Test
    void anUploadThatIsClosedWithoutCommitIsDropped() {
        ObjectName name = name(Area.INDEX, 1);
        try (Upload upload = store.create(name)) {
            upload.write(new byte[100], 0, 100);
        }
        assertThat(store.exists(name)).isFalse();
        assertThat(listed(store, Area.INDEX)).isEmpty();
        put(store, name, new byte[] {1});
        assertThat(content(store, name)).containsExactly(1);
    }

    @Test
    void anObjectIsNeverReplaced() {
        ObjectName name = name(Area.KEYS, 1);
        byte[] first = {1, 2, 3};
        put(store, name, first);
        try (ObjectStore other = open()) {
            requireKind(Kind.EXISTS, () -> put(other, name, new byte[] {9}));
            assertThat(content(other, name)).isEqualTo(first);
        }
        assertThat(content(store, name)).isEqualTo(first);
    }

    @Test
    void theHeaderHasAPlaceOfItsOwn() {
        put(store, ObjectName.vault(), new byte[] {7});
        assertThat(store.exists(ObjectName.vault())).isTrue();
        assertThat(content(store, ObjectName.vault())).containsExactly(7);
        for (Area area : List.of(Area.KEYS, Area.PACKS, Area.INDEX, Area.POINTS)) {
            assertThat(listed(store, area)).isEmpty();
        }
    }

    @Test
    void areasAreListedApart() {
        put(store, name(Area.PACKS, 1), new byte[10]);
        put(store, name(Area.PACKS, 2), new byte[20]);
        put(store, name(Area.INDEX, 1), new byte[30]);
        assertThat(sizes(store, Area.PACKS))
                .containsOnly(entry(name(Area.PACKS, 1), 10L), entry(name(Area.PACKS, 2), 20L));
        assertThat(sizes(store, Area.INDEX)).containsExactly(entry(name(Area.INDEX, 1), 30L));
        assertThat(listed(store, Area.POINTS)).isEmpty();
    }

    @Test
    void theTimeOfAnObjectIsThatOfTheStoresClock() {
        put(store, name(Area.PACKS, 1), new byte[10]);
        Instant first = listed(store, Area.PACKS).getFirst().modifiedAt();
        put(store, name(Area.PACKS, 2), new byte[10]);
        assertThat(listed(store, Area.PACKS)).allMatch(each -> !each.modifiedAt().isBefore(first));
        try (StoredObject object = store.open(name(Area.PACKS, 1))) {
            assertThat(Duration.between(object.modifiedAt(), first).abs())
                    .isLessThan(Duration.ofSeconds(1));
        }
        // A store's clock may differ from ours, but hardly by a day.
        assertThat(first)
                .isBetween(
                        InstantSource.system().instant().minus(DAY),
                        InstantSource.system().instant().plus(DAY));
    }

    @Test
    void anyRangeCanBeReadAndNothingElseIsTouched() {
        ObjectName name = name(Area.PACKS, 1);
        byte[] content = Bytes.RANDOM.of(200_000, 1);
        put(store, name, content);
        try (StoredObject object = store.open(name)) {
            assertThat(object.size()).isEqualTo(content.length);
            assertThat(object.name()).isEqualTo(name);
            byte[] into = new byte[100];
            object.read(199_990, into, 20, 10);
            byte[] expected = new byte[100];
            System.arraycopy(content, 199_990, expected, 20, 10);
            assertThat(into).isEqualTo(expected);
            object.read(200_000, into, 0, 0);
            assertThat(into).isEqualTo(expected);
        }
    }

    @Test
    void readingPastTheEndIsDamageAndNotAShortRead() {
        ObjectName name = name(Area.PACKS, 1);
        put(store, name, new byte[1000]);
        try (StoredObject object = store.open(name)) {
            requireKind(Kind.DAMAGED, () -> object.read(990, new byte[20], 0, 20));
            requireKind(Kind.DAMAGED, () -> object.read(5000, new byte[20], 0, 1));
        }
    }

    @Test
    void anEmptyObjectIsOne() {
        ObjectName name = name(Area.PACKS, 1);
        put(store, name, new byte[0]);
        assertThat(store.exists(name)).isTrue();
        assertThat(content(store, name)).isEmpty();
    }

    @Test
    void whatIsDeletedIsGoneAndMayBeDeletedAgain() {
        ObjectName name = name(Area.PACKS, 1);
        store.delete(name);
        put(store, name, new byte[10]);
        store.delete(name);
        store.delete(name);
        assertThat(store.exists(name)).isFalse();
        assertThat(listed(store, Area.PACKS)).isEmpty();
        requireKind(Kind.MISSING, () -> content(store, name));
    }

    @Test
    void ofManyWritersOfOneNameOneWins() throws InterruptedException, ExecutionException {
        ObjectName name = name(Area.POINTS, 1);
        List<Callable<Boolean>> writers = new ArrayList<>();
        for (int i = 0; i < WRITERS; i++) {
            byte[] content = new byte[50_000];
            Arrays.fill(content, (byte) i);
            writers.add(() -> hasWon(name, content));
        }
        assertThat(all(writers)).containsOnlyOnce(true);
        byte[] content = content(store, name);
        assertThat(content).hasSize(50_000).containsOnly(content[0]);
    }

    private boolean hasWon(ObjectName name, byte[] content) {
        try (ObjectStore mine = open()) {
            put(mine, name, content);
            return true;
        } catch (VaultException e) {
            assertThat(e.kind()).isEqualTo(Kind.EXISTS);
            return false;
        }
    }

    @Test
    void manyWritersAndStoresAtOnceDoNotHinderEachOther()
            throws InterruptedException, ExecutionException {
        List<Callable<Boolean>> writers = new ArrayList<>();
        for (int i = 0; i < WRITERS; i++) {
            int number = i;
            writers.add(() -> writesTen(number));
        }
        assertThat(all(writers)).containsOnly(true);
        assertThat(listed(store, Area.PACKS)).hasSize(10 * WRITERS);
        for (Listed each : listed(store, Area.PACKS)) {
            assertThat(content(store, each.name())).hasSize(10_000);
        }
    }

    /// Opens the store anew each time, as processes that come and go do.
    private boolean writesTen(int writer) {
        for (int i = 0; i < 10; i++) {
            try (ObjectStore mine = open()) {
                put(mine, name(Area.PACKS, writer * 100L + i), Bytes.RANDOM.of(10_000, i));
            }
        }
        return true;
    }

    private static List<Boolean> all(List<Callable<Boolean>> calls)
            throws InterruptedException, ExecutionException {
        try (ExecutorService threads = Executors.newFixedThreadPool(WRITERS)) {
            List<Boolean> results = new ArrayList<>();
            for (Future<Boolean> future : threads.invokeAll(calls)) {
                results.add(future.get());
            }
            return results;
        }
    }
}
