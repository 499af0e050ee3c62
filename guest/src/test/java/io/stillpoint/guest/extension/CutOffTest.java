package io.stillpoint.guest.extension;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.guest.AgentSocket;
import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.GuestException;
import io.stillpoint.guest.extension.Ensured.Ready;
import io.stillpoint.guest.extension.Ensured.Unavailable;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The agent is gone after any of the requests that installing takes: what is in the guest then is brought to its end by the
/// next one.
@Tag("qemu")
@Timeout(300)
class CutOffTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @TempDir Path folder;
    private TestGuest guest;

    @BeforeEach
    void start() throws IOException, InterruptedException {
        guest = new TestGuest(folder);
    }

    @AfterEach
    void stop() throws InterruptedException {
        if (guest != null) {
            guest.close();
        }
    }

    /// Empty if not even connecting was possible.
    private Optional<Ensured> ensure(
            ExtensionKeeper keeper, int requestsMax, UnaryOperator<String> change)
            throws IOException {
        Path socket = folder.resolve("cut-" + requestsMax + ".sock");
        try (CutChannel _ = new CutChannel(socket, guest.socket(), requestsMax, change);
                GuestAgent agent =
                        GuestAgent.connect(
                                new AgentSocket(socket),
                                PATIENCE,
                                Randomness.secure(),
                                Threads.ofProcess())) {
            return Optional.of(keeper.ensure(TestGuest.VM, agent));
        } catch (GuestException e) {
            assertThat(e.kind()).isEqualTo(GuestException.Kind.UNREACHABLE);
            return Optional.empty();
        }
    }

    private void requireReady(ExtensionKeeper keeper, String version) throws IOException {
        try (GuestAgent agent = guest.connect()) {
            assertThat(keeper.ensure(TestGuest.VM, agent)).isInstanceOf(Ready.class);
        }
        assertThat(guest.files())
                .extracting(Path::toString)
                .containsExactly(
                        version + "/manifest.json",
                        version + "/manifest.sig",
                        version + "/vmsnapshot",
                        "state.json");
    }

    /// Each attempt gets so many requests further than the one before and finds what that one left.
    private List<String> throughAllCuts(ExtensionKeeper keeper, int stride) throws IOException {
        List<String> codes = new ArrayList<>();
        for (int requests = 1; requests < 1000; requests += stride) {
            Optional<Ensured> ensured = ensure(keeper, requests, UnaryOperator.identity());
            if (ensured.isPresent() && ensured.get() instanceof Ready) {
                return codes;
            }
            codes.add(ensured.map(answer -> ((Unavailable) answer).code()).orElse("unreachable"));
        }
        throw new AssertionError("never ready: " + codes);
    }

    @Test
    void aFirstInstallationSurvivesACutAfterAnyRequest() throws IOException {
        ExtensionKeeper keeper = guest.keeper("1.0.0");
        List<String> codes = throughAllCuts(keeper, 1);

        // How many requests it takes depends on how fast the guest answers.
        assertThat(codes).hasSizeGreaterThan(12).contains("guest.lost");
        assertThat(codes).isSubsetOf("unreachable", "guest.lost", "guest.unreachable");
        requireReady(keeper, "1.0.0");
    }

    @Test
    void anUpdateSurvivesCuts() throws IOException {
        requireReady(guest.keeper("1.0.0"), "1.0.0");
        ExtensionKeeper keeper = guest.keeper("1.1.0");
        assertThat(throughAllCuts(keeper, 2)).hasSizeGreaterThan(6);
        requireReady(keeper, "1.1.0");
    }

    @Test
    void whatArrivesChangedIsNeverRun() throws IOException {
        // The first piece of the executable; base64 of "#!/b" begins so.
        Optional<Ensured> ensured =
                ensure(
                        guest.keeper("1.0.0"),
                        Integer.MAX_VALUE,
                        line -> line.replace("\"buf-b64\":\"IyEvY", "\"buf-b64\":\"IyEvZ"));

        assertThat(ensured.orElseThrow())
                .isInstanceOfSatisfying(
                        Unavailable.class,
                        answer -> assertThat(answer.code()).isEqualTo("extension.upload-damaged"));
        assertThat(guest.files()).isEmpty();
    }
}
