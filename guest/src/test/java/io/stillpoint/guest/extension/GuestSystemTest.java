package io.stillpoint.guest.extension;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.guest.AgentSocket;
import io.stillpoint.guest.FakeAgent;
import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.extension.GuestSystem.Os;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class GuestSystemTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    @TempDir Path folder;
    private FakeAgent fake;

    @BeforeEach
    void start() throws IOException {
        fake = new FakeAgent(folder);
    }

    @AfterEach
    void stop() throws IOException {
        fake.close();
    }

    private GuestSystem ask() {
        try (GuestAgent agent =
                GuestAgent.connect(
                        new AgentSocket(fake.socket()),
                        PATIENCE,
                        Randomness.secure(),
                        Threads.ofProcess())) {
            return GuestSystem.of(agent);
        }
    }

    private void info(String json) {
        fake.on("guest-get-osinfo", call -> call.reply(Json.parse(json)));
    }

    private void uname(String said) {
        fake.on("guest-exec", call -> call.reply(Json.object().put("pid", 7)));
        fake.on(
                "guest-exec-status",
                call ->
                        call.reply(
                                Json.object()
                                        .put("exited", true)
                                        .put("exitcode", 0)
                                        .put(
                                                "out-data",
                                                Base64.getEncoder()
                                                        .encodeToString(
                                                                said.getBytes(
                                                                        StandardCharsets.UTF_8)))));
    }

    /// As qemu-ga 7.2 answers.
    @Test
    void aLinuxGuestTellsByItsOsInfoAlone() {
        info(
                """
                {"id": "debian", "name": "Debian GNU/Linux", "pretty-name": "Debian GNU/Linux 12 (bookworm)",
                 "version": "12 (bookworm)", "version-id": "12", "machine": "x86_64",
                 "kernel-release": "6.1.0-13-amd64", "kernel-version": "#1 SMP"}\
                """);

        assertThat(ask())
                .isEqualTo(
                        new GuestSystem(
                                Os.LINUX, "x86_64", "Debian GNU/Linux 12 (bookworm)", "12"));
        assertThat(fake.received()).doesNotContain("guest-exec");
    }

    @Test
    void aWindowsGuestIsKnownByTheAgentsNameForIt() {
        info(
                """
                {"id": "mswindows", "name": "Microsoft Windows", "pretty-name": "Windows Server 2022 Standard",
                 "version": "Microsoft Windows Server 2022", "version-id": "2022", "machine": "x86_64",
                 "variant": "server", "variant-id": "server", "kernel-release": "20348", "kernel-version": "10.0"}\
                """);

        assertThat(ask().os()).isEqualTo(Os.WINDOWS);
        assertThat(ask()).hasToString("Windows Server 2022 Standard 2022 (x86_64)");
    }

    @ParameterizedTest
    @CsvSource({
        "Linux x86_64, LINUX, x86_64",
        "Linux amd64, LINUX, x86_64",
        "Linux arm64, LINUX, aarch64",
        "Linux aarch64, LINUX, aarch64",
        "Linux i686, LINUX, i686",
        "Darwin arm64, OTHER, aarch64",
        "Linux, LINUX, ''",
        "'', OTHER, ''",
    })
    void whatAnOldAgentDoesNotKnowUnameTells(String said, Os os, String architecture) {
        uname(said + "\n");
        assertThat(ask().os()).isEqualTo(os);
        assertThat(ask().architecture()).isEqualTo(architecture);
    }

    @Test
    void aGuestWithoutAnOsReleaseIsAskedForItsUname() {
        info("{\"kernel-release\": \"6.1.0\", \"machine\": \"x86_64\"}");
        uname("Linux x86_64\n");
        assertThat(ask()).isEqualTo(new GuestSystem(Os.LINUX, "x86_64", "Linux", ""));
    }

    @Test
    void aGuestWithoutUnameIsAnother() {
        fake.on("guest-exec", call -> call.refuse("GenericError", "No such file or directory"));
        fake.on("guest-exec-status", call -> call.refuse("GenericError", "no"));
        assertThat(ask().os()).isEqualTo(Os.OTHER);
    }

    @ParameterizedTest
    @CsvSource({"freebsd", "openbsd", "dragonfly"})
    void othersHaveAnOsReleaseTooAndNoExtension(String id) {
        info("{\"id\": \"" + id + "\", \"machine\": \"amd64\", \"pretty-name\": \"X 14\"}");
        GuestSystem system = ask();
        assertThat(system.os()).isEqualTo(Os.OTHER);
        assertThatThrownBy(() -> ExtensionType.of(system))
                .isInstanceOfSatisfying(
                        ExtensionException.class,
                        e -> {
                            assertThat(e.code()).isEqualTo("extension.unknown-system");
                            assertThat(e.getMessage()).contains("X 14");
                        });
    }
}
