package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.testkit.Bytes;
import io.stillpoint.testkit.ObjectStoreContract;
import io.stillpoint.testkit.disk.Fault;
import io.stillpoint.testkit.disk.FaultyDisk;
import io.stillpoint.testkit.disk.FaultyDisk.Traits;
import io.stillpoint.testkit.disk.Operation;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.ObjectStore.StoredObject;
import io.stillpoint.vault.store.ObjectStore.Upload;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// A folder as a store on a disk that loses power, and on one that fails.
final class LocalStoreCrashTest {
    private static final Path ROOT = Path.of("/srv/vault");
    private static final ObjectName PACK = new ObjectName(Area.PACKS, new ObjectId(1, 1));
    private static final ObjectName OTHER_PACK = new ObjectName(Area.PACKS, new ObjectId(1, 2));
    private static final ObjectName POINT = new ObjectName(Area.POINTS, new ObjectId(2, 1));
    private static final int SEEDS = 12;

    static List<Traits> fileSystems() {
        return List.of(Traits.PLAIN, Traits.JOURNALED, Traits.WITHOUT_LINKS);
    }

    /// What a vault relies on holds on the faulty disk too, as long as it does not fail.
    @Nested
    final class Contract extends ObjectStoreContract {
        private final FaultyDisk disk =
                new FaultyDisk(Traits.WITHOUT_LINKS, InstantSource.system());

        @Override
        protected ObjectStore open() {
            return new LocalStore(disk, ROOT);
        }
    }

    private static byte[] content(ObjectName name) {
        return Bytes.RANDOM.of(3_000, name.id().low());
    }

    private static void put(ObjectStore store, ObjectName name) {
        byte[] content = content(name);
        try (Upload upload = store.create(name)) {
            upload.write(content, 0, 1_000);
            upload.write(content, 1_000, content.length - 1_000);
            upload.commit();
        }
    }

    private static Set<ObjectName> listed(ObjectStore store, Area area) {
        Set<ObjectName> names = new HashSet<>();
        store.list(area, listed -> names.add(listed.name()));
        return names;
    }

    /// What is listed is whole. Returns it.
    private static Set<ObjectName> requireWhole(ObjectStore store) {
        Set<ObjectName> names = listed(store, Area.PACKS);
        names.addAll(listed(store, Area.POINTS));
        for (ObjectName name : names) {
            try (StoredObject object = store.open(name)) {
                byte[] content = new byte[Math.toIntExact(object.size())];
                object.read(0, content, 0, content.length);
                assertThat(content).as(name.toString()).isEqualTo(content(name));
            }
        }
        return names;
    }

    /// Packs, a point that needs them, and all gone again; each only when what it needs is done.
    private static void run(ObjectStore store, Set<ObjectName> durable, Set<ObjectName> gone) {
        for (ObjectName name : List.of(PACK, OTHER_PACK, POINT)) {
            put(store, name);
            durable.add(name);
        }
        for (ObjectName name : List.of(POINT, OTHER_PACK, PACK)) {
            durable.remove(name);
            store.delete(name);
            gone.add(name);
        }
    }

    private static FaultyDisk runUntil(
            Traits traits,
            Set<Operation> counted,
            int call,
            Set<ObjectName> durable,
            Set<ObjectName> gone) {
        FaultyDisk disk = VaultScript.emptyDisk(traits);
        disk.stopAt(counted, call);
        try (LocalStore store = new LocalStore(disk, ROOT)) {
            run(store, durable, gone);
        } catch (VaultException e) {
            assertThat(disk.isStopped()).as(e.getMessage()).isTrue();
        }
        return disk;
    }

    @ParameterizedTest
    @MethodSource("fileSystems")
    void whatReturnedIsDoneAndNothingIsHalfDoneAfterAPowerCutAtAnySync(Traits traits) {
        boolean wasStopped = true;
        for (int sync = 1; wasStopped; sync++) {
            Set<ObjectName> durable = new HashSet<>();
            Set<ObjectName> gone = new HashSet<>();
            FaultyDisk disk = runUntil(traits, Operation.SYNCS, sync, durable, gone);
            for (int number = 0; number < SEEDS; number++) {
                long seed = VaultScript.seed(number);
                FaultyDisk after = disk.afterCrash(seed);
                try (LocalStore store = new LocalStore(after, ROOT)) {
                    assertThat(requireWhole(store))
                            .as("sync %d, seed %d", sync, seed)
                            .containsAll(durable)
                            .noneMatch(gone::contains);
                    store.create(POINT).close();
                }
                FaultyVault.requireTidy(after, ROOT);
            }
            wasStopped = disk.isStopped();
        }
    }

