package io.stillpoint.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.guest.AgentSocket;
import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.extension.Ensured;
import io.stillpoint.guest.extension.Ensured.Done;
import io.stillpoint.guest.extension.Ensured.Ready;
import io.stillpoint.guest.extension.Ensured.Unavailable;
import io.stillpoint.guest.extension.ExtensionKeeper;
import io.stillpoint.guest.extension.InstalledExtension;
import io.stillpoint.guest.extension.Prerequisites;
import io.stillpoint.guest.quiesce.Applications;
import io.stillpoint.guest.quiesce.Quiescence;
import io.stillpoint.guest.quiesce.Rest;
import io.stillpoint.guest.quiesce.VssSnapshot;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import io.stillpoint.testkit.WineGuest.Vss;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The host's [ExtensionKeeper], the real agent and the real executable. `WindowsVerbTest` has the verbs one by one.
@Tag("slow")
@Timeout(120)
class WindowsExtensionTest {
    private static final String VM = WindowsBuild.VM;
    private static final String SERVICE =
            "HKLM\\SYSTEM\\CurrentControlSet\\Services\\IaaSVmProvider";
    private static final String VSS = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\VSS";

    @TempDir Path state;

    private static GuestAgent connect(WineGuest guest) {
        return GuestAgent.connect(
                new AgentSocket(guest.agentSocket()),
                Duration.ofSeconds(30),
                Randomness.secure(),
                Threads.ofProcess());
    }

    private static Ready require(Ensured ensured, Done done) {
        assertThat(ensured).isInstanceOf(Ready.class);
        Ready ready = (Ready) ensured;
        assertThat(ready.done()).isEqualTo(done);
        assertThat(ready.extension().health().isHealthy()).isTrue();
        return ready;
    }

    @Test
    void isInstalledFoundUpdatedMendedTakenOverAndRemoved() throws IOException {
        ExtensionKeeper keeper = WindowsBuild.keeper(state, "1.0.0");
        try (WineGuest guest = WineGuest.start(Vss.SCRIPTED);
                GuestAgent agent = connect(guest)) {
            assertThat(keeper.find(VM, agent)).isEmpty();
            require(keeper.ensure(VM, agent), Done.INSTALLED);
            require(keeper.ensure(VM, agent), Done.NOTHING);
            assertThat(guest.registry(SERVICE, "Start")).contains("0x2");
            assertThat(guest.registry(VSS, "Start")).contains("0x2");

            ExtensionKeeper newer = WindowsBuild.keeper(state, "1.1.0");
            InstalledExtension updated = require(newer.ensure(VM, agent), Done.UPDATED).extension();
            assertThat(updated.version().toString()).isEqualTo("1.1.0");
            assertThat(folder(guest).resolve("1.0.0")).doesNotExist();
            assertThat(guest.registry(SERVICE, "ImagePath"))
                    .contains("\"" + WindowsBuild.FOLDER + "1.1.0\\IaaSVmProvider.exe\"");
            // An older host leaves it and uses it.
            require(keeper.ensure(VM, agent), Done.NOTHING);

            Files.writeString(
                    folder(guest).resolve("1.1.0/IaaSVmProvider.exe"),
                    "more",
                    StandardOpenOption.APPEND);
            InstalledExtension broken = newer.find(VM, agent).orElseThrow();
            assertThat(broken.health().code()).isEqualTo("broken");
            assertThat(broken.run("enable").exit()).isEqualTo(17);
            require(newer.ensure(VM, agent), Done.REINSTALLED);

            // Its service runs meanwhile, from a program that this host must not run.
            ExtensionKeeper other = WindowsBuild.keeper(state.resolve("other"), "1.1.0");
            assertThat(other.find(VM, agent).orElseThrow().isOurs()).isFalse();
            require(other.ensure(VM, agent), Done.REINSTALLED);

            assertThat(other.uninstall(VM, agent)).isTrue();
            assertThat(other.uninstall(VM, agent)).isFalse();
            assertThat(folder(guest)).doesNotExist();
            assertThat(guest.registry(SERVICE, "Start")).isEmpty();
            assertThat(guest.registry(VSS, "Start")).contains("0x3");
        }
    }

    private static Path folder(WineGuest guest) {
        return guest.drive().resolve("Packages/Plugins/Stillpoint.VMSnapshot");
    }

    @Test
    void whatTheOperatorSuppliesIsInstalledAndItsFailureNamed() {
        ExtensionKeeper keeper = WindowsBuild.keeper(state, "1.0.0");
        try (WineGuest guest = WineGuest.start(Vss.SCRIPTED);
                GuestAgent agent = connect(guest)) {
            Path installer = guest.installer();
            new Prerequisites(state, Prerequisites.Absent.WARN)
                    .supplyVcredist(installer, Optional.of(sha256(installer)));
            guest.write("installer-script.txt", "exit=1603\n");
            assertThat(keeper.ensure(VM, agent))
                    .isInstanceOfSatisfying(
                            Unavailable.class,
                            why -> {
                                assertThat(why.code()).isEqualTo("extension.prerequisite");
                                assertThat(why.text())
                                        .asString()
                                        .contains("vcredist_x64.exe", "1603");
                            });

            guest.write("installer-script.txt", "version=v12.0.40660.00\nexit=3010\n");
            Ready ready = require(keeper.ensure(VM, agent), Done.INSTALLED);
            assertThat(ready.warnings()).singleElement().asString().contains("restart");
            assertThat(guest.read("installer-calls.txt"))
                    .contains("\"/install\" \"/quiet\" \"/norestart\"");
        }
    }

    private static String sha256(Path file) {
        return HostCommand.run("sha256sum", file.toString()).substring(0, 64);
    }

    /// Not scripted: Wine has no VSS, and says so.
    @Test
    void aGuestWithoutVssIsWarnedOfAndASnapshotTellsTheCallThatFailed() {
        ExtensionKeeper keeper = WindowsBuild.keeper(state, "1.0.0");
        try (WineGuest guest = WineGuest.start(Vss.NONE);
                GuestAgent agent = connect(guest)) {
            assertThat(keeper.ensure(VM, agent))
                    .isInstanceOfSatisfying(
                            Ready.class,
                            ready ->
                                    assertThat(ready.warnings())
                                            .anyMatch(text ->
                                                    text.toString()
                                                            .contains("vss-requester 0x80004001")));

            VssSnapshot snapshot =
                    new VssSnapshot(
                            agent,
                            keeper.find(VM, agent).orElseThrow(),
                            new VssSnapshot.Settings(
                                    "none", Duration.ofSeconds(9), Duration.ofSeconds(20)),
                            new Cancellation());
            assertThat(snapshot.begin()).isFalse();

            Quiescence end = snapshot.end(false);
            assertThat(end.rest()).isEqualTo(Rest.FAILED);
            assertThat(end.applications()).isEqualTo(Applications.UNKNOWN);
            assertThat(end.report().path("stage").asString())
                    .isEqualTo("CreateVssBackupComponents");
            // E_NOTIMPL
            assertThat(end.report().path("hresult").asString()).isEqualTo("0x80004001");
        }
    }
}
