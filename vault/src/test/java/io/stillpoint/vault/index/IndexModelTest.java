package io.stillpoint.vault.index;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.vault.IndexFixture;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Random histories of two processes with one index, against a model: what each must be told, and what it may.
final class IndexModelTest {
    private static final int STEPS = 150;
    private static final int IDS = 40;
    private static final int PROCESSES = 2;

    @TempDir Path folder;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
    void everythingNotedIsTold(long seed) {
        try (ObjectStore store = new LocalStore(folder.resolve("vault"))) {
            History history = new History(store, seed);
            for (int step = 0; step < STEPS; step++) {
                history.step();
                history.check("seed %d, step %d".formatted(seed, step));
            }
            history.close();
        }
    }

    private static final class Peer {
        final ItemIndex index;

        /// Noted by this process and not written yet.
        final Set<ObjectId> recent = new HashSet<>();

        /// In segments when this process last read the list.
        final Set<ObjectId> seen = new HashSet<>();

        /// Known to be gone.
        final Set<ObjectId> gone = new HashSet<>();

        Peer(ItemIndex index) {
            this.index = index;
        }
    }

    private static final class History {
        private final Random random;
        private final IndexFixture fixture;
        private final ObjectStore store;
        private final List<ItemId> ids = new ArrayList<>();
        private final List<Peer> processes = new ArrayList<>();
        private final Map<ObjectId, Map<ItemId, Set<Place>>> packs = new HashMap<>();
        private final Set<ObjectId> written = new HashSet<>();
        // Packs that ever were in a verdict.
        private final Set<ObjectId> deleted = new HashSet<>();

        History(ObjectStore store, long seed) {
            this.store = store;
            random = new Random(seed);
            fixture = new IndexFixture(seed);
            for (int i = 0; i < IDS; i++) {
                // Some begin alike, as no ids do: their order shows only later.
                ItemId id = fixture.id();
                ids.add(i % 4 == 0 ? new ItemId(7, id.b(), id.c(), id.d()) : id);
            }
            for (int i = 0; i < PROCESSES; i++) {
                processes.add(new Peer(fixture.open(store)));
            }
        }

        void step() {
            Peer process = processes.get(random.nextInt(PROCESSES));
            switch (random.nextInt(12)) {
                case 0, 1, 2 -> note(process);
                case 3, 4, 5, 6 -> {
                    note(process);
                    flush(process);
                }
                case 7 -> refresh(process);
                case 8 -> process.index.merge();
                case 9 -> judge();
                case 10 -> dropGone(process);
                default -> restart(process);
            }
        }

        private void note(Peer process) {
            List<ItemId> inPack = new ArrayList<>();
            for (int i = random.nextInt(300); i >= 0; i--) {
                // Few of the ids that are looked up; copies of one item in one pack, too.
                inPack.add(
                        random.nextInt(20) == 0 ? ids.get(random.nextInt(IDS / 2)) : fixture.id());
            }
            ObjectId pack = fixture.pack();
            Map<ItemId, Set<Place>> places = new HashMap<>();
            IndexFixture.groups(inPack)
                    .forEach(group ->
                            group.forEachPlace(
                                    pack,
                                    (id, place) ->
                                            places.computeIfAbsent(id, _ -> new HashSet<>())
                                                    .add(place)));
            packs.put(pack, places);
            process.index.durable(pack, IndexFixture.groups(inPack));
            process.recent.add(pack);
        }

        private void flush(Peer process) {
            process.index.flush();
            written.addAll(process.recent);
            process.seen.addAll(process.recent);
            process.recent.clear();
        }

        private void refresh(Peer process) {
            process.index.refresh();
            process.seen.addAll(written);
            process.gone.addAll(fixture.verdicts());
        }

        /// A verdict on some packs.
        private void judge() {
            for (ObjectId pack : written) {
                if (!deleted.contains(pack) && random.nextInt(4) == 0) {
                    fixture.verdicts().add(pack);
                    deleted.add(pack);
                }
            }
        }

        /// What prune does at its end.
        private void dropGone(Peer process) {
            refresh(process);
            Set<ObjectId> left = process.index.dropGone(Set.of());
            assertThat(fixture.verdicts()).containsAll(left);
            fixture.verdicts().retainAll(left);
        }

        /// Kills a process, so that what it had not written is lost, and starts it anew.
        private void restart(Peer process) {
            process.index.close();
            Peer fresh = new Peer(fixture.open(store));
            fresh.seen.addAll(written);
            fresh.gone.addAll(deleted);
            processes.set(processes.indexOf(process), fresh);
        }

        void check(String when) {
            for (Peer process : processes) {
                ItemIndex.Lookup lookup = process.index.lookup();
                Map<ItemId, Set<Place>> visited = IndexFixture.visited(process.index);
                for (ItemId id : ids) {
                    Set<Place> told = lookup.places(id);
                    Set<Place> must = places(id, process.seen, deleted);
                    assertThat(visited.getOrDefault(id, Set.of())).as(when).containsAll(must);
                    must.addAll(places(id, process.recent, Set.of()));
                    Set<ObjectId> all = new HashSet<>(written);
                    all.addAll(process.recent);
                    Set<Place> may = places(id, all, process.gone);
                    assertThat(told).as(when).containsAll(must);
                    assertThat(may).as(when).containsAll(told);
                    assertThat(may).as(when).containsAll(visited.getOrDefault(id, Set.of()));
                    Place found = lookup.findIndexed(id);
                    assertThat(found == null).as(when).isEqualTo(told.isEmpty());
                    assertThat(found == null || told.contains(found)).as(when).isTrue();
                }
            }
        }

        private Set<Place> places(ItemId id, Set<ObjectId> in, Set<ObjectId> without) {
            Set<Place> places = new HashSet<>();
            for (ObjectId pack : in) {
                if (!without.contains(pack)) {
                    places.addAll(packs.getOrDefault(pack, Map.of()).getOrDefault(id, Set.of()));
                }
            }
            return places;
        }

        void close() {
            processes.forEach(process -> process.index.close());
        }
    }
}
