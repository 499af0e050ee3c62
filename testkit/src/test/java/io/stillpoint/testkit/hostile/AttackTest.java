package io.stillpoint.testkit.hostile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import io.stillpoint.testkit.Bytes;
import io.stillpoint.testkit.MemoryDisk;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.point.ForgottenPoint;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.PointDraft;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.prune.PruneResult;
import io.stillpoint.vault.prune.PruneRules;
import io.stillpoint.vault.record.DamagedFrames;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.session.StoredDisk;
import io.stillpoint.vault.session.VaultSettings;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import io.stillpoint.vault.verify.Verification;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// An attacker who has the store and not the key edits, adds, puts back, removes and swaps objects, and mends all checksums.
/// Whatever they do, nobody restores a wrong byte, no point vanishes in silence, and nothing that a point needs is deleted by
/// the owner's own prune.
final class AttackTest {
    private static final int CHUNK = 65_536;
    private static final String JUNK = "00000000000000000000000000000abc";
    private static final PruneRules AT_ONCE =
            new PruneRules(Duration.ZERO, Duration.ZERO, 70, Long.MAX_VALUE, false);
    private static final VaultSettings SMALL =
            new VaultSettings(2 * CHUNK, true, 4 * CHUNK, 2 * CHUNK, Duration.ofHours(24));

    @TempDir Path folder;
    private Attacker attacker;
    private KeyFile key;
    private Duration ahead = Duration.ZERO;
    private Map<String, byte[]> originals = Map.of();
    private final Map<ObjectId, byte[]> contents = new HashMap<>();

    @BeforeEach
    void makeVault() {
        key = KeyFile.create(folder.resolve("key"), Randomness.secure());
        attacker = new Attacker(folder.resolve("vault"));
        Vault.init(
                        store(),
                        key,
                        new Vault.Surroundings(
                                Randomness.secure(),
                                clock(),
                                ProcessResources.of(
                                        1, Runtime.getRuntime().maxMemory(), Threads.ofProcess())))
                .close();
    }

    private LocalStore store() {
        return new LocalStore(folder.resolve("vault"));
    }

    private InstantSource clock() {
        return () -> InstantSource.system().instant().plus(ahead);
    }

    private Vault open() {
        return open(new Wiretap(store()));
    }

    private Vault open(Wiretap store) {
        return Vault.open(
                store,
                key,
                new Vault.Surroundings(
                        Randomness.secure(),
                        clock(),
                        ProcessResources.of(
                                1, Runtime.getRuntime().maxMemory(), Threads.ofProcess()),
                        SMALL));
    }

    private RecoveryPoint backup(Vault vault, byte[] content) {
        Scan scan = new Scan.Everything(Optional.empty());
        try (BackupSession session =
                vault.backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            StoredDisk stored =
                    session.store(List.of(new DiskInput("disk", new MemoryDisk(content), scan)))
                            .getFirst();
            RecoveryPoint made = session.commit(draft(stored));
            contents.put(made.id(), content);
            return made;
        }
    }

    private PointDraft draft(StoredDisk stored) {
        Instant now = clock().instant();
        PointDisk disk =
                new PointDisk(
                        "disk",
                        stored.image(),
                        "raw",
                        Optional.empty(),
                        PointDisk.Method.FULL,
                        "first-backup",
                        stored.changedBytes(),
                        stored.readBytes(),
                        stored.newBytes());
        return new PointDraft(
                "vm",
                Json.object(),
                now,
                now,
                Consistency.STOPPED,
                "",
                OptionalLong.empty(),
                List.of(disk),
                "test",
                Optional.empty(),
                Optional.empty());
    }

    private static byte[] restored(Vault vault, RecoveryPoint point) {
        DiskImage image = point.disks().getFirst().image();
        MemoryDisk target = new MemoryDisk(new byte[Math.toIntExact(image.size())]);
        vault.restore(image, target, new Cancellation(), _ -> {});
        return target.content();
    }

    private static Verification verified(Vault vault) {
        return vault.verify(new Cancellation(), _ -> {});
    }

