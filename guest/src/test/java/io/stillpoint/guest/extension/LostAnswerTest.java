package io.stillpoint.guest.extension;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.extension.Ensured.Ready;
import io.stillpoint.guest.quiesce.LinuxSnapshot;
import io.stillpoint.guest.quiesce.Quiescence;
import io.stillpoint.guest.quiesce.Rest;
import io.stillpoint.platform.Cancellation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What began in a guest is ended there, whether or not the host has heard that it began.
@Tag("qemu")
@Timeout(120)
class LostAnswerTest {
    @TempDir Path folder;
    private TestGuest guest;

    @BeforeEach
    void start() throws IOException, InterruptedException {
        guest = new TestGuest(folder);
    }

    @AfterEach
    void stop() throws InterruptedException {
        guest.close();
    }

    private Quiescence snapshot() throws IOException {
        try (GuestAgent agent = guest.connect()) {
            Ensured ensured = guest.keeper("1.0.0").ensure(TestGuest.VM, agent);
            assertThat(ensured).isInstanceOf(Ready.class);
            List<String> _ = guest.calls();
            LinuxSnapshot snapshot =
                    new LinuxSnapshot(
                            agent,
                            ((Ready) ensured).extension(),
                            new LinuxSnapshot.Settings(
                                    "t-1", Duration.ofMinutes(1), Duration.ofMinutes(1)),
                            new Cancellation());
            assertThat(snapshot.begin()).isFalse();
            return snapshot.end(false);
        }
    }

    @Test
    void aSnapshotWhoseAnswerWasLostIsCalledOff() throws IOException {
        Files.createFile(guest.behaviour().resolve("mute-snapshot"));

        Quiescence came = snapshot();

        assertThat(came.rest()).isEqualTo(Rest.FAILED);
        assertThat(guest.calls())
                .containsExactly(
                        "1.0.0 snapshot --task t-1 --deadline 60 --script-limit 60",
                        "1.0.0 thaw --task t-1");
    }

    @Test
    void aSnapshotWhoseAnswerNamesNoPipeIsCalledOff() throws IOException {
        Files.writeString(guest.behaviour().resolve("fail-snapshot"), "0 ok\n");

        assertThat(snapshot().rest()).isEqualTo(Rest.FAILED);
        assertThat(guest.calls()).last().isEqualTo("1.0.0 thaw --task t-1");
    }

    @Test
    void aThawThatFailsIsTold() throws IOException {
        Files.createFile(guest.behaviour().resolve("mute-snapshot"));
        Files.writeString(guest.behaviour().resolve("fail-thaw"), "19 failed\n");

        assertThat(snapshot().detail()).asString().contains("may stay frozen", "failed");
    }

    @Test
    void aSnapshotThatRefusedToBeginIsLeftAlone() throws IOException {
        Files.writeString(guest.behaviour().resolve("fail-snapshot"), "14 prerequisite\n");

        assertThat(snapshot().rest()).isEqualTo(Rest.FAILED);
        assertThat(guest.calls()).noneMatch(call -> call.contains("thaw"));
    }

    /// It may be the hold of a job that was killed, which is ended once.
    @Test
    void anExtensionThatStaysBusyIsLeftAlone() throws IOException {
        Files.writeString(guest.behaviour().resolve("fail-snapshot"), "13 busy\n");

        assertThat(snapshot().rest()).isEqualTo(Rest.FAILED);
        assertThat(guest.calls())
                .containsExactly(
                        "1.0.0 snapshot --task t-1 --deadline 60 --script-limit 60",
                        "1.0.0 thaw",
                        "1.0.0 snapshot --task t-1 --deadline 60 --script-limit 60");
    }
}
