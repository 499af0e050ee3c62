package io.stillpoint.guest.extension;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.extension.Ensured.Done;
import io.stillpoint.guest.extension.Ensured.Ready;
import io.stillpoint.guest.extension.Ensured.Unavailable;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The whole life of an extension, through the real agent and a real shell; its executable is a stand-in.
@Tag("qemu")
@Timeout(120)
class ExtensionKeeperTest {
    @TempDir Path folder;
    private TestGuest guest;
    private GuestAgent agent;

    @BeforeEach
    void start() throws IOException, InterruptedException {
        guest = new TestGuest(folder);
        agent = guest.connect();
        guest.behaviour();
    }

    @AfterEach
    void stop() throws InterruptedException {
        if (agent != null) {
            agent.close();
        }
        if (guest != null) {
            guest.close();
        }
    }

    private Ready ready(ExtensionKeeper keeper) {
        Ensured ensured = keeper.ensure(TestGuest.VM, agent);
        assertThat(ensured).isInstanceOf(Ready.class);
        return (Ready) ensured;
    }

    private Unavailable unavailable(ExtensionKeeper keeper, String code) {
        Ensured ensured = keeper.ensure(TestGuest.VM, agent);
        assertThat(ensured).isInstanceOf(Unavailable.class);
        Unavailable unavailable = (Unavailable) ensured;
        assertThat(unavailable.code()).as(unavailable.text().toString()).isEqualTo(code);
        assertThat(unavailable.text().toString()).doesNotContain("{0}", "''").isNotEqualTo(code);
        return unavailable;
    }

    private void requireSound(String version) throws IOException {
        assertThat(guest.files())
                .extracting(Path::toString)
                .containsExactly(
                        version + "/manifest.json",
                        version + "/manifest.sig",
                        version + "/vmsnapshot",
                        "state.json");
        assertThat(Json.parse(Files.readAllBytes(guest.extension().resolve("state.json"))))
                .isEqualTo(Json.object().put("version", version).put("state", "enabled"));
    }

    private Path file(String name) {
        return guest.extension().resolve(name);
    }

