package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.stores.CachedStore;
import io.stillpoint.stores.CountedStore;
import io.stillpoint.stores.request.Meter;
import io.stillpoint.stores.request.Prices;
import io.stillpoint.testkit.Bytes;
import io.stillpoint.testkit.ObjectStoreContract;
import io.stillpoint.testkit.S3Server;
import io.stillpoint.vault.crypto.ObjectHeader;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.ObjectStore.StoredObject;
import io.stillpoint.vault.store.ObjectStore.Upload;
import io.stillpoint.vault.store.VaultException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Copies of metadata: what is kept, that nothing bad is ever read, and that the store alone says what exists.
final class CachedStoreTest {
    private static final ObjectId VAULT = new ObjectId(0xABC, 0xDEF);
    private static final int SIZE = 100_000;

    @TempDir Path folder;
    private final Meter meter = Meter.unlimited(Prices.NONE);
    private final AtomicLong seconds = new AtomicLong(1_800_000_000L);

    @BeforeEach
    void makeVault() {
        try (ObjectStore store = new LocalStore(folder.resolve("vault"))) {
            write(store, ObjectName.vault(), new ObjectHeader(ObjectKind.VAULT, VAULT).bytes());
        }
    }

    private CachedStore open(long bytesMax) {
        ObjectStore store = new CountedStore(new LocalStore(folder.resolve("vault")), meter);
        InstantSource clock = () -> Instant.ofEpochSecond(seconds.incrementAndGet());
        CachedStore cached = new CachedStore(store, folder.resolve("cache"), bytesMax, clock);
        cached.open(ObjectName.vault()).close();
        return cached;
    }

    private CachedStore open() {
        return open(1 << 30);
    }

    private static void write(ObjectStore store, ObjectName name, byte[] content) {
        try (Upload upload = store.create(name)) {
            upload.write(content, 0, content.length);
            upload.commit();
        }
    }

    private static ObjectName name(Area area, long number) {
        return new ObjectName(area, new ObjectId(5, number));
    }

    /// An object as the vault writes it: a header, then whatever.
    private static byte[] object(ObjectKind kind, ObjectName name) {
        byte[] content = Bytes.RANDOM.of(SIZE, name.id().low());
        byte[] header = new ObjectHeader(kind, name.id()).bytes();
        System.arraycopy(header, 0, content, 0, header.length);
        return content;
    }

    /// Stores an object past the cache.
    private byte[] stored(ObjectKind kind, ObjectName name) {
        byte[] content = object(kind, name);
        try (ObjectStore store = new LocalStore(folder.resolve("vault"))) {
            write(store, name, content);
        }
        return content;
    }

    private static byte[] content(ObjectStore store, ObjectName name) {
        try (StoredObject object = store.open(name)) {
            byte[] content = new byte[Math.toIntExact(object.size())];
            // Unaligned pieces, then one to the end.
            int third = content.length / 3;
            object.read(0, content, 0, third);
            object.read(third, content, third, content.length - third);
            return content;
        }
    }

