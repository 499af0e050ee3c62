package io.stillpoint.guest.quiesce;

import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.GuestException;
import io.stillpoint.guest.extension.ExtensionException;
import io.stillpoint.guest.extension.InstalledExtension;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Undisturbed;
import io.stillpoint.platform.text.Text;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// VSS by the extension VMSnapshot: its service holds writes with every writer prepared, and looks at each writer before
/// and after. Windows lets go of its own accord after ten seconds, the service one second before.
public final class VssSnapshot implements Quiescer {
    private static final Duration ANSWER_MAX = Duration.ofSeconds(30);
    private static final Duration THAW_MAX = Duration.ofMinutes(2);
    private static final Duration POLL = Duration.ofMillis(50);

    /// How long an agent that is away is asked again before the guest is left to its own deadline.
    private static final Duration SILENCE_MAX = Duration.ofMinutes(1);

    private static final Duration SLACK = Duration.ofMinutes(1);

    /// What the service says while a set is open.
    private static final String BUSY = "busy";

    /// The states of a set of its own that is open.
    private static final Set<String> OPEN = Set.of("preparing", "held", "thawing");

    private static final int STABLE = 1;

    /// VSS_WRITER_STATE: from VSS_WS_FAILED_AT_IDENTIFY on all are failures (vss.h).
    private static final int FAILED_FROM = 6;

    private final GuestAgent agent;
    private final InstalledExtension extension;
    private final Settings settings;
    private final Cancellation cancellation;
    private @Nullable WindowsService service;
    private JsonNode status = Json.object();
    private boolean wasHeld;
    private boolean asked;
    private Text failure = Text.EMPTY;

    /// @param task names this snapshot in the guest
    /// @param holdMax after which the service lets go; Windows itself allows ten seconds
    /// @param prepareMax how long the writers may take to prepare
    public record Settings(String task, Duration holdMax, Duration prepareMax) {}

    public VssSnapshot(
            GuestAgent agent,
            InstalledExtension extension,
            Settings settings,
            Cancellation cancellation) {
        this.agent = agent;
        this.extension = extension;
        this.settings = settings;
        this.cancellation = cancellation;
    }

    @Override
    public boolean begin() {
        try {
            WindowsService connected = new WindowsService(agent);
            service = connected;
            asked = true;
            status = started(connected);
            long end = System.nanoTime() + settings.prepareMax().plus(SLACK).toNanos();
            while (state().equals("preparing") && System.nanoTime() < end) {
                cancellation.check();
                pause();
                status = connected.ask("status", ANSWER_MAX);
            }
            wasHeld = state().equals("held");
        } catch (GuestException | ExtensionException e) {
            failure = e.text();
        }
        return wasHeld;
    }

    private JsonNode started(WindowsService connected) {
        String request = request();
        JsonNode answer = connected.ask(request, ANSWER_MAX);
        if (state(answer).equals(BUSY)
                && OPEN.contains(state(connected.ask("status", ANSWER_MAX)))) {
            // The VM is this job's alone: it is the hold of a job that was killed, and would last
            // until its deadline. Of another program's hold the service tells nothing.
            JsonNode _ = connected.ask("thaw failed", THAW_MAX);
            answer = connected.ask(request, ANSWER_MAX);
        }
        return answer;
    }

    /// The guest's owner decides whether the writers are told of a full backup or of a copy, which leaves their logs and
    /// marks alone.
    private String request() {
        String type = extension.run("health").json().path("backupType").asString("full");
        return "freeze "
                + (type.equals("copy") ? "copy" : "full")
                + " task="
                + settings.task()
                + " autoThawMs="
                + settings.holdMax().toMillis()
                + " prepareMs="
                + settings.prepareMax().toMillis();
    }

    private String state() {
        return state(status);
    }

    private static String state(JsonNode status) {
        return status.path("state").asString("");
    }

    @Override
    public Quiescence end(boolean taken) {
        return Undisturbed.onThread(agent.threads(), "guest-release", () -> ended(taken));
    }

