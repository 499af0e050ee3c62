package io.stillpoint.vault;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.point.Catalogue;
import io.stillpoint.vault.point.Lineage;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.prune.PruneRules;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.session.StoredDisk;
import io.stillpoint.vault.store.ForwardingStore;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What is asked of one VM costs the same however many others there are, and is right whatever becomes of the catalogue.
final class CatalogueTest {
    private static final PruneRules AT_ONCE =
            new PruneRules(Duration.ZERO, Duration.ZERO, 70, Long.MAX_VALUE, false);

    @TempDir Path folder;
    private TestVault vaults;

    @BeforeEach
    void make() {
        vaults = TestVault.make(folder);
    }

    @AfterEach
    void close() {
        vaults.close();
    }

    private RecoveryPoint point(String vm, long seed) {
        try (BackupSession session =
                vaults.vault().backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            StoredDisk stored =
                    session.store(
                                    List.of(
                                            new DiskInput(
                                                    "disk",
                                                    new MemoryDisk(
                                                            TestVault.random(
                                                                    TestVault.CHUNK, seed)),
                                                    new Scan.Everything(Optional.empty()))))
                            .getFirst();
            return session.commit(vaults.draft(vm, stored));
        }
    }

    private List<ObjectName> entries() {
        List<ObjectName> names = new ArrayList<>();
        vaults.store().list(Area.CATALOGUE, listed -> names.add(listed.name()));
        return names;
    }

    /// Counts what it is asked.
    private static final class CountingStore extends ForwardingStore {
        private final AtomicInteger requests = new AtomicInteger();

        CountingStore(ObjectStore store) {
            super(store);
        }

        @Override
        public Upload create(ObjectName name) {
            requests.incrementAndGet();
            return super.create(name);
        }

        @Override
        public StoredObject open(ObjectName name) {
            requests.incrementAndGet();
            return super.open(name);
        }

        @Override
        public boolean exists(ObjectName name) {
            requests.incrementAndGet();
            return super.exists(name);
        }

        @Override
        public void list(Area area, Consumer<Listed> visitor) {
            requests.incrementAndGet();
            super.list(area, visitor);
        }

        @Override
        public void list(Area area, String prefix, Consumer<Listed> visitor) {
            requests.incrementAndGet();
            below().list(area, prefix, visitor);
        }

        @Override
        public void delete(ObjectName name) {
            requests.incrementAndGet();
            super.delete(name);
        }
    }

    /// How many requests something takes of a vault that was just opened.
    private int requests(Function<Vault, ?> work) {
        CountingStore store = new CountingStore(vaults.store());
        try (Vault vault = vaults.open(store)) {
            store.requests.set(0);
            Object _ = work.apply(vault);
            return store.requests.get();
        }
    }

    @Test
    void whatIsAskedOfOneVmCostsTheSameHoweverManyOthersThereAre() {
        RecoveryPoint old = point("web", 1);
        RecoveryPoint point = point("web", 2);
        Function<Vault, ?> newest = vault -> vault.newest("web");
        Function<Vault, ?> points = vault -> vault.points("web");
        Function<Vault, ?> byId = vault -> vault.point(point.id().toString());
        Function<Vault, ?> forget = vault -> vault.forget(old, Duration.ofDays(1));
        List<Function<Vault, ?>> works = List.of(newest, points, byId);
        List<Integer> few = works.stream().map(this::requests).toList();
        for (int i = 0; i < 60; i++) {
            RecoveryPoint other = point("other " + i % 20, 100 + i);
            if (i % 3 == 0) {
                vaults.vault().forget(other, Duration.ofDays(1));
            }
        }
        assertThat(works.stream().map(this::requests).toList()).isEqualTo(few);
        assertThat(vaults.vault().newest("web")).contains(point);
        assertThat(vaults.vault().points("web")).containsExactly(old, point);
        assertThat(requests(forget)).isLessThan(30);
        assertThat(vaults.vault().points("web")).containsExactly(point);
    }

