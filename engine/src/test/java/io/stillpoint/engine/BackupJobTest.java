package io.stillpoint.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.ForwardingStore;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

/// What the job says when something fails once the point is made, and what it says of clocks.
final class BackupJobTest {
    private static final Duration LEAP = Duration.ofDays(400);

    @TempDir Path folder;
    private final Told told = new Told();
    private final byte[] content = new byte[300_000];
    private KeyFile key;
    private Duration clockError = Duration.ZERO;
    private Optional<Kind> retention = Optional.of(Kind.UNSUPPORTED);
    private Runnable atRetention = () -> {};
    private final Cancellation cancellation = new Cancellation();

    /// Keeps the codes of warnings, and their texts.
    private static final class Told implements JobEvents {
        private final List<String> codes = new ArrayList<>();
        private final List<String> texts = new ArrayList<>();

        @Override
        public void tell(JobEvent event) {
            // How well the guest came to rest is not asked here.
            switch (event) {
                case JobEvent.Warned(_, Text text, String code) when !code.startsWith("guest.") ->
                        keep(code, text);
                case JobEvent.Noted(_, Text text, String code) when !code.startsWith("guest.") ->
                        keep(code, text);
                default -> {}
            }
        }

        private void keep(String code, Text text) {
            codes.add(code);
            texts.add(text.toString());
        }
    }

    /// A folder that is asked to retain objects and answers as it is told to.
    private final class RetainingStore extends ForwardingStore {
        RetainingStore() {
            super(new LocalStore(folder.resolve("vault")));
        }

        @Override
        public void retain(ObjectName name, Instant until) {
            atRetention.run();
            if (retention.isPresent()) {
                throw new VaultException(retention.get(), "vault.missing", null, name);
            }
        }
    }

    @BeforeEach
    void makeVault() {
        new Random(1).nextBytes(content);
        key = KeyFile.create(folder.resolve("key"), Randomness.secure());
        Vault.init(
                        new RetainingStore(),
                        key,
                        new Vault.Surroundings(
                                Randomness.secure(), this::now, ProcessResources.ofThisProcess()))
                .close();
    }

    private Instant now() {
        return InstantSource.system().instant().plus(clockError);
    }

    private Vault open() {
        return Vault.open(
                new RetainingStore(),
                key,
                new Vault.Surroundings(
                        Randomness.secure(), this::now, ProcessResources.ofThisProcess()));
    }

    private boolean sameVm;

    private RecoveryPoint backup(FakeVm vm, Optional<Duration> lock) {
        BackupSettings settings =
                new BackupSettings(
                        "web",
                        new BackupPolicy(
                                Consistency.CRASH,
                                new RestLimits(Duration.ofMinutes(1), Duration.ofMinutes(1)),
                                BackupPolicy.Vss.EXTENSION,
                                sameVm,
                                lock),
                        Optional.empty(),
                        new ScratchSettings(folder.resolve("scratch"), ByteSize.parse("1G")),
                        "test");
        JobTools tools =
                new JobTools(
                        new MemoryJournal(),
                        told,
                        cancellation,
                        this::now,
                        Randomness.secure(),
                        Threads.ofProcess());
        try (Vault vault = open()) {
            return new BackupJob(vault, JobVm.of(vm), settings, tools).run().orThrow();
        }
    }

    private RecoveryPoint backup() {
        return backup(new FakeVm(content), Optional.empty());
    }

    private List<RecoveryPoint> points() {
        try (Vault vault = open()) {
            return vault.points();
        }
    }

    @ParameterizedTest
    @EnumSource(FakeVm.Fault.class)
    void whatFailsOnceThePointIsMadeIsAWarning(FakeVm.Fault fault) {
        FakeVm vm = new FakeVm(content, fault);
        RecoveryPoint point = backup(vm, Optional.empty());
        assertThat(points()).containsExactly(point);
        assertThat(told.codes).contains("engine.after-commit");
        assertThat(told.texts.getFirst()).contains(point.id().toString());
        assertThat(vm.calls).contains("close-disk", "keep", "close");
    }

