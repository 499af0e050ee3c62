package io.stillpoint.guest.extension;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.guest.extension.GuestSystem.Os;
import io.stillpoint.platform.Randomness;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The installer is a stand-in.
class PrerequisitesTest {
    private static final byte[] INSTALLER = "an installer".getBytes(StandardCharsets.UTF_8);
    private static final String HASH = Prerequisites.file("x", INSTALLER).sha256();
    private static final GuestSystem WINDOWS =
            new GuestSystem(Os.WINDOWS, "x86_64", "Windows Server 2022", "2022");

    @TempDir Path folder;
    private Path file;
    private Prerequisites prerequisites;

    @BeforeEach
    void write() throws IOException {
        file = Files.write(folder.resolve("download.exe"), INSTALLER);
        prerequisites = new Prerequisites(folder.resolve("state"), Prerequisites.Absent.WARN);
    }

    private ExtensionPackage made() {
        return new ExtensionPackages(
                        new Payloads(name ->
                                new ByteArrayInputStream(
                                        (name.endsWith("version") ? "1.0.0" : name)
                                                .getBytes(StandardCharsets.UTF_8))),
                        prerequisites,
                        () -> PackageSigner.of(folder.resolve("state"), Randomness.secure()))
                .of(ExtensionType.VM_SNAPSHOT, WINDOWS);
    }

    @Test
    void whoMustHaveItSaysSoInEveryPackage() {
        prerequisites = new Prerequisites(folder.resolve("state"), Prerequisites.Absent.REFUSE);

        assertThat(made().manifest().prerequisites().getFirst().isRequired()).isTrue();
    }

    private void requireFailure(Runnable action, String code, String... words) {
        assertThatThrownBy(action::run)
                .isInstanceOfSatisfying(
                        ExtensionException.class,
                        e -> {
                            assertThat(e.code()).isEqualTo(code);
                            assertThat(e.getMessage()).contains(words);
                        });
    }

    @Test
    void withoutAnInstallerThePackageOnlyNamesWhatItWants() {
        ExtensionPackage made = made();

        assertThat(made.files()).containsOnlyKeys("IaaSVmProvider.exe");
        assertThat(made.manifest().prerequisites())
                .singleElement()
                .satisfies(need -> {
                    assertThat(need.id()).isEqualTo("vcredist2013-x64");
                    assertThat(need.file()).isEmpty();
                    assertThat(need.isRequired()).isFalse();
                });
    }

    @Test
    void whatWasSuppliedOnceIsInEveryLaterPackage() {
        prerequisites.supplyVcredist(file, Optional.of(HASH.toUpperCase(Locale.ROOT)));

        ExtensionPackage made = made();
        assertThat(made.files().get("vcredist_x64.exe")).isEqualTo(INSTALLER);
        assertThat(made.manifest().prerequisites().getFirst().file().orElseThrow().sha256())
                .isEqualTo(HASH);
        assertThat(made().manifestBytes()).isEqualTo(made.manifestBytes());
        assertThat(made().signature()).isEqualTo(made.signature());
    }

    @Test
    void anotherFileThanMicrosoftsIsTakenOnlyWithItsHash() {
        requireFailure(
                () -> prerequisites.supplyVcredist(file, Optional.empty()),
                "extension.prerequisite-hash",
                Prerequisites.VCREDIST_SHA_256,
                HASH,
                "--vcredist-sha256");
        requireFailure(
                () -> prerequisites.supplyVcredist(file, Optional.of("00")),
                "extension.prerequisite-hash",
                file.toString());
        assertThat(made().manifest().prerequisites().getFirst().file()).isEmpty();
    }

    @Test
    void aFileThatWasPutThereOrChangedIsNotSentUnlessItsHashFits() throws IOException {
        Path kept = Files.createDirectories(folder.resolve("state/prerequisites"));
        Files.write(kept.resolve("vcredist_x64.exe"), INSTALLER);
        requireFailure(this::made, "extension.prerequisite-hash", kept.toString());

        Files.writeString(kept.resolve("vcredist_x64.exe.sha256"), HASH + "  download.exe\n");
        assertThat(made().files()).containsKey("vcredist_x64.exe");

        Files.writeString(kept.resolve("vcredist_x64.exe"), "an instaler");
        requireFailure(this::made, "extension.prerequisite-hash", HASH);
    }

    @Test
    void anInstallerThatIsNotThereIsTold() {
        requireFailure(
                () -> prerequisites.supplyVcredist(folder.resolve("none"), Optional.empty()),
                "extension.prerequisite-unreadable",
                "none");
    }
}
