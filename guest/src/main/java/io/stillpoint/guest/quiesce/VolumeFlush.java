package io.stillpoint.guest.quiesce;

import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.GuestException;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.text.Text;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import tools.jackson.databind.JsonNode;

/// Every fixed volume of a Windows guest is flushed, without VSS, and nothing is held: its file systems are as after a
/// flush, applications as after a power cut.
public final class VolumeFlush implements Quiescer {
    private static final Duration FLUSH_MAX = Duration.ofMinutes(2);

    private final GuestAgent agent;
    private boolean isFlushed;
    private Text failure = Text.EMPTY;

    public VolumeFlush(GuestAgent agent) {
        this.agent = agent;
    }

    @Override
    public boolean begin() {
        try (WindowsService service = new WindowsService(agent)) {
            JsonNode answer = service.ask("flush", FLUSH_MAX);
            isFlushed = answer.path("code").asString("").equals("ok");
            if (!isFlushed) {
                failure =
                        Text.of(
                                VolumeFlush.class,
                                "quiesce.flush",
                                answer.path("message").asString(""),
                                answer.path("hresult").asString(""));
            }
        } catch (GuestException e) {
            failure = e.text();
        }
        return isFlushed;
    }

    @Override
    public Quiescence end(boolean taken) {
        return new Quiescence(
                Applications.NONE,
                isFlushed ? Rest.HELD : Rest.FAILED,
                failure,
                OptionalLong.empty(),
                Json.object(),
                List.of());
    }
}