    /// The next process goes on from what it sees: it completes what is there to a point, or removes the packs that no point needs.
    @ParameterizedTest
    @MethodSource("fileSystems")
    void whatIsBuiltOnWhatWasSeenNeverOutlivesIt(Traits traits) {
        boolean wasStopped = true;
        for (int call = 1; wasStopped; call++) {
            for (boolean adds : new boolean[] {true, false}) {
                FaultyDisk killed =
                        runUntil(traits, Operation.CHANGES, call, new HashSet<>(), new HashSet<>());
                wasStopped = killed.isStopped();
                FaultyDisk disk = killed.afterKill();
                try (LocalStore store = new LocalStore(disk, ROOT)) {
                    if (adds) {
                        complete(store);
                    } else if (listed(store, Area.POINTS).isEmpty()) {
                        listed(store, Area.PACKS).forEach(store::delete);
                    }
                }
                for (int number = 0; number < SEEDS; number++) {
                    long seed = VaultScript.seed(number);
                    try (LocalStore store = new LocalStore(disk.afterCrash(seed), ROOT)) {
                        Set<ObjectName> left = requireWhole(store);
                        if (left.contains(POINT)) {
                            assertThat(left)
                                    .as("adds %s, call %d, seed %d", adds, call, seed)
                                    .contains(PACK, OTHER_PACK);
                        } else {
                            assertThat(adds).as("call %d, seed %d", call, seed).isFalse();
                        }
                    }
                }
            }
        }
    }

    private static void complete(LocalStore store) {
        Set<ObjectName> there = listed(store, Area.PACKS);
        there.addAll(listed(store, Area.POINTS));
        for (ObjectName name : List.of(PACK, OTHER_PACK, POINT)) {
            if (!there.contains(name)) {
                put(store, name);
            } else if (name.equals(POINT)) {
                // It may be only seen: something must be written for it to last.
                put(store, new ObjectName(Area.POINTS, new ObjectId(2, 2)));
            }
        }
    }

    @Test
    void aFailureIsNeverTakenForAbsence() {
        FaultyDisk disk = VaultScript.emptyDisk(Traits.PLAIN);
        try (LocalStore store = new LocalStore(disk, ROOT)) {
            put(store, PACK);
            for (Fault fault : List.of(Fault.IO_ERROR, Fault.DENIED)) {
                disk.fail(Set.of(Operation.ATTRIBUTES, Operation.LIST), 1, fault, true);
                assertThatThrownBy(() -> store.exists(PACK)).isInstanceOf(VaultException.class);
                assertThatThrownBy(() -> store.list(Area.PACKS, _ -> {}))
                        .isInstanceOf(VaultException.class);
                disk.fail(Set.of(Operation.ATTRIBUTES), 1, fault, true);
                assertThatThrownBy(() -> store.list(Area.PACKS, _ -> {}))
                        .isInstanceOf(VaultException.class);
                disk.heal();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"NO_SPACE", "IO_ERROR", "DENIED"})
    void anUploadThatFailsAtAnyCallSaysWhyLeavesNothingAndSucceedsLater(Fault fault) {
        for (boolean forEver : new boolean[] {true, false}) {
            boolean hasStruck = true;
            for (int call = 1; hasStruck; call++) {
                FaultyDisk disk = VaultScript.emptyDisk(Traits.PLAIN);
                disk.fail(kinds(fault), call, fault, forEver);
                List<VaultException> thrown = new ArrayList<>();
                try (LocalStore store = new LocalStore(disk, ROOT)) {
                    try {
                        put(store, PACK);
                    } catch (VaultException e) {
                        thrown.add(e);
                    }
                    hasStruck = disk.hasStruck();
                    disk.heal();
                    Set<ObjectName> there = requireWhole(store);
                    // It may be there though it failed: when the sync after it did.
                    if (thrown.isEmpty()) {
                        assertThat(there).containsExactly(PACK);
                    }
                    put(store, OTHER_PACK);
                    assertThat(requireWhole(store)).contains(OTHER_PACK);
                }
                FaultyVault.requireTidy(disk, ROOT);
                assertThat(thrown)
                        .allMatch(e -> e.kind() == kind(fault))
                        .allMatch(e -> e.getMessage().contains(ROOT.toString()));
            }
        }
    }

    private static Set<Operation> kinds(Fault fault) {
        return fault == Fault.NO_SPACE ? Operation.ROOM_TAKING : Set.of(Operation.values());
    }

    private static Kind kind(Fault fault) {
        return fault == Fault.NO_SPACE ? Kind.STORE_FULL : Kind.STORE;
    }
}