    @Test
    void aFreshGuestGetsItVerifiedBeforeAnythingElseRuns() throws IOException {
        Ready ready = ready(guest.keeper("1.0.0"));

        assertThat(ready.done()).isEqualTo(Done.INSTALLED);
        assertThat(ready.warnings()).isEmpty();
        assertThat(ready.extension().isOurs()).isTrue();
        assertThat(ready.extension().health().isHealthy()).isTrue();
        assertThat(guest.calls())
                .containsExactly("1.0.0 verify", "1.0.0 install", "1.0.0 enable", "1.0.0 health");
        requireSound("1.0.0");
        assertThat(file("1.0.0/vmsnapshot")).hasBinaryContent(TestGuest.script(""));
        for (String place : new String[] {"", "1.0.0", "1.0.0/vmsnapshot"}) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file(place))))
                    .as(place)
                    .isEqualTo("rwx------");
        }
    }

    @Test
    void whatIsThereAndWorksIsLookedAtWithOneCommand() throws IOException {
        Ready first = ready(guest.keeper("1.0.0"));
        assertThat(first.done()).isEqualTo(Done.INSTALLED);
        var _ = guest.calls();

        Ready second = ready(guest.keeper("1.0.0"));

        assertThat(second.done()).isEqualTo(Done.NOTHING);
        assertThat(guest.calls()).containsExactly("1.0.0 health");
    }

    @Test
    void theHostRemembersWhatItSawAndForHowLongVssIsPassedOver() {
        Ready ready = ready(guest.keeper("1.0.0"));
        ExtensionRecord kept = guest.records().of(TestGuest.VM).orElseThrow();
        assertThat(kept)
                .isEqualTo(
                        new ExtensionRecord(
                                TestGuest.VM,
                                ExtensionType.VM_SNAPSHOT_LINUX,
                                ready.extension().version(),
                                "enabled",
                                true,
                                ready.extension().health().checks(),
                                TestGuest.NOW,
                                0));
        guest.records().save(kept.withVssPassedOver(3));

        assertThat(ready(guest.keeper("1.0.0")).done()).isEqualTo(Done.NOTHING);

        assertThat(guest.records().of(TestGuest.VM)).contains(kept.withVssPassedOver(3));
    }

    @Test
    void anOlderOneIsUpdatedAndItsFolderGoes() throws IOException {
        assertThat(ready(guest.keeper("1.9.0")).done()).isEqualTo(Done.INSTALLED);
        var _ = guest.calls();

        assertThat(ready(guest.keeper("1.10.0")).done()).isEqualTo(Done.UPDATED);

        assertThat(guest.calls())
                .containsExactly(
                        "1.9.0 health",
                        "1.10.0 verify",
                        "1.10.0 update --from 1.9.0",
                        "1.10.0 enable",
                        "1.10.0 health");
        requireSound("1.10.0");
    }

    @Test
    void whatAKilledSnapshotLeftFrozenIsThawedBeforeAnythingIsSent() throws IOException {
        assertThat(ready(guest.keeper("1.0.0")).done()).isEqualTo(Done.INSTALLED);
        Files.createFile(guest.behaviour().resolve("left-frozen"));
        var _ = guest.calls();

        assertThat(ready(guest.keeper("1.1.0")).done()).isEqualTo(Done.UPDATED);

        assertThat(guest.calls()).startsWith("1.0.0 health", "1.0.0 thaw", "1.1.0 verify");
        requireSound("1.1.0");
    }

    @Test
    void aNewerOneIsLeftAndUsedWhateverIsAskedFor() throws IOException {
        assertThat(ready(guest.keeper("2.0.0")).done()).isEqualTo(Done.INSTALLED);

        Ready ready = ready(guest.keeper("1.0.0"));
        assertThat(ready.done()).isEqualTo(Done.NOTHING);
        assertThat(ready.extension().version()).hasToString("2.0.0");
        assertThat(guest.keeper("1.0.0").install(TestGuest.VM, agent).done())
                .isEqualTo(Done.NOTHING);
        requireSound("2.0.0");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1.0.0/vmsnapshot",
                "1.0.0/manifest.json",
                "1.0.0/manifest.sig",
                "state.json"
            })
    void aMissingFileIsBrokenAndItIsInstalledAnew(String name) throws IOException {
        assertThat(ready(guest.keeper("1.0.0")).done()).isEqualTo(Done.INSTALLED);
        Files.delete(file(name));

        Ready ready = ready(guest.keeper("1.0.0"));
        assertThat(ready.done())
                .isEqualTo(name.equals("state.json") ? Done.INSTALLED : Done.REINSTALLED);
        requireSound("1.0.0");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1.0.0/vmsnapshot",
                "1.0.0/manifest.json",
                "1.0.0/manifest.sig",
                "state.json"
            })
    void aChangedFileIsBrokenAndItIsInstalledAnew(String name) throws IOException {
        assertThat(ready(guest.keeper("1.0.0")).done()).isEqualTo(Done.INSTALLED);
        Files.writeString(file(name), "\n#", StandardOpenOption.APPEND);

        Ready ready = ready(guest.keeper("1.0.0"));
        assertThat(ready.done())
                .isEqualTo(name.equals("state.json") ? Done.INSTALLED : Done.REINSTALLED);
        requireSound("1.0.0");
        assertThat(file("1.0.0/vmsnapshot")).hasBinaryContent(TestGuest.script(""));
    }

    @Test
    void whatIsNotSignedHereIsNeverRun() throws IOException {
        assertThat(ready(guest.keeper("1.0.0")).done()).isEqualTo(Done.INSTALLED);
        Files.writeString(file("1.0.0/vmsnapshot"), "#!/bin/sh\n: >" + folder + "/ran\n");
        byte[] manifest = Files.readAllBytes(file("1.0.0/manifest.json"));
        manifest[manifest.length - 1] = ' ';
        Files.write(file("1.0.0/manifest.json"), manifest);

        InstalledExtension found = guest.keeper("1.0.0").find(TestGuest.VM, agent).orElseThrow();
        assertThat(found.isOurs()).isFalse();
        assertThatThrownBy(() -> found.run("health")).isInstanceOf(IllegalStateException.class);
        assertThat(ready(guest.keeper("1.0.0")).done()).isEqualTo(Done.REINSTALLED);
        assertThat(folder.resolve("ran")).doesNotExist();
    }

    @Test
    void oneOfAnotherInstallationIsReplacedUnlessItIsNewer() throws IOException {
        Path other = folder.resolve("other-state");
        assertThat(ready(guest.keeper("1.0.0", other, "")).done()).isEqualTo(Done.INSTALLED);

        assertThat(ready(guest.keeper("1.0.0")).done()).isEqualTo(Done.REINSTALLED);
        assertThat(ready(guest.keeper("1.1.0", other, "")).done()).isEqualTo(Done.REINSTALLED);
        requireSound("1.1.0");
        assertThat(unavailable(guest.keeper("1.0.0"), "extension.newer-not-ours").text())
                .asString()
                .contains("1.1.0", "1.0.0", file("1.1.0").toString());
        requireSound("1.1.0");
    }

    @Test
    void aSignedManifestInThePlaceOfAnotherVersionDoesNotCount() throws IOException {
        assertThat(ready(guest.keeper("1.0.0")).done()).isEqualTo(Done.INSTALLED);
        byte[] manifest = Files.readAllBytes(file("1.0.0/manifest.json"));
        byte[] signature = Files.readAllBytes(file("1.0.0/manifest.sig"));
        assertThat(ready(guest.keeper("1.1.0")).done()).isEqualTo(Done.UPDATED);
        Files.write(file("1.1.0/manifest.json"), manifest);
        Files.write(file("1.1.0/manifest.sig"), signature);

        assertThat(ready(guest.keeper("1.1.0")).done()).isEqualTo(Done.REINSTALLED);
        requireSound("1.1.0");
    }

    @Test
    void anotherBuildOfTheSameVersionReplacesIt() throws IOException {
        assertThat(ready(guest.keeper("1.0.0")).done()).isEqualTo(Done.INSTALLED);

        Ready ready = ready(guest.keeper("1.0.0", guest.state(), "# another build\n"));

        assertThat(ready.done()).isEqualTo(Done.REINSTALLED);
        assertThat(file("1.0.0/vmsnapshot"))
                .hasBinaryContent(TestGuest.script("# another build\n"));
        requireSound("1.0.0");
    }

    @Test
    void anInstallationThatWasNotEnabledIsEnabled() throws IOException {
        assertThat(ready(guest.keeper("1.0.0")).done()).isEqualTo(Done.INSTALLED);
        Files.writeString(file("state.json"), "{\"version\":\"1.0.0\",\"state\":\"installed\"}");
        var _ = guest.calls();

        assertThat(ready(guest.keeper("1.0.0")).done()).isEqualTo(Done.INSTALLED);

        assertThat(guest.calls()).containsExactly("1.0.0 health", "1.0.0 enable", "1.0.0 health");
        requireSound("1.0.0");
    }

    @Test
    void oneThatWasDisabledStaysSoUntilItIsInstalledByHand() throws IOException {
        InstalledExtension extension = ready(guest.keeper("1.0.0")).extension();
        assertThat(extension.run("disable").isDone()).isTrue();

        assertThat(unavailable(guest.keeper("1.0.0"), "extension.disabled").text())
                .asString()
                .contains("stillpoint guest install");
        assertThat(guest.keeper("1.0.0").install(TestGuest.VM, agent).done())
                .isEqualTo(Done.REINSTALLED);
        requireSound("1.0.0");
    }

    @Test
    void anUnhealthyOneIsMended() throws IOException {
        assertThat(ready(guest.keeper("1.0.0")).done()).isEqualTo(Done.INSTALLED);
        Files.createFile(guest.behaviour().resolve("unhealthy"));

        assertThat(ready(guest.keeper("1.0.0")).done()).isEqualTo(Done.REINSTALLED);
        requireSound("1.0.0");
    }

    @Test
    void oneThatStaysUnhealthyIsToldWithItsChecks() throws IOException {
        assertThat(ready(guest.keeper("1.0.0")).done()).isEqualTo(Done.INSTALLED);
        // Unlike a file, it withstands the stand-in's rm.
        Files.createDirectory(guest.behaviour().resolve("unhealthy"));

        assertThat(unavailable(guest.keeper("1.0.0"), "extension.unhealthy").text())
                .asString()
                .contains("memory no /run");
        ExtensionRecord kept = guest.records().of(TestGuest.VM).orElseThrow();
        assertThat(kept.isHealthy()).isFalse();
        assertThat(kept.checks()).containsExactly(new Health.Check("memory", false, "no /run"));
    }

    @ParameterizedTest
    @CsvSource({
        "verify, 17, broken, extension.broken",
        "install, 1, defect, extension.verb-failed",
        "install, 10, not-root, extension.not-root",
        "install, 11, read-only, extension.read-only",
        "install, 12, no-space, extension.no-space",
        "install, 13, busy, extension.busy",
        "install, 14, prerequisite-failed, extension.prerequisite",
        "install, 15, unsupported, extension.unsupported",
        "install, 19, failed, extension.verb-failed",
        "enable, 19, failed, extension.verb-failed",
        "health, 17, broken, extension.broken",
    })
    void everyExitCodeHasItsNameAndTheNextTryBringsItToItsEnd(
            String verb, int exit, String code, String expected) throws IOException {
        Path fail = guest.behaviour().resolve("fail-" + verb);
        Files.writeString(fail, exit + " " + code + "\n");

        assertThat(unavailable(guest.keeper("1.0.0"), expected).text())
                .asString()
                .contains("as the test wants it");
        assertThat(file("1.0.0.part")).doesNotExist();

        Files.delete(fail);
        ready(guest.keeper("1.0.0"));
        requireSound("1.0.0");
    }

    @Test
    void aRebootThatIsNeededIsAWarning() throws IOException {
        Files.writeString(guest.behaviour().resolve("fail-enable"), "16 reboot-needed\n");

        assertThat(ready(guest.keeper("1.0.0")).warnings())
                .singleElement()
                .asString()
                .contains("reboot");
    }

    @Test
    void uninstallLeavesNothingInTheGuestAndInTheRecords() throws IOException {
        ExtensionKeeper keeper = guest.keeper("1.0.0");
        ready(keeper);

        assertThat(keeper.uninstall(TestGuest.VM, agent)).isTrue();

        assertThat(guest.extension()).doesNotExist();
        assertThat(guest.records().all()).isEmpty();
        assertThat(keeper.find(TestGuest.VM, agent)).isEmpty();
        assertThat(keeper.uninstall(TestGuest.VM, agent)).isFalse();
    }

    @Test
    void aBrokenOneIsMadeSoundToBeUninstalled() throws IOException {
        ExtensionKeeper keeper = guest.keeper("1.0.0");
        ready(keeper);
        Files.delete(file("1.0.0/vmsnapshot"));
        var _ = guest.calls();

        assertThat(keeper.uninstall(TestGuest.VM, agent)).isTrue();

        assertThat(guest.calls()).endsWith("1.0.0 uninstall");
        assertThat(guest.extension()).doesNotExist();
    }

    @Test
    void uninstallIsRefusedWhileASnapshotIsMade() throws IOException {
        ExtensionKeeper keeper = guest.keeper("1.0.0");
        ready(keeper);
        Files.writeString(guest.behaviour().resolve("fail-uninstall"), "13 busy\n");

        assertThatThrownBy(() -> keeper.uninstall(TestGuest.VM, agent))
                .isInstanceOfSatisfying(
                        ExtensionException.class,
                        e -> {
                            assertThat(e.code()).isEqualTo("extension.busy");
                            assertThat(e.retryable()).isTrue();
                        });
        requireSound("1.0.0");
    }

    @Test
    void scriptsAreTestedAndTheirOutputIsFitForATerminal() throws IOException {
        ExtensionKeeper keeper = guest.keeper("1.0.0");
        assertThatThrownBy(() -> keeper.testScripts(TestGuest.VM, agent))
                .isInstanceOfSatisfying(
                        ExtensionException.class,
                        e -> assertThat(e.code()).isEqualTo("extension.not-installed"));
        ready(keeper);

        ScriptsTest test = keeper.testScripts(TestGuest.VM, agent);
        assertThat(test.isPassed()).isFalse();
        assertThat(test.code()).isEqualTo(301);
        assertThat(test.pre()).isEqualTo(new ScriptsTest.Script(true, 1, 0, 120, "a?[31m\nb\n"));
        assertThat(test.post()).isEqualTo(new ScriptsTest.Script(true, 2, 9, 7, "oh\n"));

        Files.createFile(guest.behaviour().resolve("no-scripts"));
        ScriptsTest none = keeper.testScripts(TestGuest.VM, agent);
        assertThat(none.isConfigured()).isFalse();
        assertThat(none.isPassed()).isTrue();
    }

    @Test
    void somethingInTheWayOfItsFolderIsToldInTheSystemsWords() throws IOException {
        Files.createDirectories(guest.extension().getParent());
        Files.createFile(guest.extension());

        assertThat(unavailable(guest.keeper("1.0.0"), "extension.failed").text())
                .asString()
                .contains("mkdir", guest.extension().toString());
    }

    @Test
    void aDamagedRecordIsToldAndNotReset() throws IOException {
        ready(guest.keeper("1.0.0"));
        Path record = guest.state().resolve("extensions/web.json");
        Files.writeString(record, "{");

        assertThat(unavailable(guest.keeper("1.0.0"), "extension.record-unreadable").text())
                .asString()
                .contains(record.toString());
        assertThat(record).hasContent("{");
    }

    @Test
    void aKeyThatOthersCanReadIsToldAndNothingIsSent() throws IOException {
        PackageSigner.of(guest.state(), Randomness.secure());
        Path key = guest.state().resolve("extension-key");
        Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-r--r--"));

        assertThat(unavailable(guest.keeper("1.0.0"), "extension.key-open").text())
                .asString()
                .contains(key.toString());
        assertThat(guest.files()).isEmpty();
    }

    @Test
    void aGuestThatNothingIsBuiltForIsTold() throws IOException {
        ExtensionKeeper keeper =
                new ExtensionKeeper(
                        new ExtensionPackages(
                                new Payloads(name -> null),
                                new Prerequisites(guest.state(), Prerequisites.Absent.WARN),
                                () -> PackageSigner.of(guest.state(), Randomness.secure())),
                        guest.records(),
                        () -> TestGuest.NOW,
                        guest.places());

        assertThat(unavailable(keeper, "extension.no-payload").text())
                .asString()
                .contains(
                        "VMSnapshotLinux",
                        System.getProperty("os.arch").replace("amd64", "x86_64"));
        assertThat(guest.files()).isEmpty();
    }

    @Test
    void anAgentWithoutItsCommandsIsTold() throws Exception {
        Map<String, String> cases =
                Map.of(
                        "guest-exec", "extension.no-exec",
                        "guest-exec-status", "extension.no-exec",
                        "guest-file-write", "extension.no-files",
                        "guest-file-open", "extension.no-files");
        for (Map.Entry<String, String> one : cases.entrySet()) {
            Path place = Files.createDirectory(folder.resolve(one.getKey()));
            try (TestGuest other = new TestGuest(place, one.getKey());
                    GuestAgent limited = other.connect()) {
                Ensured ensured = other.keeper("1.0.0").ensure(TestGuest.VM, limited);
                assertThat(ensured).isInstanceOf(Unavailable.class);
                assertThat(((Unavailable) ensured).code()).isEqualTo(one.getValue());
                assertThat(((Unavailable) ensured).text()).asString().contains("block-rpcs");
            }
        }
    }
}