    private Quiescence ended(boolean taken) {
        WindowsService connected = service;
        if (connected != null) {
            try (connected) {
                if (asked && !state().equals(BUSY)) {
                    release(connected, "thaw " + (taken ? "ok" : "failed"));
                }
            }
        }
        List<String> bad = failedWriters();
        Rest rest = rest(bad);
        return new Quiescence(
                bad.isEmpty()
                        ? rest == Rest.HELD ? Applications.WELL : Applications.UNKNOWN
                        : Applications.FAILED,
                rest,
                detail(rest, bad),
                status.has("heldMs") && wasHeld
                        ? OptionalLong.of(status.path("heldMs").asLong(0))
                        : OptionalLong.empty(),
                report(),
                List.of());
    }

    private void release(WindowsService connected, String thaw) {
        long end = System.nanoTime() + SILENCE_MAX.toNanos();
        while (true) {
            try {
                if (!failure.isEmpty()) {
                    // An answer was lost: perhaps that another program's snapshot is being made,
                    // which is not
                    // ours to end.
                    status = connected.askAgain("status", ANSWER_MAX);
                    if (!status.path("task").asString("").equals(settings.task())) {
                        return;
                    }
                }
                status = connected.askAgain(thaw, THAW_MAX);
                return;
            } catch (GuestException e) {
                failure = e.text();
                status = Json.object();
                // The agent's answer that there is no such service any more is an answer: with it
                // went the snapshot.
                if (e.kind() == GuestException.Kind.REFUSED || System.nanoTime() > end) {
                    return;
                }
            }
            pause();
        }
    }

    /// Of selected components; writers that nobody asked for may be as they like.
    private List<String> failedWriters() {
        List<String> bad = new ArrayList<>();
        for (JsonNode writer : status.path("writers")) {
            String failure = writer.path("failure").asString("0x00000000");
            boolean isBad =
                    writer.path("state").asInt(STABLE) >= FAILED_FROM
                            || !failure.equals("0x00000000");
            if (isBad && writer.path("selected").asBoolean(true)) {
                bad.add(writer.path("name").asString("?") + " (" + failure + ")");
            }
        }
        return bad;
    }

    private Rest rest(List<String> bad) {
        if (!wasHeld) {
            return Rest.FAILED;
        }
        boolean isClean =
                state().equals("thawed")
                        && status.path("task").asString("").equals(settings.task())
                        && status.path("held").asBoolean(false);
        // With a writer that failed the service calls the set failed, though writes were held.
        return isClean || (!bad.isEmpty() && status.path("held").asBoolean(false))
                ? Rest.HELD
                : Rest.LOST;
    }

    private Text detail(Rest rest, List<String> bad) {
        if (!failure.isEmpty()) {
            return failure;
        }
        if (!bad.isEmpty()) {
            return text("guest.writer-failed", String.join(", ", bad));
        }
        if (rest == Rest.HELD) {
            return Text.EMPTY;
        }
        return rest == Rest.LOST
                ? text("quiesce.vss-lost", status.path("thawedBy").asString("?"), stage())
                : text("quiesce.vss", state().isEmpty() ? "?" : state(), stage());
    }

    private static Text text(String code, Object... arguments) {
        return Text.of(VssSnapshot.class, code, arguments);
    }

    private String stage() {
        String stage = status.path("stage").asString("");
        return stage.isEmpty() ? "-" : stage + " " + status.path("hresult").asString("");
    }

    private ObjectNode report() {
        ObjectNode report = Json.object();
        for (String part :
                List.of(
                        "backupType",
                        "volumes",
                        "heldMs",
                        "stage",
                        "hresult",
                        "writers",
                        "thawedBy")) {
            if (status.has(part)) {
                report.set(part, status.path(part));
            }
        }
        return report;
    }

    private static void pause() {
        try {
            Thread.sleep(POLL);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancelledException();
        }
    }
}