    @Test
    void theNewestIsTheSameAsAmongAllPoints() {
        List<RecoveryPoint> made = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            made.add(point("web", i));
            point("db", 10 + i);
        }
        for (int i = 4; i >= 0; i--) {
            List<RecoveryPoint> all =
                    vaults.vault().points().stream()
                            .filter(each -> each.vm().equals("web"))
                            .toList();
            assertThat(vaults.vault().newest("web")).contains(all.getLast());
            assertThat(vaults.vault().points("web")).isEqualTo(all);
            vaults.vault().forget(made.get(i), Duration.ZERO);
        }
        assertThat(vaults.vault().newest("web")).isEmpty();
        assertThat(vaults.vault().newest("nothing")).isEmpty();
        vaults.vault().prune(AT_ONCE, new Cancellation());
        assertThat(vaults.vault().newest("web")).isEmpty();
        assertThat(vaults.vault().points("db")).hasSize(5);
    }

    @Test
    void aLostEntryIsNamedAndMadeAgain() {
        RecoveryPoint point = point("web", 1);
        point("db", 2);
        entries().forEach(vaults.store()::delete);
        assertThat(vaults.verify().problems())
                .hasSize(2)
                .allMatch(text -> text.code().equals("vault.not-in-catalogue"));
        vaults.vault().prune(AT_ONCE, new Cancellation());
        assertThat(vaults.verify().problems()).isEmpty();
        assertThat(vaults.vault().newest("web")).contains(point);
        assertThat(entries()).hasSize(2);
    }

    @Test
    void anEntryWhosePointIsGoneGoesToo() {
        RecoveryPoint old = point("web", 1);
        RecoveryPoint kept = point("web", 2);
        vaults.vault().forget(old, Duration.ZERO);
        vaults.vault().prune(AT_ONCE, new Cancellation());
        assertThat(entries()).hasSize(1);
        assertThat(vaults.vault().newest("web")).contains(kept);
        RecoveryPoint next = point("web", 3);
        assertThat(next.lineage().ordinal()).isEqualTo(3);
    }

    @Test
    void junkAmongTheEntriesChangesNothing() {
        RecoveryPoint point = point("web", 1);
        ObjectName genuine = entries().getFirst();
        byte[] bytes = vaults.store().get(genuine);
        // The highest ordinal under the tag of the VM, with a copy of a genuine entry's bytes.
        io.stillpoint.vault.store.ObjectId id = genuine.id();
        ObjectName junk =
                new ObjectName(
                        Area.CATALOGUE,
                        new io.stillpoint.vault.store.ObjectId(
                                id.high() | 0xFFFF, id.low() | 0xFFFF_FFFF_FF00_0000L));
        vaults.store().put(junk, bytes);
        assertThat(vaults.vault().newest("web")).contains(point);
        assertThat(point("web", 2).lineage().ordinal()).isEqualTo(2);
        assertThat(vaults.vault().junk()).isNotEmpty();
        vaults.vault().prune(AT_ONCE, new Cancellation());
        assertThat(entries()).contains(junk).hasSize(3);
    }

    @Test
    void aLostCatalogueIsMadeAgainBeforeAnythingIsDecidedByIt() {
        List<RecoveryPoint> made = List.of(point("web", 1), point("web", 2), point("db", 3));
        entries().forEach(vaults.store()::delete);
        vaults.reopen();
        assertThat(vaults.vault().newest("web")).contains(made.get(1));
        assertThat(vaults.vault().points("db")).containsExactly(made.get(2));
        entries().forEach(vaults.store()::delete);
        vaults.reopen();
        RecoveryPoint next = point("web", 4);
        assertThat(next.lineage()).isEqualTo(new Lineage(3, Optional.of(made.get(1).id())));
        assertThat(vaults.verify().problems()).isEmpty();
    }

    @Test
    void theNewestEntryAloneIsMissedByNobodyWhoLooks() {
        point("web", 1);
        RecoveryPoint newest = point("web", 2);
        vaults.store()
                .delete(
                        entries().stream()
                                .filter(name -> Catalogue.ordinal(name.id()) == 2)
                                .findFirst()
                                .orElseThrow());
        vaults.vault().completeCatalogue();
        assertThat(vaults.vault().newest("web")).contains(newest);
        assertThat(point("web", 3).lineage().ordinal()).isEqualTo(3);
    }

    @Test
    void aLostEntryIsMissedThoughAnotherPointsNameIsLikeIt() {
        vaults.draw(bytes -> {
            Randomness.secure().fill(bytes);
            if (bytes.length == ObjectId.LENGTH) {
                Arrays.fill(bytes, 0, 4, (byte) 7);
            }
        });
        List<RecoveryPoint> made = List.of(point("web", 1), point("web", 2), point("db", 3));
        assertThat(made).allMatch(point -> point.id().toString().startsWith("07070707"));
        vaults.store()
                .delete(
                        entries().stream()
                                .filter(name -> Catalogue.ordinal(name.id()) == 2)
                                .findFirst()
                                .orElseThrow());
        assertThat(vaults.vault().newest("web")).contains(made.getFirst());
        vaults.vault().completeCatalogue();
        assertThat(vaults.vault().newest("web")).contains(made.get(1));
        assertThat(entries()).hasSize(3);
    }

    @Test
    void manyPointsOfAVmCostNoRequestEach() {
        RecoveryPoint point = point("web", 1);
        for (int i = 2; i <= 100; i++) {
            point = point("web", i);
        }
        RecoveryPoint last = point;
        CountingStore store = new CountingStore(vaults.store());
        try (Vault vault = vaults.open(store)) {
            List<RecoveryPoint> points = vault.points("web");
            assertThat(points).hasSize(100).last().isEqualTo(last);
            store.requests.set(0);
            assertThat(vault.points("web")).isEqualTo(points);
            assertThat(store.requests.get()).as("again, in a warm process").isLessThan(10);
            store.requests.set(0);
            points.subList(0, 10).forEach(each -> vault.forget(each, Duration.ofDays(1)));
            assertThat(store.requests.get()).as("to forget ten").isLessThan(150);
            assertThat(vault.points("web")).isEqualTo(points.subList(10, 100));
            assertThat(vault.forgotten()).hasSize(10);
        }
        // By another process: what was read before is not offered any more.
        try (Vault vault = vaults.open(store)) {
            assertThat(vault.points("web")).hasSize(90);
            vaults.vault().forget(last, Duration.ZERO);
            vaults.vault().prune(AT_ONCE, new Cancellation());
            assertThat(vault.points("web")).hasSize(89).doesNotContain(last);
        }
    }
}
