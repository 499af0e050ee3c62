package io.stillpoint.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.guest.AgentSocket;
import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.GuestException;
import io.stillpoint.guest.GuestPipe;
import io.stillpoint.guest.extension.Ensured.Ready;
import io.stillpoint.guest.extension.ExtensionKeeper;
import io.stillpoint.guest.extension.InstalledExtension;
import io.stillpoint.guest.quiesce.Applications;
import io.stillpoint.guest.quiesce.Quiescence;
import io.stillpoint.guest.quiesce.Rest;
import io.stillpoint.guest.quiesce.VolumeFlush;
import io.stillpoint.guest.quiesce.VssSnapshot;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// From the host's [VssSnapshot] through the real agent to the real service, which finds a scripted VSS below it.
@Tag("slow")
@Timeout(60)
class WindowsSnapshotTest {
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final Duration HOLD = Duration.ofSeconds(20);
    private static final String PIPE = "\\\\.\\pipe\\IaaSVmProvider";
    private static final String REFUSED = "0x8004230C";
    private static final String SERVER = " /SERVER";

    @TempDir static Path state;
    private static WineGuest guest;
    private static GuestAgent agent;
    private static ExtensionKeeper keeper;
    private static InstalledExtension extension;

    @BeforeAll
    static void start() {
        guest = WineGuest.start(WineGuest.Vss.SCRIPTED);
        agent =
                GuestAgent.connect(
                        new AgentSocket(guest.agentSocket()),
                        LONG,
                        Randomness.secure(),
                        Threads.ofProcess());
        keeper = WindowsBuild.keeper(state, "1.0.0");
        assertThat(keeper.ensure(WindowsBuild.VM, agent)).isInstanceOf(Ready.class);
        extension = keeper.find(WindowsBuild.VM, agent).orElseThrow();
    }

    @AfterAll
    static void stop() {
        if (agent != null) {
            agent.close();
        }
        if (guest != null) {
            guest.close();
        }
    }

    @BeforeEach
    void reset() {
        guest.script();
    }

    /// A test that fails leaves nothing behind that makes others fail.
    @AfterEach
    void mend() {
        try (GuestPipe pipe = agent.openPipe(PIPE)) {
            pipe.writeLine("thaw failed");
            assertThat(pipe.readLine(LONG)).isNotEmpty();
        } catch (GuestException e) {
            guest.script();
            assertThat(keeper.install(WindowsBuild.VM, agent).extension().isOurs()).isTrue();
        }
    }

    private static VssSnapshot snapshot(String task, Duration hold) {
        return snapshot(task, hold, new Cancellation());
    }

