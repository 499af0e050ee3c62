package io.stillpoint.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.engine.VaultPin.Finding;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.Lineage;
import io.stillpoint.vault.point.PointDraft;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.prune.PruneRules;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.store.ForwardingStore;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.VaultException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A vault that was set back, or another one in its place, is noticed by who has seen it before; what is meant is not.
final class VaultPinTest {
    private static final PruneRules AT_ONCE =
            new PruneRules(Duration.ZERO, Duration.ZERO, 70, Long.MAX_VALUE, false);

    @TempDir Path folder;
    private KeyFile key;
    private Vault vault;
    private VaultPin pin;

    @BeforeEach
    void make() {
        key = KeyFile.create(folder.resolve("key"), Randomness.secure());
        vault = make("vault");
        pin = new VaultPin(folder.resolve("state"), "place");
    }

    @AfterEach
    void close() {
        vault.close();
    }

    private Vault make(String name) {
        return Vault.init(
                new LocalStore(folder.resolve(name)),
                key,
                new Vault.Surroundings(
                        Randomness.secure(),
                        InstantSource.system(),
                        ProcessResources.ofThisProcess()));
    }

    private void reopen() {
        vault.close();
        vault =
                Vault.open(
                        new LocalStore(folder.resolve("vault")),
                        key,
                        new Vault.Surroundings(
                                Randomness.secure(),
                                InstantSource.system(),
                                ProcessResources.ofThisProcess()));
    }

    private RecoveryPoint point(String vm) {
        return point(vm, Optional.empty());
    }

    private RecoveryPoint point(String vm, Optional<Lineage> lineage) {
        try (BackupSession session =
                vault.backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            Instant now = InstantSource.system().instant();
            return session.commit(
                    new PointDraft(
                            vm,
                            Json.object(),
                            now,
                            now,
                            Consistency.STOPPED,
                            "",
                            OptionalLong.empty(),
                            List.of(),
                            "test",
                            Optional.empty(),
                            Optional.empty(),
                            lineage));
        }
    }

    /// Whoever holds the key can make such a point, and a copy from another vault may be one.
    @Test
    void aPointWithTheHighestOrdinalIsNamedAndCanBeRemoved() {
        point("web");
        RecoveryPoint forged =
                point("web", Optional.of(new Lineage(Lineage.ORDINAL_MAX, Optional.empty())));
        assertThat(codes()).isEmpty();
        assertThat(codes()).as("what is noted can be read").isEmpty();
        assertThatThrownBy(() -> point("web"))
                .isInstanceOfSatisfying(
                        VaultException.class,
                        e -> assertThat(e.code()).isEqualTo("vault.no-ordinal-left"))
                .hasMessageContaining(forged.id().toString());
        vault.forget(forged, Duration.ZERO);
        assertThat(pin.removed(Set.of(forged.id()))).isEmpty();
        vault.prune(AT_ONCE, new Cancellation());
        reopen();
        assertThat(pin.accept(vault)).isEmpty();
        assertThat(codes()).isEmpty();
        assertThat(point("web").lineage().ordinal()).isEqualTo(2);
    }

    /// Runs something once, when points have just been listed.
    private static final class Interrupted extends ForwardingStore {
        private final AtomicReference<Runnable> next = new AtomicReference<>(() -> {});

        Interrupted(ObjectStore store) {
            super(store);
        }

        @Override
        public void list(ObjectName.Area area, Consumer<Listed> visitor) {
            super.list(area, visitor);
            if (area == ObjectName.Area.POINTS) {
                next.getAndSet(() -> {}).run();
            }
        }
    }

    @Test
    void aPointThatAnotherJobOfThisHostMakesMeanwhileIsNoAlarm() {
        point("web");
        assertThat(codes()).isEmpty();
        Interrupted store = new Interrupted(new LocalStore(folder.resolve("vault")));
        try (Vault late =
                Vault.open(
                        store,
                        key,
                        new Vault.Surroundings(
                                Randomness.secure(),
                                InstantSource.system(),
                                ProcessResources.ofThisProcess()))) {
            store.next.set(() -> assertThat(pin.made(vault.id(), point("db"))).isEmpty());
            assertThat(pin.look(late)).isEmpty();
            store.next.set(() -> assertThat(pin.made(vault.id(), point("web"))).isEmpty());
            assertThat(pin.look(late)).isEmpty();
        }
        assertThat(codes()).isEmpty();
    }

    /// As who has the store can.
    private void remove(RecoveryPoint point) throws IOException {
        Files.delete(folder.resolve("vault/points").resolve(point.id().toString()));
        reopen();
    }

    private List<String> codes() {
        return pin.look(vault).stream().map(Finding::code).toList();
    }

    @Test
    void aVaultThatGoesOnIsNotSpokenOf() {
        assertThat(codes()).isEmpty();
        point("web");
        assertThat(codes()).isEmpty();
        point("web");
        point("db");
        assertThat(codes()).isEmpty();
        assertThat(codes()).isEmpty();
    }