    private static PruneResult prune(Vault vault) {
        return vault.prune(AT_ONCE, new Cancellation());
    }

    private Set<String> names(String area) {
        Set<String> names = new TreeSet<>(attacker.snapshot().keySet());
        names.removeIf(name -> !name.startsWith(area));
        return names;
    }

    private void requireWhole(ObjectId... points) {
        try (Vault vault = open()) {
            assertThat(verified(vault).problems()).isEmpty();
            requireRestored(vault, points);
        }
    }

    private void requireRestored(Vault vault, ObjectId... points) {
        for (ObjectId id : points) {
            assertThat(restored(vault, vault.point(id.toString()))).isEqualTo(contents.get(id));
        }
    }

    /// A disk of random chunks; those named are of another seed.
    private static byte[] disk(int chunks, long seed, int... others) {
        byte[] disk = Bytes.RANDOM.of(chunks * CHUNK, seed);
        for (int chunk : others) {
            byte[] other = Bytes.RANDOM.of(CHUNK, 1000 * seed + chunk);
            System.arraycopy(other, 0, disk, chunk * CHUNK, CHUNK);
        }
        return disk;
    }

    /// A vault with an object of every kind that lasts.
    private List<ObjectId> makeEverything() {
        try (Vault vault = open()) {
            RecoveryPoint gone = backup(vault, disk(6, 7));
            RecoveryPoint first = backup(vault, disk(5, 1));
            RecoveryPoint second = backup(vault, disk(5, 1, 0, 3));
            RecoveryPoint forgotten = backup(vault, disk(2, 3));
            vault.forget(gone, Duration.ZERO);
            vault.forget(forgotten, Duration.ofDays(9));
            vault.bringBack(vault.forget(first, Duration.ofDays(9)));
            // Condemns what the first point needed.
            prune(vault);
            vault.quarantine(
                    new Verification(
                            0,
                            0,
                            0,
                            0,
                            List.of(),
                            new TreeSet<>(),
                            new DamagedFrames(Map.of(new ObjectId(1, 1), Set.of(32L)))));
            originals = attacker.snapshot();
            return List.of(first.id(), second.id());
        }
    }

    @Test
    void noFieldThatAnybodyCanChangeMisleadsAnybody() {
        List<ObjectId> points = makeEverything();
        Map<String, byte[]> before = attacker.snapshot();
        Set<String> kinds = new HashSet<>();
        for (Map.Entry<String, byte[]> object : before.entrySet()) {
            String name = object.getKey();
            kinds.add(name.replaceAll("/.*", ""));
            for (Attacker.Field field : Attacker.fields(name, object.getValue())) {
                String what = name + ", " + field.name();
                attacker.edit(name, bytes -> bytes[field.at() + field.length() - 1]++);
                requireUnharmed(what, name, points, field.isFree());
                attacker.rollBack(before);
            }
        }
        assertThat(kinds)
                .contains("vault", "keys", "packs", "index", "points")
                .contains("forgotten", "undone", "condemned", "quarantine");
        requireWhole(points.toArray(ObjectId[]::new));
    }

    @Test
    void countsAndLengthsThatShrinkHideNothing() {
        List<ObjectId> points = makeEverything();
        Map<String, byte[]> before = attacker.snapshot();
        for (Map.Entry<String, byte[]> object : before.entrySet()) {
            String name = object.getKey();
            for (Attacker.Field field : Attacker.fields(name, object.getValue())) {
                boolean isCount = field.length() == 4 || field.name().equals("entries");
                if (!isCount || field.isFree()) {
                    continue;
                }
                attacker.edit(name, bytes -> bytes[field.at() + field.length() - 1]--);
                requireUnharmed(name + ", " + field.name(), name, points, false);
                attacker.rollBack(before);
            }
        }
    }