    private static VssSnapshot snapshot(String task, Duration hold, Cancellation cancellation) {
        return new VssSnapshot(
                agent,
                extension,
                new VssSnapshot.Settings(task, hold, Duration.ofSeconds(20)),
                cancellation);
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + LONG.toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).isLessThan(end);
            Thread.sleep(20);
        }
    }

    /// Whether the provider holds no writes any more.
    private static boolean isReleased() {
        return guest.calls().stream().anyMatch(call -> call.startsWith("snapshot "));
    }

    private static void requireThatItWorks() {
        guest.script();
        VssSnapshot snapshot = snapshot("after", HOLD);
        assertThat(snapshot.begin()).isTrue();
        Quiescence end = snapshot.end(true);
        assertThat(end.rest()).as(end.detail()::toString).isEqualTo(Rest.HELD);
        assertThat(end.applications()).isEqualTo(Applications.WELL);
    }

    @Test
    void aFullBackupHoldsWritesAndTellsTheWritersThatItSucceeded() throws InterruptedException {
        VssSnapshot snapshot = snapshot("9f", HOLD);
        assertThat(snapshot.begin()).isTrue();
        assertThat(isReleased()).isFalse();
        Thread.sleep(300);
        assertThat(isReleased()).isFalse();

        Quiescence end = snapshot.end(true);

        assertThat(end.rest()).as(end.detail()::toString).isEqualTo(Rest.HELD);
        assertThat(end.applications()).isEqualTo(Applications.WELL);
        assertThat(end.frozenMillis().orElseThrow()).isGreaterThanOrEqualTo(300);
        JsonNode report = end.report();
        assertThat(report.path("backupType").asString()).isEqualTo("full");
        assertThat(report.path("volumes").get(0).asString()).isEqualTo("C:\\");
        assertThat(report.path("thawedBy").asString()).isEqualTo("command");
        assertThat(report.path("writers").size()).isEqualTo(4);
        assertThat(report.path("writers").get(2).path("name").asString())
                .isEqualTo("SqlServerWriter");
        assertThat(report.path("writers").get(2).path("selected").asBoolean()).isTrue();
        assertThat(report.path("writers").get(3).path("selected").asBoolean()).isFalse();
        // What a selectable component includes is not named again.
        assertThat(guest.calls())
                .containsExactly(
                        "InitializeForBackup",
                        "SetBackupState 1",
                        "SetContext",
                        "AddComponent /System Files",
                        "AddComponent /Registry",
                        "AddComponent" + SERVER,
                        "StartSnapshotSet",
                        "AddToSnapshotSet",
                        "PrepareForBackup",
                        "DoSnapshotSet",
                        "snapshot 0",
                        "SetBackupSucceeded /System Files yes",
                        "SetBackupSucceeded /Registry yes",
                        "SetBackupSucceeded" + SERVER + " yes",
                        "BackupComplete");
    }

    @Test
    void aCopyBackupIsMadeWhereTheRegistrySaysSoInWhateverCase() {
        String key = "HKLM\\SOFTWARE\\Microsoft\\BcdrAgent";
        guest.register(key, "USEVSSCOPYBACKUP", "REG_SZ", "tRuE");
        VssSnapshot copy = snapshot("copy", HOLD);
        assertThat(copy.begin()).isTrue();
        assertThat(copy.end(true).report().path("backupType").asString()).isEqualTo("copy");
        assertThat(guest.calls()).contains("SetBackupState 5", "BackupComplete");

        guest.register(key, "USEVSSCOPYBACKUP", "REG_SZ", "FALSE");
        guest.script();
        VssSnapshot full = snapshot("full", HOLD);
        assertThat(full.begin()).isTrue();
        assertThat(full.end(true).report().path("backupType").asString()).isEqualTo("full");
        assertThat(guest.calls()).contains("SetBackupState 1");
    }

    @Test
    void aSnapshotThatWasNotTakenIsAborted() {
        VssSnapshot snapshot = snapshot("not-taken", HOLD);
        assertThat(snapshot.begin()).isTrue();

        assertThat(snapshot.end(false).rest()).isEqualTo(Rest.HELD);

        assertThat(guest.calls()).contains("AbortBackup").doesNotContain("BackupComplete");
    }

    @Test
    void aWriterThatFailsToFreezeIsNamedAndNoWriterIsToldOfSuccess() {
        guest.script("failing=2", "failsAt=9", "failsWith=0x800423F4");
        VssSnapshot snapshot = snapshot("bad-writer", HOLD);
        assertThat(snapshot.begin()).isTrue();

        Quiescence end = snapshot.end(true);

        assertThat(end.applications()).isEqualTo(Applications.FAILED);
        assertThat(end.rest()).isEqualTo(Rest.HELD);
        assertThat(end.detail()).asString().contains("SqlServerWriter", "0x800423F4");
        assertThat(end.report().path("stage").asString()).isEqualTo("writers");
        assertThat(guest.calls()).contains("AbortBackup").doesNotContain("BackupComplete");
        requireThatItWorks();
    }

    @Test
    void aWriterThatFailsToPrepareIsToldBeforeAnythingIsFrozen() {
        guest.script("failing=2", "failsAt=7", "failsWith=0x800423F3");
        VssSnapshot snapshot = snapshot("bad-writer", HOLD);

        assertThat(snapshot.begin()).isFalse();

        Quiescence end = snapshot.end(false);
        assertThat(end.applications()).isEqualTo(Applications.FAILED);
        assertThat(end.rest()).isEqualTo(Rest.FAILED);
        assertThat(end.detail()).asString().contains("SqlServerWriter", "0x800423F3");
        assertThat(guest.calls()).contains("AbortBackup").doesNotContain("DoSnapshotSet");
    }

    @Test
    void aWriterThatNobodySelectedMayFail() {
        guest.script("failing=3", "failsAt=9");
        VssSnapshot snapshot = snapshot("other-writer", HOLD);
        assertThat(snapshot.begin()).isTrue();

        Quiescence end = snapshot.end(true);

        assertThat(end.applications()).as(end.detail()::toString).isEqualTo(Applications.WELL);
        assertThat(end.report().path("writers").get(3).path("failure").asString())
                .isEqualTo("0x800423F4");
    }

    @Test
    void editionsForClientsKnowNoTransportableSnapshots() {
        guest.script("isClient=1");
        VssSnapshot snapshot = snapshot("client", HOLD);
        assertThat(snapshot.begin()).isTrue();
        assertThat(snapshot.end(true).rest()).isEqualTo(Rest.HELD);
    }

    @Test
    void whatWindowsItselfLetGoIsLost() throws InterruptedException {
        guest.script("holdMs=200");
        VssSnapshot snapshot = snapshot("too-long", HOLD);
        assertThat(snapshot.begin()).isTrue();
        Thread.sleep(500);

        Quiescence end = snapshot.end(true);

        assertThat(end.rest()).isEqualTo(Rest.LOST);
        assertThat(end.report().path("thawedBy").asString()).isEqualTo("system");
        assertThat(end.report().path("stage").asString()).isEqualTo("DoSnapshotSet");
        // VSS_E_HOLD_WRITES_TIMEOUT
        assertThat(end.report().path("hresult").asString()).isEqualTo("0x80042314");
        assertThat(guest.calls()).contains("AbortBackup").doesNotContain("BackupComplete");
    }

    @Test
    void theServiceThawsByItselfAtItsDeadline() throws InterruptedException {
        VssSnapshot snapshot = snapshot("forgotten", Duration.ofMillis(500));
        assertThat(snapshot.begin()).isTrue();

        await(WindowsSnapshotTest::isReleased);

        Quiescence end = snapshot.end(true);
        assertThat(end.rest()).isEqualTo(Rest.LOST);
        assertThat(end.report().path("thawedBy").asString()).isEqualTo("deadline");
        assertThat(guest.calls()).contains("AbortBackup").doesNotContain("BackupComplete");
        requireThatItWorks();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "InitializeForBackup",
                "SetBackupState",
                "SetContext",
                "GatherWriterMetadata",
                "GetWriterMetadata",
                "AddComponent",
                "StartSnapshotSet",
                "AddToSnapshotSet",
                "PrepareForBackup",
                "GatherWriterStatus",
                "GetWriterStatus",
                "DoSnapshotSet"
            })
    void aCallThatFailsBeforeTheHoldIsNamed(String call) {
        guest.script("fail." + call + "=" + REFUSED);
        requireFailure(call);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GatherWriterMetadata",
                "PrepareForBackup",
                "GatherWriterStatus",
                "DoSnapshotSet"
            })
    void aStepThatFailsAfterItsStartIsNamed(String call) {
        guest.script("async." + call + "=" + REFUSED);
        requireFailure(call);
    }

    private void requireFailure(String call) {
        VssSnapshot snapshot = snapshot("failing", HOLD);
        assertThat(snapshot.begin()).isFalse();

        Quiescence end = snapshot.end(false);

        assertThat(end.rest()).isEqualTo(Rest.FAILED);
        assertThat(end.applications()).isEqualTo(Applications.UNKNOWN);
        assertThat(end.report().path("stage").asString()).isEqualTo(call);
        assertThat(end.report().path("hresult").asString()).isEqualTo(REFUSED);
        assertThat(end.detail()).asString().contains(call, REFUSED);
        assertThat(guest.calls()).contains("AbortBackup");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"fail.SetBackupSucceeded", "fail.BackupComplete", "async.BackupComplete"})
    void aFailureAfterTheHoldIsNoSuccess(String call) {
        guest.script(call + "=" + REFUSED);
        VssSnapshot snapshot = snapshot("late", HOLD);
        assertThat(snapshot.begin()).isTrue();

        Quiescence end = snapshot.end(true);

        assertThat(end.applications()).isEqualTo(Applications.UNKNOWN);
        assertThat(end.report().path("stage").asString()).isEqualTo(call.replaceAll(".*\\.", ""));
        assertThat(end.report().path("hresult").asString()).isEqualTo(REFUSED);
    }

    @Test
    void writersThatTakeTooLongToPrepareAreGivenUp() {
        guest.script("prepareMs=60000");
        VssSnapshot snapshot =
                new VssSnapshot(
                        agent,
                        extension,
                        new VssSnapshot.Settings("slow", HOLD, Duration.ofMillis(300)),
                        new Cancellation());

        assertThat(snapshot.begin()).isFalse();

        Quiescence end = snapshot.end(false);
        assertThat(end.report().path("stage").asString()).isEqualTo("PrepareForBackup");
        // ERROR_TIMEOUT
        assertThat(end.report().path("hresult").asString()).isEqualTo("0x800705B4");
        requireThatItWorks();
    }

    @Test
    void aCancelledJobEndsThePreparations() throws InterruptedException {
        guest.script("prepareMs=60000");
        Cancellation cancellation = new Cancellation();
        VssSnapshot snapshot = snapshot("cancelled", HOLD, cancellation);
        Thread canceller =
                Thread.ofPlatform()
                        .daemon()
                        .start(() -> {
                            while (!guest.calls().contains("PrepareForBackup")) {
                                Thread.onSpinWait();
                            }
                            cancellation.request();
                        });
        assertThatThrownBy(snapshot::begin).isInstanceOf(CancelledException.class);
        canceller.join();

        assertThat(snapshot.end(false).rest()).isEqualTo(Rest.FAILED);

        assertThat(guest.calls()).contains("AbortBackup").doesNotContain("DoSnapshotSet");
        requireThatItWorks();
    }

    /// The lock on the VM keeps living jobs apart.
    @Test
    void aHoldThatAKilledJobLeftIsEndedByTheNext() {
        VssSnapshot killed = snapshot("killed", HOLD);
        assertThat(killed.begin()).isTrue();
        VssSnapshot next = snapshot("next", HOLD);

        assertThat(next.begin()).isTrue();

        assertThat(next.end(true).rest()).isEqualTo(Rest.HELD);
    }

    @Test
    void preparationsThatAKilledJobLeftAreEndedByTheNext() throws InterruptedException {
        guest.script("prepareMs=60000");
        try (GuestPipe pipe = agent.openPipe(PIPE)) {
            pipe.writeLine("freeze full task=killed");
            assertThat(pipe.readLine(LONG)).isNotEmpty();
        }
        await(() -> guest.calls().contains("PrepareForBackup"));
        guest.script();
        VssSnapshot next = snapshot("next", HOLD);

        assertThat(next.begin()).isTrue();

        assertThat(next.end(true).rest()).isEqualTo(Rest.HELD);
    }

    @Test
    void theHoldOutlivesTheAgent() {
        VssSnapshot snapshot = snapshot("agent-restarted", HOLD);
        assertThat(snapshot.begin()).isTrue();
        guest.killAgent();
        assertThat(isReleased()).isFalse();
        guest.startAgent();

        Quiescence end = snapshot.end(true);

        assertThat(end.rest()).as(end.detail()::toString).isEqualTo(Rest.HELD);
        assertThat(end.applications()).isEqualTo(Applications.WELL);
    }

    @Test
    void theServiceThawsThoughTheAgentIsGone() throws InterruptedException {
        VssSnapshot snapshot = snapshot("agent-lost", Duration.ofMillis(1500));
        assertThat(snapshot.begin()).isTrue();
        guest.killAgent();
        await(WindowsSnapshotTest::isReleased);
        guest.startAgent();

        Quiescence end = snapshot.end(true);

        assertThat(end.rest()).isEqualTo(Rest.LOST);
        assertThat(end.report().path("thawedBy").asString()).isEqualTo("deadline");
    }

    @Test
    void aServiceThatDiesLosesTheHoldAndIsStartedAgainByTheHost() {
        VssSnapshot snapshot = snapshot("service-killed", HOLD);
        assertThat(snapshot.begin()).isTrue();
        guest.kill("IaaSVmProvider.exe");

        Quiescence end = snapshot.end(true);

        assertThat(end.rest()).isEqualTo(Rest.LOST);
        assertThat(end.applications()).isEqualTo(Applications.UNKNOWN);
        // Wine goes on to call it running; its own health does not.
        assertThat(extension.run("health").json().path("healthy").asBoolean(true)).isFalse();
        assertThat(keeper.ensure(WindowsBuild.VM, agent)).isInstanceOf(Ready.class);
        requireThatItWorks();
    }

    @Test
    void stoppingTheServiceAbortsTheSet() {
        VssSnapshot snapshot = snapshot("stopped", HOLD);
        assertThat(snapshot.begin()).isTrue();

        assertThat(extension.run("disable").code()).isEqualTo("ok");

        assertThat(guest.calls())
                .contains("snapshot 0", "AbortBackup")
                .doesNotContain("BackupComplete");
        assertThat(snapshot.end(true).rest()).isEqualTo(Rest.LOST);
        assertThat(extension.run("enable").code()).isEqualTo("ok");
        requireThatItWorks();
    }

    @Test
    void nothingIsUninstalledWhileASnapshotIsMade() {
        VssSnapshot snapshot = snapshot("held", HOLD);
        assertThat(snapshot.begin()).isTrue();

        assertThat(extension.run("uninstall").code()).isEqualTo("busy");
        assertThat(extension.run("uninstall").exit()).isEqualTo(13);

        assertThat(snapshot.end(true).rest()).isEqualTo(Rest.HELD);
    }

    @Test
    void whatIsNoRequestIsAnsweredAsSuch() {
        try (GuestPipe pipe = agent.openPipe(PIPE)) {
            for (String line :
                    List.of(
                            "",
                            "freeze",
                            "freeze full",
                            "freeze full task=a/b",
                            "freeze full task=a autoThawMs=0",
                            "freeze full task=a autoThawMs=60001",
                            "freeze full task=a autoThawMs=-1",
                            "freeze full task=a autoThawMs=99999999999999999999",
                            "freeze half task=a",
                            "thaw",
                            "thaw maybe",
                            "status now",
                            "x".repeat(600),
                            "status " + " ".repeat(40_000))) {
                pipe.writeLine(line);
                assertThat(Json.parse(pipe.readLine(LONG)).path("code").asString())
                        .as(line)
                        .isEqualTo("usage");
            }
            pipe.writeLine("status");
            assertThat(Json.parse(pipe.readLine(LONG)).path("code").asString()).isEqualTo("ok");
        }
    }

    @Test
    void hostsThatNeverClosedTheirEndKeepNobodyOut() {
        GuestPipe first = agent.openPipe(PIPE);
        GuestPipe second = agent.openPipe(PIPE);
        requireThatItWorks();
        second.close();
        first.close();
    }

    /// What an administrator leaves out in the registry.
    @Test
    void disabledWritersAreNotAsked() {
        String key = "HKLM\\SOFTWARE\\Stillpoint\\VMSnapshot";
        String sql = "{a65faa63-5ea8-4ebc-9dbd-a0c4db26912a}";
        guest.register(key, "DisabledWriters", "REG_MULTI_SZ", sql);
        try {
            VssSnapshot snapshot = snapshot("without-sql", HOLD);
            assertThat(snapshot.begin()).isTrue();
            assertThat(snapshot.end(true).rest()).isEqualTo(Rest.HELD);
            assertThat(guest.calls()).contains("DisableWriterClasses 1");
        } finally {
            guest.system("reg", "delete", key, "/f");
        }
    }

    @Test
    void volumesAreFlushedAndAFailureToldWithItsNumber() {
        VolumeFlush flush = new VolumeFlush(agent);
        assertThat(flush.begin()).isTrue();
        assertThat(flush.end(true).rest()).isEqualTo(Rest.HELD);

        guest.breakVolume();
        VolumeFlush failing = new VolumeFlush(agent);
        assertThat(failing.begin()).isFalse();

        Quiescence end = failing.end(false);
        assertThat(end.rest()).isEqualTo(Rest.FAILED);
        assertThat(end.detail()).asString().containsPattern("0x8007[0-9A-F]{4}");
    }
}