    @Test
    void theNewestPointsRemovalIsToldUntilItIsAccepted() throws IOException {
        point("web");
        RecoveryPoint newest = point("web");
        pin.look(vault);
        remove(newest);
        List<Finding> found = pin.look(vault);
        assertThat(found).hasSize(1).allMatch(Finding::isAlarm);
        assertThat(found.getFirst().code()).isEqualTo("pin.set-back");
        assertThat(found.getFirst().text())
                .asString()
                .contains("web")
                .contains(newest.id().toString());
        RecoveryPoint next = point("web");
        assertThat(next.lineage().ordinal()).isEqualTo(3);
        point("web");
        assertThat(codes()).containsExactly("pin.set-back");
        assertThat(pin.accept(vault)).isEmpty();
        assertThat(codes()).isEmpty();
    }

    @Test
    void aPointThatABackupMadeIsKnownAtOnce() throws IOException {
        point("web");
        pin.look(vault);
        RecoveryPoint made = point("web");
        pin.made(vault.id(), made);
        remove(made);
        assertThat(codes()).containsExactly("pin.set-back");
    }

    @Test
    void theWholeVaultSetBackIsToldOfEachVm() throws IOException {
        point("web");
        point("db");
        copy(folder.resolve("vault"), folder.resolve("older"));
        point("web");
        point("db");
        pin.look(vault);
        vault.close();
        Files.move(folder.resolve("vault"), folder.resolve("newer"));
        Files.move(folder.resolve("older"), folder.resolve("vault"));
        reopen();
        assertThat(codes()).containsExactly("pin.set-back", "pin.set-back");
        vault.close();
        Files.move(folder.resolve("vault"), folder.resolve("older"));
        Files.move(folder.resolve("newer"), folder.resolve("vault"));
        reopen();
        assertThat(codes()).isEmpty();
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(from.relativize(file).toString()));
            }
        }
    }

    @Test
    void anotherVaultOfTheSameKeyIsToldAndChangesNoPin() {
        point("web");
        pin.look(vault);
        try (Vault other = make("other")) {
            assertThat(pin.look(other))
                    .extracting(Finding::code)
                    .containsExactly("pin.other-vault");
            assertThat(pin.look(other)).hasSize(1);
            assertThat(pin.look(vault)).isEmpty();
            pin.accept(other);
            assertThat(pin.look(other)).isEmpty();
        }
    }

    @Test
    void whatWasForgottenAndPurgedIsNoAlarm() {
        point("web");
        RecoveryPoint second = point("web");
        pin.look(vault);
        vault.forget(second, Duration.ZERO);
        assertThat(codes()).isEmpty();
        vault.prune(AT_ONCE, new Cancellation());
        assertThat(vault.forgotten()).isEmpty();
        assertThat(codes()).isEmpty();
    }

    @Test
    void whatThisHostRemovesWithoutALookIsNoAlarm() {
        point("web");
        RecoveryPoint second = point("web");
        pin.look(vault);
        vault.forget(second, Duration.ZERO);
        pin.removed(Set.of(second.id()));
        vault.prune(AT_ONCE, new Cancellation());
        assertThat(codes()).isEmpty();
        // Nor is its number given again.
        assertThat(point("web").lineage().ordinal()).isEqualTo(3);
    }

    @Test
    void retentionOfOlderPointsByOthersIsNoAlarm() {
        RecoveryPoint first = point("web");
        pin.look(vault);
        point("web");
        vault.forget(first, Duration.ZERO);
        vault.prune(AT_ONCE, new Cancellation());
        assertThat(codes()).isEmpty();
    }

    @Test
    void aDamagedPinIsToldAndSetAside() throws IOException {
        point("web");
        pin.look(vault);
        Path file = pinFile();
        Files.writeString(file, Files.readString(file).substring(5));
        assertThat(codes()).containsExactly("pin.damaged");
        assertThat(file.resolveSibling(file.getFileName() + ".damaged")).exists();
        assertThat(codes()).isEmpty();
    }

    @Test
    void aStateFolderThatCannotBeWrittenIsToldAndStopsNothing() throws IOException {
        Files.writeString(folder.resolve("state"), "a file");
        point("web");
        assertThat(codes()).containsExactly("pin.unwritable");
    }

    @Test
    void onlyItsOwnerReadsIt() throws IOException {
        point("web");
        pin.look(vault);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(pinFile())))
                .isEqualTo("rw-------");
        assertThat(
                        PosixFilePermissions.toString(
                                Files.getPosixFilePermissions(folder.resolve("state/vaults"))))
                .isEqualTo("rwx------");
    }

    private Path pinFile() throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve("state/vaults"))) {
            return files.filter(file -> file.toString().endsWith(".json"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    @Test
    void folderHasOnePlaceHoweverItIsWritten(@TempDir Path there) throws IOException {
        Path vault = Files.createDirectory(there.resolve("vault"));
        Path link = Files.createSymbolicLink(there.resolve("link"), vault);
        assertThat(VaultPin.place(link)).isEqualTo(VaultPin.place(vault));
        assertThat(VaultPin.place(there.resolve("x/../vault"))).isEqualTo(VaultPin.place(vault));
    }
}
