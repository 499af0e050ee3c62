package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.testkit.RealParts;
import io.stillpoint.testkit.TestVm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// `stillpoint guest` and a real guest with its own folders. The extension's executable is a stand-in.
@Tag("qemu")
final class ExtensionLifeCycleTest {
    private static final int ENVIRONMENT = 4;
    private static final String FOLDER = "/var/lib/stillpoint/VMSnapshotLinux";
    private static final Path STAND_IN =
            Path.of("../guest/src/test/resources/io/stillpoint/guest/extension/stand-in.sh");

    @TempDir Path folder;
    private Path payloads;

    @BeforeEach
    void needQemu() throws IOException {
        RealParts.assumeQemu();
        payloads = folder.resolve("payloads");
        carry("1.0.0");
    }

    /// Has the command carry this version of the stand-in.
    private void carry(String version) throws IOException {
        Path type = payloads.resolve("io/stillpoint/extensions/VMSnapshotLinux");
        Files.createDirectories(type.resolve("x86_64"));
        Files.writeString(type.resolve("version"), version + "\n");
        Files.write(type.resolve("x86_64/vmsnapshot"), Files.readAllBytes(STAND_IN));
    }

    private Command.Result run(TestVm vm, String verb) {
        List<String> options = new ArrayList<>(new Command().options());
        // Found before what the build carries.
        options.add("-Xbootclasspath/a:" + payloads);
        return new Command()
                .options(options.toArray(String[]::new))
                .environment(Map.of("STILLPOINT_STATE_DIR", folder.resolve("state").toString()))
                .run(
                        "guest",
                        verb,
                        "--vm",
                        "web",
                        "--agent",
                        vm.agentSocket().toString(),
                        "--json");
    }

    private JsonNode succeed(TestVm vm, String verb) {
        Command.Result result = run(vm, verb);
        assertThat(result.status()).as(result.out() + result.err()).isZero();
        return result.json();
    }

    private void requireFailure(TestVm vm, String verb, String code) {
        Command.Result result = run(vm, verb);
        assertThat(result.status()).as(result.out() + result.err()).isEqualTo(ENVIRONMENT);
        assertThat(result.json().path("error").path("code").asString())
                .as(result.out())
                .isEqualTo(code);
    }

    @Test
    void isInstalledShownUpdatedTestedAndRemoved() throws IOException {
        try (TestVm vm = TestVm.start()) {
            assertThat(succeed(vm, "status").path("extension").isNull()).isTrue();

            JsonNode installed = succeed(vm, "install");
            assertThat(installed.path("done").asString()).isEqualTo("installed");
            JsonNode found = succeed(vm, "status").path("extension");
            assertThat(found).isEqualTo(installed.path("extension"));
            assertThat(found.path("state").asString()).isEqualTo("enabled");
            assertThat(found.path("signed").asBoolean()).isTrue();
            assertThat(vm.sh("ls " + FOLDER + " " + FOLDER + "/1.0.0").split("\\s+"))
                    .contains("state.json", "manifest.json", "manifest.sig", "vmsnapshot");

            assertThat(succeed(vm, "install").path("done").asString()).isEqualTo("reinstalled");
            carry("1.1.0");
            assertThat(succeed(vm, "install").path("done").asString()).isEqualTo("updated");
            assertThat(vm.exitCode("ls -d " + FOLDER + "/1.0.0")).isNotZero();

            Command.Result scripts = run(vm, "test-scripts");
            // The stand-in says that the second script failed.
            assertThat(scripts.status()).isEqualTo(ENVIRONMENT);
            assertThat(scripts.json().path("scripts").path("code").asInt()).isEqualTo(301);

            vm.sh("echo >>" + FOLDER + "/1.1.0/vmsnapshot");
            assertThat(succeed(vm, "status").path("extension").path("code").asString())
                    .isEqualTo("broken");
            assertThat(succeed(vm, "uninstall").path("removed").asBoolean()).isTrue();
            assertThat(vm.exitCode("ls -d /var/lib/stillpoint")).isNotZero();
            assertThat(succeed(vm, "uninstall").path("removed").asBoolean()).isFalse();
            requireFailure(vm, "test-scripts", "extension.not-installed");
        }
    }

    @Test
    void whatStandsInTheWayInTheGuestHasItsName() {
        try (TestVm vm = TestVm.start()) {
            vm.sh("mkdir -p /var/lib/stillpoint; mount -t tmpfs -o ro none /var/lib/stillpoint");
            requireFailure(vm, "install", "extension.read-only");

            vm.sh("mount -o remount,rw,noexec /var/lib/stillpoint");
            requireFailure(vm, "install", "extension.no-exec-folder");

            // One page for each of folders and the first file, none for the rest.
            vm.sh("umount /var/lib/stillpoint");
            vm.sh("mount -t tmpfs -o size=4k none /var/lib/stillpoint");
            requireFailure(vm, "install", "extension.no-space");
            // What was sent is gone again.
            assertThat(vm.sh("find /var/lib/stillpoint -name '*.part'")).isEmpty();

            vm.sh("umount /var/lib/stillpoint");
            assertThat(succeed(vm, "install").path("done").asString()).isEqualTo("installed");
        }
    }
}
