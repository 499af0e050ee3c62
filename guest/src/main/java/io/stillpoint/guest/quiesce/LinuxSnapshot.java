package io.stillpoint.guest.quiesce;

import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.GuestException;
import io.stillpoint.guest.GuestPipe;
import io.stillpoint.guest.extension.ExtensionException;
import io.stillpoint.guest.extension.InstalledExtension;
import io.stillpoint.guest.extension.VerbResult;
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
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The extension VMSnapshotLinux: its owner's scripts and a freeze that ends by itself (`docs/extensions.md`, "VMSnapshotLinux
/// at work"). The agent is not frozen with it, so it answers all the time.
public final class LinuxSnapshot implements Quiescer {
    private static final Duration COMMAND_MAX = Duration.ofMinutes(1);
    private static final Duration POLL_MIN = Duration.ofMillis(20);
    private static final Duration POLL_MAX = Duration.ofMillis(500);

    /// How long an agent that does not answer is asked again before the guest counts as lost.
    private static final Duration SILENCE_MAX = Duration.ofMinutes(1);

    /// How often an agent that answers may fail to read the status in a row: the file is replaced, never absent, unless
    /// the guest was started anew.
    private static final int REFUSALS_MAX = 5;

    private static final Duration THAW_MAX = Duration.ofSeconds(90);
    private static final int STATUS_BYTES_MAX = 1 << 20;

    /// What the extension says while another snapshot is at work.
    private static final String BUSY = "busy";

    private static final Set<String> SETTLED = Set.of("held", "refused", "done");
    private static final Set<String> THAWED = Set.of("thawed", "post", "done", "refused");
    private static final Set<String> DONE = Set.of("done");

    private final GuestAgent agent;
    private final InstalledExtension extension;
    private final Settings settings;
    private final Cancellation cancellation;
    private @Nullable GuestPipe control;

    /// Whether the guest may be at it: the verb was sent, and its answer does not say that it did not begin.
    private boolean mayHaveBegun;

    private String statusPath = "";
    private String controlPath = "";
    private JsonNode status = Json.object();
    private Text failure = Text.EMPTY;

    /// @param task names this snapshot in the guest
    /// @param freezeMax after which the guest thaws by itself, rounded up to seconds
    /// @param scriptMax how long an attempt of a script may take at most
    public record Settings(String task, Duration freezeMax, Duration scriptMax) {}