    @Test
    void aStoreThatDoesNotLockDeniesNoPoint() {
        retention = Optional.of(Kind.DENIED);
        FakeVm vm = new FakeVm(content);
        RecoveryPoint point = backup(vm, Optional.of(Duration.ofDays(3)));
        assertThat(points()).containsExactly(point);
        assertThat(told.codes).containsExactly("vault.lock-failed");
        assertThat(vm.calls).contains("keep");
    }

    @Test
    void whoStopsTheJobAfterTheCommitIsToldThatThePointExists() {
        atRetention = cancellation::request;
        retention = Optional.empty();
        FakeVm vm = new FakeVm(content);
        RecoveryPoint point = backup(vm, Optional.of(Duration.ofDays(3)));
        assertThat(points()).containsExactly(point);
        assertThat(told.codes).containsExactly("vault.lock-cancelled");
        assertThat(told.texts.getFirst()).contains(point.id().toString());
        assertThat(vm.calls).contains("keep");
    }

    @Test
    void clocksThatAgreeAreNotSpokenOf() {
        backup();
        RecoveryPoint second = backup();
        assertThat(told.codes).isEmpty();
        assertThat(second.configuration().has("clock")).isFalse();
    }

    @Test
    void aClockThatDiffersFromTheStoresIsToldAndNoted() {
        clockError = Duration.ofHours(2);
        assertThat(findings(backup())).containsExactly("clock.host-ahead");
        clockError = Duration.ofHours(-2);
        assertThat(findings(backup())).contains("clock.host-behind", "clock.point-in-future");
    }

    @Test
    void aLeapIsToldAtOnceAndWhenItIsOver() {
        backup();
        clockError = LEAP;
        RecoveryPoint leaped = backup();
        assertThat(findings(leaped)).containsExactly("clock.host-ahead", "clock.long-gap");
        clockError = Duration.ZERO;
        told.codes.clear();
        RecoveryPoint after = backup();
        assertThat(told.codes).containsExactly("clock.point-in-future");
        assertThat(findings(after)).containsExactly("clock.point-in-future");
        assertThat(points().getLast()).isEqualTo(after);
        assertThat(after.lineage().before()).contains(leaped.id());
    }

    @Test
    void noLockCountsFromAClockThatIsDaysWrong() {
        clockError = LEAP;
        FakeVm vm = new FakeVm(content);
        assertThatThrownBy(() -> backup(vm, Optional.of(Duration.ofDays(30))))
                .isInstanceOf(VaultException.class)
                .hasMessageContaining("Nothing was locked");
        assertThat(vm.calls).isEmpty();
        assertThat(points()).isEmpty();
    }

    @Test
    void aLockedPointIsNotForgottenByOneClockAlone() {
        RecoveryPoint point = backup(new FakeVm(content), Optional.of(Duration.ofDays(30)));
        clockError = LEAP;
        try (Vault vault = open()) {
            assertThatThrownBy(() -> vault.forget(point, Duration.ZERO))
                    .isInstanceOf(VaultException.class)
                    .hasMessageContaining("locked until");
        }
    }

    private static List<String> findings(RecoveryPoint point) {
        List<String> findings = new ArrayList<>();
        for (JsonNode code : point.configuration().path("clock").path("findings")) {
            findings.add(code.asString());
        }
        return findings;
    }

    @Test
    void pointsOfAnotherMachineAreNotBuiltOnUnlessThatIsMeant() {
        FakeVm first = new FakeVm(new byte[100_000]);
        backup(first, Optional.empty());
        FakeVm other = new FakeVm(new byte[100_000]);
        other.images = List.of("/other");
        assertThatThrownBy(() -> backup(other, Optional.empty()))
                .isInstanceOfSatisfying(
                        JobException.class,
                        e -> {
                            assertThat(e.code()).isEqualTo("engine.other-vm");
                            assertThat(e.retryable()).isFalse();
                        })
                .hasMessageContainingAll("/fake", "/other", "--same-vm");
        // Nothing was asked of the VM.
        assertThat(other.calls).isEmpty();
        sameVm = true;
        backup(other, Optional.empty());
        sameVm = false;
        backup(other, Optional.empty());
        assertThatThrownBy(() -> backup(new FakeVm(new byte[100_000]), Optional.empty()))
                .hasMessageContaining("another machine");
    }
}