    @Test
    void noObjectInThePlaceOfAnotherMisleadsAnybody() {
        List<ObjectId> points = makeEverything();
        Map<String, byte[]> before = attacker.snapshot();
        for (String name : before.keySet()) {
            String area = name.replaceAll("/.*", "/");
            for (String other : names(area)) {
                if (!other.equals(name) && !area.equals("packs/") && name.contains("/")) {
                    attacker.put(
                            name,
                            Attacker.renamed(name, Objects.requireNonNull(before.get(other))));
                    requireUnharmed(other + " as " + name, name, points, false);
                    attacker.rollBack(before);
                }
            }
        }
    }

    @Test
    void noKindOfObjectPassesForAnother() {
        List<ObjectId> points = makeEverything();
        Map<String, byte[]> before = attacker.snapshot();
        for (Map.Entry<String, byte[]> object : before.entrySet()) {
            // Those that share an area, and one that never does.
            for (char letter : "DMPRS".toCharArray()) {
                if (object.getValue()[8] != letter
                        && object.getKey().matches("(packs|points|undone)/.*")) {
                    String name = object.getKey();
                    attacker.edit(name, bytes -> bytes[8] = (byte) letter);
                    requireUnharmed(name + " as " + letter, name, points, false);
                    attacker.rollBack(before);
                }
            }
        }
    }

    /// Opens, lists, restores, verifies and prunes twice, then takes the edit back.
    private void requireUnharmed(
            String what, String edited, List<ObjectId> points, boolean mayBeUnseen) {
        try (Vault vault = open()) {
            Set<ObjectId> listed = new HashSet<>();
            for (RecoveryPoint point : vault.points()) {
                listed.add(point.id());
                byte[] content = contents.get(point.id());
                try {
                    assertThat(restored(vault, point)).as(what).isEqualTo(content);
                } catch (VaultException e) {
                    assertThat(e.kind()).as(what).isIn(Kind.DAMAGED, Kind.MISSING, Kind.TOO_NEW);
                }
            }
            listed.addAll(vault.unreadablePoints().keySet());
            assertThat(listed).as(what).containsAll(points);
            Verification found = verified(vault);
            assertThat(found.isSound() && !mayBeUnseen).as(what).isFalse();
            for (int run = 0; run < 2; run++) {
                try {
                    prune(vault);
                } catch (VaultException e) {
                    assertThat(e.kind()).as(what).isIn(Kind.DAMAGED, Kind.MISSING, Kind.TOO_NEW);
                }
            }
        } catch (VaultException e) {
            // The header and the only slot: told, and nothing is done.
            assertThat(edited).as(what).matches("vault|keys/.*");
            assertThat(e.kind())
                    .as(what)
                    .isIn(Kind.DAMAGED, Kind.TOO_NEW, Kind.WRONG_KEY, Kind.NOT_A_VAULT);
            return;
        }
        takeBack(what, edited, points);
    }

    private void takeBack(String what, String edited, List<ObjectId> points) {
        attacker.put(edited, Objects.requireNonNull(originals.get(edited)));
        try (Vault vault = open()) {
            requireRestored(vault, points.toArray(ObjectId[]::new));
        } catch (VaultException e) {
            throw new AssertionError(what + ": lost for good", e);
        }
    }

    @Test
    void aPointMadeARevocationIsReportedAndKeepsItsPacks() {
        List<ObjectId> points;
        try (Vault vault = open()) {
            points = List.of(backup(vault, disk(4, 1)).id(), backup(vault, disk(4, 2)).id());
        }
        String victim = "points/" + points.getFirst();
        byte[] sound = attacker.read(victim);
        attacker.edit(victim, bytes -> bytes[8] = 'R');
        try (Vault vault = open()) {
            assertThat(vault.unreadablePoints()).containsOnlyKeys(points.getFirst());
            assertThat(verified(vault).problems())
                    .anyMatch(told -> told.toString().contains(victim));
            for (int run = 0; run < 2; run++) {
                assertThatThrownBy(() -> prune(vault))
                        .isInstanceOfSatisfying(
                                VaultException.class,
                                e -> assertThat(e.code()).isEqualTo("vault.prune-unsafe"));
            }
        }
        attacker.put(victim, sound);
        requireWhole(points.toArray(ObjectId[]::new));
    }