    public LinuxSnapshot(
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
            start();
            await(SETTLED, Duration.ofDays(1), cancellation);
            return status.path("state").asString("").equals("held");
        } catch (GuestException | ExtensionException e) {
            failure = e.text();
            return false;
        }
    }

    private void start() {
        mayHaveBegun = true;
        VerbResult result = sent();
        if (result.isRefusal() && result.code().equals(BUSY)) {
            // The VM is this job's alone: it is the hold of a job that was killed, and would last
            // until its deadline.
            extension.run(THAW_MAX, "thaw");
            result = sent();
        }
        if (!result.isDone()) {
            failure = text("quiesce.helper-refused", result.code(), result.message());
            status = Json.object().put("state", "done");
            mayHaveBegun = !result.isRefusal();
            return;
        }
        statusPath = result.json().path("status").asString("");
        controlPath = result.json().path("control").asString("");
        // Before anything is frozen: opening takes more of the guest than writing.
        control = agent.openPipe(controlPath);
    }

    private VerbResult sent() {
        return extension.run(
                COMMAND_MAX,
                "snapshot",
                "--task",
                settings.task(),
                "--deadline",
                seconds(settings.freezeMax()),
                "--script-limit",
                seconds(settings.scriptMax()));
    }

    /// Asks for the status until it is one of these.
    private void await(Set<String> states, Duration patience, @Nullable Cancellation cancel) {
        long end = System.nanoTime() + patience.toNanos();
        long answered = System.nanoTime();
        int refusals = 0;
        Duration pause = POLL_MIN;
        while (!states.contains(status.path("state").asString(""))) {
            if (cancel != null) {
                cancel.check();
            }
            try {
                JsonNode read = parsed(agent.readFile(statusPath, STATUS_BYTES_MAX));
                if (read.path("task").asString("").equals(settings.task())) {
                    status = read;
                }
                answered = System.nanoTime();
                refusals = 0;
            } catch (GuestException e) {
                refusals = e.kind() == GuestException.Kind.REFUSED ? refusals + 1 : 0;
                boolean isSilent = System.nanoTime() - answered > SILENCE_MAX.toNanos();
                if (isSilent || refusals > REFUSALS_MAX) {
                    throw e;
                }
            }
            if (System.nanoTime() > end) {
                failure = text("quiesce.too-slow", status.path("state").asString("?"));
                return;
            }
            sleep(pause);
            pause = pause.compareTo(POLL_MAX) < 0 ? pause.multipliedBy(2) : POLL_MAX;
        }
    }

    @Override
    public Quiescence end(boolean taken) {
        return Undisturbed.onThread(agent.threads(), "guest-release", this::ended);
    }

    private Quiescence ended() {
        boolean wasHeld = status.path("state").asString("").equals("held");
        boolean isReleased = false;
        if (!controlPath.isEmpty()) {
            try {
                release();
                await(THAWED, THAW_MAX, null);
                isReleased = isThawed();
                await(DONE, patience(), null);
            } catch (GuestException e) {
                failure = e.text();
            }
        }
        if (mayHaveBegun && !isReleased) {
            callOff();
        }
        Applications applications = applications();
        Rest rest = rest(wasHeld);
        return new Quiescence(
                applications,
                rest,
                detail(applications, rest),
                frozenMillis(),
                report(),
                List.of());
    }

    /// What nobody answered for, or does not do what it is told, may have frozen the guest, or may freeze it yet. An agent
    /// that is away for a moment, or was started anew, is asked again.
    private void callOff() {
        long end = System.nanoTime() + SILENCE_MAX.toNanos();
        int refusals = 0;
        while (true) {
            try {
                VerbResult result = extension.run(THAW_MAX, "thaw", "--task", settings.task());
                if (!result.isDone()) {
                    failure = text("quiesce.still-frozen", result.code(), result.message());
                }
                return;
            } catch (ExtensionException e) {
                // Where it can't be run it never was. But an agent that was started anew refuses
                // what its predecessor began.
                if (++refusals > REFUSALS_MAX) {
                    return;
                }
            } catch (GuestException e) {
                if (System.nanoTime() > end) {
                    failure = text("quiesce.still-frozen", e.code(), e);
                    return;
                }
            }
            sleep(POLL_MAX);
        }
    }

    /// In any state: what is not frozen yet must not freeze any more.
    private void release() {
        if (control != null) {
            try (GuestPipe pipe = control) {
                pipe.writeLine("thaw");
                return;
            } catch (GuestException e) {
                // An agent that was started anew knows the open pipe no more.
            }
        }
        try (GuestPipe pipe = agent.openPipe(controlPath)) {
            pipe.writeLine("thaw");
        }
    }

    /// The post-script's attempts, and something.
    private Duration patience() {
        JsonNode scripts = status.path("scripts");
        long attempts = 1L + Math.clamp(scripts.path("post").path("retries").asInt(10), 0, 100);
        return settings.scriptMax().multipliedBy(attempts).plus(THAW_MAX);
    }

    private boolean isDone() {
        return status.path("state").asString("").equals("done") && status.has("freeze");
    }

    private Applications applications() {
        JsonNode scripts = status.path("scripts");
        if (!scripts.isObject() || scripts.path("configuration").asString("").isEmpty()) {
            return Applications.NONE;
        }
        int code = scripts.path("code").asInt(0);
        boolean isFatal =
                !scripts.path("continueOnFailure").asBoolean(true)
                        || !scripts.path("freezeEnabled").asBoolean(true);
        if (code != 0) {
            return isFatal ? Applications.FATAL : Applications.FAILED;
        }
        return isDone() ? Applications.WELL : Applications.UNKNOWN;
    }

    private Rest rest(boolean wasHeld) {
        JsonNode freeze = status.path("freeze");
        if (!wasHeld) {
            return Rest.FAILED;
        }
        if (!isThawed() || !status.path("held").asBoolean(false)) {
            return Rest.LOST;
        }
        if (!freeze.path("wanted").asBoolean(true)) {
            return Rest.WAIVED;
        }
        for (JsonNode mount : freeze.path("mounts")) {
            if (mount.path("outcome").asString("").equals("frozen")) {
                return Rest.HELD;
            }
        }
        return Rest.EMPTY;
    }

    private boolean isThawed() {
        return THAWED.contains(status.path("state").asString(""));
    }

    private Text detail(Applications applications, Rest rest) {
        List<Text> parts = new ArrayList<>();
        if (!failure.isEmpty()) {
            parts.add(failure);
        }
        JsonNode scripts = status.path("scripts");
        if (applications == Applications.FAILED || applications == Applications.FATAL) {
            parts.add(
                    text(
                            "quiesce.script",
                            scripts.path("code").asInt(0),
                            scripts.path("detail").asString("")));
        }
        JsonNode freeze = status.path("freeze");
        if (freeze.path("code").asInt(0) != 0) {
            parts.add(
                    text(
                            "quiesce.freeze",
                            freeze.path("code").asInt(0),
                            freeze.path("detail").asString("")));
        }
        if (rest == Rest.LOST) {
            parts.add(text("quiesce.lost", status.path("thawedBy").asString("?")));
        }
        return Text.joined(" ", parts);
    }

    private static Text text(String code, Object... arguments) {
        return Text.of(LinuxSnapshot.class, code, arguments);
    }

    private OptionalLong frozenMillis() {
        OptionalLong longest = OptionalLong.empty();
        for (JsonNode mount : status.path("freeze").path("mounts")) {
            long millis = (mount.path("micros").asLong(0) + 999) / 1000;
            if (mount.path("outcome").asString("").equals("frozen")) {
                longest = OptionalLong.of(Math.max(longest.orElse(0), millis));
            }
        }
        return longest;
    }

    private ObjectNode report() {
        ObjectNode report = Json.object();
        for (String part : List.of("freeze", "scripts", "thawedBy")) {
            if (status.has(part)) {
                report.set(part, status.path(part));
            }
        }
        return report;
    }

    private static JsonNode parsed(byte[] json) {
        try {
            return Json.parse(json);
        } catch (JacksonException e) {
            // Not from the helper, or half of it.
            return Json.object();
        }
    }

    private static String seconds(Duration duration) {
        return Long.toString(Math.max(1, duration.plusNanos(999_999_999).toSeconds()));
    }

    private static void sleep(Duration pause) {
        try {
            Thread.sleep(pause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancelledException();
        }
    }
}