    private List<Path> files() {
        Path files = folder.resolve("cache").resolve(VAULT.toString());
        try (Stream<Path> list = Files.exists(files) ? Files.list(files) : Stream.empty()) {
            return list.filter(Files::isRegularFile)
                    .filter(file -> !file.getFileName().toString().startsWith("."))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private long requests() {
        return meter.usage().gets();
    }

    @Test
    void metadataIsFetchedOnceAndDataEveryTime() {
        ObjectName segment = name(Area.INDEX, 1);
        ObjectName point = name(Area.POINTS, 2);
        ObjectName nodes = name(Area.PACKS, 3);
        ObjectName chunks = name(Area.PACKS, 4);
        byte[] segmentBytes = stored(ObjectKind.INDEX, segment);
        byte[] pointBytes = stored(ObjectKind.POINT, point);
        byte[] nodeBytes = stored(ObjectKind.METADATA_PACK, nodes);
        byte[] chunkBytes = stored(ObjectKind.DATA_PACK, chunks);
        try (CachedStore store = open()) {
            assertThat(content(store, segment)).isEqualTo(segmentBytes);
            assertThat(content(store, point)).isEqualTo(pointBytes);
            assertThat(content(store, nodes)).isEqualTo(nodeBytes);
            assertThat(content(store, chunks)).isEqualTo(chunkBytes);
        }
        assertThat(files()).hasSize(3);
        try (CachedStore another = open()) {
            long before = requests();
            assertThat(content(another, segment)).isEqualTo(segmentBytes);
            assertThat(content(another, point)).isEqualTo(pointBytes);
            assertThat(content(another, nodes)).isEqualTo(nodeBytes);
            assertThat(requests()).isEqualTo(before);
            assertThat(content(another, chunks)).isEqualTo(chunkBytes);
            assertThat(requests()).isGreaterThan(before);
        }
    }

    @Test
    void whatIsStoredHereIsKeptWithoutBeingFetched() {
        ObjectName segment = name(Area.INDEX, 1);
        ObjectName nodes = name(Area.PACKS, 2);
        ObjectName chunks = name(Area.PACKS, 3);
        ObjectName dropped = name(Area.POINTS, 4);
        try (CachedStore store = open()) {
            write(store, segment, object(ObjectKind.INDEX, segment));
            write(store, nodes, object(ObjectKind.METADATA_PACK, nodes));
            write(store, chunks, object(ObjectKind.DATA_PACK, chunks));
            try (Upload upload = store.create(dropped)) {
                upload.write(new byte[100], 0, 100);
            }
            assertThat(files()).hasSize(2);
            long before = requests();
            assertThat(content(store, segment)).isEqualTo(object(ObjectKind.INDEX, segment));
            assertThat(content(store, nodes)).isEqualTo(object(ObjectKind.METADATA_PACK, nodes));
            assertThat(requests()).isEqualTo(before);
        }
    }

    @Test
    void aCopyThatWasChangedAnywhereIsNeverRead() throws IOException {
        ObjectName segment = name(Area.INDEX, 1);
        byte[] expected = stored(ObjectKind.INDEX, segment);
        long length;
        try (CachedStore store = open()) {
            content(store, segment);
            length = Files.size(files().getFirst());
        }
        for (long at = 0; at < length; at += at < SIZE ? 9973 : 1) {
            try (CachedStore store = open()) {
                content(store, segment);
                flip(files().getFirst(), at);
                assertThat(content(store, segment)).as("byte %d", at).isEqualTo(expected);
            }
        }
    }

    private static void flip(Path file, long at) throws IOException {
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer one = ByteBuffer.allocate(1);
            channel.read(one, at);
            one.put(0, (byte) ~one.get(0)).flip();
            channel.write(one, at);
        }
    }

    @Test
    void aCopyThatWasCutOffOrEmptiedIsFetchedAgain() throws IOException {
        ObjectName segment = name(Area.INDEX, 1);
        byte[] expected = stored(ObjectKind.INDEX, segment);
        for (long length : new long[] {0, 1, 27, 4096, SIZE, SIZE + 10}) {
            try (CachedStore store = open()) {
                content(store, segment);
                try (FileChannel channel =
                        FileChannel.open(files().getFirst(), StandardOpenOption.WRITE)) {
                    channel.truncate(length);
                }
                assertThat(content(store, segment)).isEqualTo(expected);
            }
        }
    }

    @Test
    void theFolderMayBeDeletedAtAnyTime() throws IOException {
        ObjectName segment = name(Area.INDEX, 1);
        byte[] expected = stored(ObjectKind.INDEX, segment);
        try (CachedStore store = open();
                StoredObject open = opened(store, segment)) {
            deleteCache();
            byte[] content = new byte[SIZE];
            open.read(0, content, 0, SIZE);
            assertThat(content).isEqualTo(expected);
            assertThat(content(store, segment)).isEqualTo(expected);
            deleteCache();
            write(store, name(Area.INDEX, 2), object(ObjectKind.INDEX, name(Area.INDEX, 2)));
        }
    }

    private static StoredObject opened(ObjectStore store, ObjectName name) {
        content(store, name);
        return store.open(name);
    }

    private void deleteCache() throws IOException {
        try (Stream<Path> files = Files.walk(folder.resolve("cache"))) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    @Test
    void aCacheThatCantBeWrittenCostsNothingButTime() throws IOException {
        ObjectName segment = name(Area.INDEX, 1);
        byte[] expected = stored(ObjectKind.INDEX, segment);
        Files.writeString(folder.resolve("cache"), "a file where the folder should be");
        try (CachedStore store = open()) {
            assertThat(content(store, segment)).isEqualTo(expected);
            write(store, name(Area.INDEX, 2), object(ObjectKind.INDEX, name(Area.INDEX, 2)));
            assertThat(content(store, name(Area.INDEX, 2))).hasSize(SIZE);
        }
    }

    @Test
    void whatWasDeletedInTheStoreIsNotThere() {
        ObjectName segment = name(Area.INDEX, 1);
        stored(ObjectKind.INDEX, segment);
        try (CachedStore store = open()) {
            content(store, segment);
            try (ObjectStore other = new LocalStore(folder.resolve("vault"))) {
                other.delete(segment);
            }
            assertThat(store.exists(segment)).isFalse();
            List<ObjectName> names = new ArrayList<>();
            store.list(Area.INDEX, listed -> names.add(listed.name()));
            assertThat(names).isEmpty();
            store.delete(segment);
            assertThat(files()).isEmpty();
            assertThatThrownBy(() -> content(store, segment)).isInstanceOf(VaultException.class);
        }
    }

    @Test
    void theLeastRecentlyUsedMakeRoom() {
        try (CachedStore store = open(3 * SIZE + SIZE / 2)) {
            for (int i = 1; i <= 3; i++) {
                stored(ObjectKind.INDEX, name(Area.INDEX, i));
                content(store, name(Area.INDEX, i));
            }
            // The first is used again, so the second is the eldest.
            content(store, name(Area.INDEX, 1));
            stored(ObjectKind.INDEX, name(Area.INDEX, 4));
            content(store, name(Area.INDEX, 4));
        }
        assertThat(files())
                .extracting(file -> file.getFileName().toString())
                .containsExactly(
                        "index-" + new ObjectId(5, 1),
                        "index-" + new ObjectId(5, 3),
                        "index-" + new ObjectId(5, 4));
    }

    @Test
    void whatIsLargerThanTheBoundIsNotKept() {
        ObjectName segment = name(Area.INDEX, 1);
        stored(ObjectKind.INDEX, segment);
        try (CachedStore store = open(SIZE - 1)) {
            assertThat(content(store, segment)).hasSize(SIZE);
            write(store, name(Area.INDEX, 2), object(ObjectKind.INDEX, name(Area.INDEX, 2)));
        }
        assertThat(files()).isEmpty();
    }

    /// Steps on the cache's disk for an object of the size of a point, on average, with so many objects in the cache.
    private double stepsToAdd(int held, int added) {
        CountedFiles files = new CountedFiles();
        // Each takes one block; so many of them are the bound.
        long bytesMax = 4096L * held;
        Path vaults = folder.resolve("cache" + held);
        long before;
        try (CachedStore store = small(files.path(vaults), bytesMax)) {
            for (int i = 0; i < held; i++) {
                write(store, name(Area.POINTS, i), new byte[1000]);
            }
            before = files.steps();
            for (int i = held; i < held + added; i++) {
                write(store, name(Area.POINTS, i), new byte[1000]);
            }
        }
        return (files.steps() - before) / (double) added;
    }

    private CachedStore small(Path vaults, long bytesMax) {
        InstantSource clock = () -> Instant.ofEpochSecond(seconds.incrementAndGet());
        return CachedStore.of(new Forgetful(), vaults, VAULT, bytesMax, clock);
    }

    @Test
    void addingAndEvictingCostTheSameHoweverMuchIsThere() {
        // A whole round: as many are evicted as there were.
        double few = stepsToAdd(200, 400);
        double many = stepsToAdd(3200, 6400);
        assertThat(few).isLessThan(60);
        assertThat(many).isBetween(few * 0.8, few * 1.2);
    }

    @Test
    void aProcessThatAddsOneObjectDoesNotLookAtTheOthers() {
        List<Long> steps = new ArrayList<>();
        for (int held : new int[] {10, 2000}) {
            Path vaults = folder.resolve("cache" + held);
            try (CachedStore store = small(vaults, 1 << 30)) {
                for (int i = 0; i < held; i++) {
                    write(store, name(Area.POINTS, i), new byte[1000]);
                }
            }
            CountedFiles files = new CountedFiles();
            try (CachedStore store = small(files.path(vaults), 1 << 30)) {
                write(store, name(Area.POINTS, held), new byte[1000]);
                assertThat(content(store, name(Area.POINTS, held / 2))).hasSize(1000);
                store.delete(name(Area.POINTS, held / 3));
            }
            steps.add(files.steps());
        }
        assertThat(steps.getFirst()).isLessThan(30).isEqualTo(steps.getLast());
    }

    @Test
    void processesThatShareAFolderKeepTheBoundTogether() throws Exception {
        int blocksMax = 100;
        List<Callable<Void>> all = new ArrayList<>();
        for (int process = 0; process < 4; process++) {
            int first = process * 1000;
            all.add(() -> {
                try (CachedStore store = small(folder.resolve("cache"), 4096L * blocksMax)) {
                    for (int i = first; i < first + 500; i++) {
                        write(store, name(Area.POINTS, i), new byte[1000]);
                    }
                }
                return null;
            });
        }
        try (ExecutorService processes = Executors.newFixedThreadPool(all.size())) {
            for (Future<Void> done : processes.invokeAll(all)) {
                done.get();
            }
        }
        // Whoever added while another made room may be over by as much; the next one sees to it.
        try (CachedStore store = small(folder.resolve("cache"), 4096L * blocksMax)) {
            write(store, name(Area.POINTS, 9999), new byte[1000]);
        }
        assertThat(files()).hasSizeBetween(blocksMax - blocksMax / 10 - all.size(), blocksMax);
        assertThat(Files.size(tally())).isBetween((long) files().size(), (long) blocksMax);
    }

    private Path tally() {
        return folder.resolve("cache").resolve(VAULT.toString()).resolve(".tally");
    }

    private void add(int number, int blocksMax) {
        try (CachedStore store = small(folder.resolve("cache"), 4096L * blocksMax)) {
            write(store, name(Area.POINTS, number), new byte[1000]);
        }
    }

    @Test
    void aTallyThatIsTooHighCostsALookAndNoCopy() throws IOException {
        add(1, 100);
        add(2, 100);
        // As processes leave it that were killed between counting and adding.
        Files.write(tally(), new byte[98], StandardOpenOption.APPEND);
        add(3, 100);
        assertThat(files()).hasSize(3);
        assertThat(Files.size(tally())).isEqualTo(3);
    }

    @Test
    void aTallyThatWasRemovedIsMadeAnew() throws IOException {
        for (int i = 0; i < 10; i++) {
            add(i, 10);
        }
        Files.delete(tally());
        add(10, 10);
        assertThat(files()).hasSize(9);
        assertThat(Files.size(tally())).isEqualTo(9);
    }

    @Test
    void whatAKilledProcessLeftIsRemovedAfterADay() throws IOException {
        add(1, 10);
        Path incoming = tally().resolveSibling(".incoming");
        Path old = Files.createFile(incoming.resolve("1-1-1"));
        Path fresh = Files.createFile(incoming.resolve("1-1-2"));
        Instant now = Instant.ofEpochSecond(seconds.get());
        Files.setLastModifiedTime(old, FileTime.from(now.minus(Duration.ofHours(25))));
        Files.setLastModifiedTime(fresh, FileTime.from(now.minus(Duration.ofHours(23))));
        add(2, 10);
        assertThat(old).doesNotExist();
        assertThat(fresh).exists();
        // A process that stays open looks again each day.
        try (CachedStore store = small(folder.resolve("cache"), 1 << 20)) {
            write(store, name(Area.POINTS, 3), new byte[1000]);
            assertThat(fresh).exists();
            seconds.addAndGet(Duration.ofDays(1).toSeconds());
            write(store, name(Area.POINTS, 4), new byte[1000]);
            assertThat(fresh).doesNotExist();
        }
    }

    /// The contract holds with copies of everything that may be copied.
    @Nested
    final class OverAFolder extends ObjectStoreContract {
        @TempDir Path place;

        @Override
        protected ObjectStore open() {
            return cached(new LocalStore(place.resolve("vault")), place);
        }
    }

    @Nested
    @Tag("stores")
    @Tag("slow")
    final class OverS3 extends ObjectStoreContract {
        private final String bucket = S3Server.proxy().newBucket();
        @TempDir Path place;

        @Override
        protected ObjectStore open() {
            return cached(S3Server.proxy().store(bucket), place);
        }
    }

    /// A fake store that takes everything and has nothing: what is read comes from the copies alone.
    private static final class Forgetful implements ObjectStore {
        @Override
        public String description() {
            return "nothing";
        }

        @Override
        public Upload create(ObjectName name) {
            return new Upload() {
                @Override
                public void write(byte[] from, int at, int length) {}

                @Override
                public void commit() {}

                @Override
                public void close() {}
            };
        }

        @Override
        public StoredObject open(ObjectName name) {
            throw new AssertionError(name);
        }

        @Override
        public boolean exists(ObjectName name) {
            return false;
        }

        @Override
        public void list(Area area, Consumer<Listed> visitor) {}

        @Override
        public void delete(ObjectName name) {}

        @Override
        public void close() {}
    }

    private static ObjectStore cached(ObjectStore store, Path place) {
        return CachedStore.of(
                store, place.resolve("cache"), VAULT, 1 << 30, InstantSource.system());
    }
}