    @Test
    void verdictsThatArePutBackDeleteNothingThatPointsNeed() {
        Wiretap wiretap = new Wiretap(store());
        Map<String, byte[]> packs = new HashMap<>();
        byte[] content = disk(6, 1);
        ObjectId again;
        try (Vault vault = open(wiretap)) {
            RecoveryPoint first = backup(vault, content);
            names("packs/").forEach(name -> packs.put(name, attacker.read(name)));
            vault.forget(first, Duration.ZERO);
            prune(vault);
            assertThat(prune(vault).deletedPacks()).isEqualTo(packs.size());
            for (int i = 0; i < 3; i++) {
                prune(vault);
            }
            assertThat(names("executed/")).isEmpty();
            // The packs come back: a backup finds them and stores nothing.
            packs.forEach(attacker::put);
        }
        try (Vault vault = open(wiretap)) {
            RecoveryPoint made = backup(vault, content);
            assertThat(made.disks().getFirst().newBytes()).isZero();
            again = made.id();
        }
        wiretap.seen()
                .forEach((name, object) -> {
                    if (name.area() == Area.CONDEMNED || name.area() == Area.EXECUTED) {
                        attacker.put(name.toString(), object);
                    }
                });
        assertThat(names("executed/")).isNotEmpty();
        try (Vault vault = open(wiretap)) {
            requireRestored(vault, again);
            assertThat(verified(vault).problems())
                    .isNotEmpty()
                    .allMatch(told -> told.toString().contains("verdict"));
            assertThat(prune(vault).warnings())
                    .anyMatch(told -> told.toString().contains("executed/"));
            prune(vault);
            assertThat(names("executed/")).isEmpty();
        }
        requireWhole(again);
    }

    @Test
    void aForgottenRecordThatIsPutBackAfterItWasUndoneMeansNothing() {
        ObjectId id;
        byte[] record;
        try (Vault vault = open()) {
            RecoveryPoint point = backup(vault, disk(3, 1));
            id = point.id();
            ForgottenPoint forgotten = vault.forget(point, Duration.ofDays(1));
            record = attacker.read("forgotten/" + id);
            vault.bringBack(forgotten);
        }
        attacker.put("forgotten/" + id, record);
        ahead = Duration.ofDays(3);
        try (Vault vault = open()) {
            assertThat(vault.points()).extracting(RecoveryPoint::id).containsExactly(id);
            assertThat(vault.forgotten()).isEmpty();
            for (int run = 0; run < 3; run++) {
                assertThat(prune(vault).purgedPoints()).isZero();
            }
            assertThat(names("forgotten/")).isEmpty();
            // And it can be forgotten again.
            attacker.put("forgotten/" + id, record);
            vault.forget(vault.point(id.toString()), Duration.ofDays(1));
            assertThat(vault.points()).isEmpty();
            vault.bringBack(vault.forgottenPoint(id.toString()));
        }
        requireWhole(id);
    }

    @Test
    void anIndexThatTellsLessHidesNothing() {
        ObjectId id;
        try (Vault vault = open()) {
            id = backup(vault, disk(6, 1)).id();
        }
        for (String segment : names("index/")) {
            attacker.edit(
                    segment,
                    bytes -> {
                        ByteBuffer trailer = ByteBuffer.wrap(bytes);
                        int at = bytes.length - 40;
                        trailer.putLong(at, trailer.getLong(at) - 3);
                    });
        }
        try (Vault vault = open()) {
            requireRestored(vault, id);
            assertThat(verified(vault).problems())
                    .hasSize(1)
                    .allMatch(told -> told.toString().contains("index/"));
            prune(vault);
            prune(vault);
            requireRestored(vault, id);
        }
    }

    @Test
    void aPointWhosePromisedNameWasTakenTakesAnother() {
        Wiretap wiretap = new Wiretap(store());
        List<ObjectName> taken = new ArrayList<>();
        wiretap.before(name -> {
            if (name.area() == Area.POINTS && taken.isEmpty()) {
                taken.add(name);
                attacker.put(name.toString(), new byte[50]);
            }
        });
        try (Vault vault = open(wiretap)) {
            RecoveryPoint made = backup(vault, disk(3, 1));
            assertThat(made.id()).isNotEqualTo(taken.getFirst().id());
            requireRestored(vault, made.id());
            assertThat(vault.unreadablePoints()).containsOnlyKeys(taken.getFirst().id());
            vault.discard(taken.getFirst().id());
        }
        assertThat(names("sessions/")).isEmpty();
        requireWhole(contents.keySet().toArray(ObjectId[]::new));
    }

    @Test
    void aBackupWhoseNamesAreTakenOverAndOverFailsForThatReason() {
        Wiretap wiretap = new Wiretap(store());
        List<ObjectName> taken = new ArrayList<>();
        wiretap.before(name -> {
            if (name.area() == Area.POINTS) {
                taken.add(name);
                attacker.put(name.toString(), new byte[50]);
            }
        });
        try (Vault vault = open(wiretap)) {
            assertThatThrownBy(() -> backup(vault, disk(3, 1)))
                    .isInstanceOfSatisfying(
                            VaultException.class,
                            e -> {
                                assertThat(e.code()).isEqualTo("vault.name-taken");
                                assertThat(e.retryable()).isTrue();
                            });
            wiretap.before(_ -> {});
            taken.forEach(name -> vault.discard(name.id()));
            ObjectId made = backup(vault, disk(3, 1)).id();
            requireRestored(vault, made);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "executed",
                "condemned",
                "forgotten",
                "undone",
                "sessions",
                "quarantine",
                "index",
                "packs",
                "keys"
            })
    void junkStopsNobodyAndIsNamed(String area) {
        ObjectId id;
        try (Vault vault = open()) {
            id = backup(vault, disk(3, 1)).id();
        }
        String name = area + "/" + JUNK;
        for (byte[] junk : List.of(new byte[0], new byte[100], forged(area, name))) {
            attacker.put(name, junk);
            try (Vault vault = open()) {
                requireRestored(vault, id);
                ObjectId more = backup(vault, disk(3, 2)).id();
                requireRestored(vault, id, more);
                assertThat(verified(vault).problems())
                        .anyMatch(told -> told.toString().contains(name));
                prune(vault);
                requireRestored(vault, id, more);
            }
        }
    }

    /// An object that has the form of one of its area and a version to come.
    private byte[] forged(String area, String name) {
        String model =
                names(area + "/").stream()
                        .filter(each -> !each.equals(name))
                        .findFirst()
                        .orElse("keys");
        byte[] object =
                model.equals("keys")
                        ? attacker.read(names("keys/").iterator().next())
                        : attacker.read(model);
        object[9] = 2;
        return Attacker.renamed(name, object);
    }

    @Test
    void aSessionThatIsPutBackHoldsPruneOnlyForAWhile() {
        Wiretap wiretap = new Wiretap(store());
        try (Vault vault = open(wiretap)) {
            RecoveryPoint old = backup(vault, disk(4, 1));
            backup(vault, disk(4, 2));
            // Never made a point.
            vault.backup(Optional.empty(), new Cancellation(), (_, _) -> {}).close();
            vault.forget(old, Duration.ZERO);
            prune(vault);
        }
        putSessionsBack(wiretap);
        try (Vault vault = open(wiretap)) {
            PruneResult held = prune(vault);
            assertThat(held.waitingPacks()).isPositive();
            assertThat(held.deletedPacks()).isZero();
        }
        // A month later by all clocks; the store says of whatever is put back that it is new.
        ahead = Duration.ofDays(31);
        wiretap.setClockAhead(ahead);
        putSessionsBack(wiretap);
        try (Vault vault = open(wiretap)) {
            assertThat(prune(vault).deletedPacks()).isPositive();
        }
    }

    private void putSessionsBack(Wiretap wiretap) {
        wiretap.seen()
                .forEach((name, object) -> {
                    if (name.area() == Area.SESSIONS) {
                        attacker.put(name.toString(), object);
                    }
                });
    }
}
