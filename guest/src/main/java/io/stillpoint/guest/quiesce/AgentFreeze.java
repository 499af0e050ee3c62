package io.stillpoint.guest.quiesce;

import io.stillpoint.guest.ExecResult;
import io.stillpoint.guest.FreezeOutcome;
import io.stillpoint.guest.FreezeWatchdog;
import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.GuestException;
import io.stillpoint.guest.ThawOutcome;
import io.stillpoint.guest.quiesce.Quiescence.Warning;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.text.Text;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// The agent's own freeze, with a watchdog in the guest where it can have one. On Windows the agent goes through VSS but
/// does not look at the writers, so they are asked for afterwards.
public final class AgentFreeze implements Quiescer {
    private static final String FREEZE_STATUS = "guest-fsfreeze-status";
    private static final List<String> LIST_WRITERS =
            List.of("C:\\Windows\\System32\\vssadmin.exe", "list", "writers");
    private static final Duration LIST_WRITERS_MAX = Duration.ofMinutes(1);
    // Localized but for the numbers and ids: "State: [1] Stable".
    private static final Pattern WRITER_STATE = Pattern.compile(":\\s*\\[(\\d+)]");
    private static final int STABLE = 1;

    private final GuestAgent agent;
    private final boolean hasWriters;
    private final Duration deadline;
    private final Randomness randomness;
    private final List<Warning> warnings = new ArrayList<>();
    private @Nullable FreezeWatchdog watchdog;
    private int frozen;

    /// Whether the agent was told to freeze, and has not said that it did not.
    private boolean mayBeFrozen;

    private Rest rest = Rest.FAILED;
    private Text detail = Text.EMPTY;
    private long begun;

    /// @param hasWriters whether the guest has VSS writers to ask after the thaw
    /// @param deadline after which the watchdog thaws
    public AgentFreeze(
            GuestAgent agent, boolean hasWriters, Duration deadline, Randomness randomness) {
        this.agent = agent;
        this.hasWriters = hasWriters;
        this.deadline = deadline;
        this.randomness = randomness;
    }

    @Override
    public boolean begin() {
        arm();
        begun = System.nanoTime();
        mayBeFrozen = true;
        try {
            switch (agent.freeze()) {
                case FreezeOutcome.Frozen(int fileSystems) -> frozen = fileSystems;
                case FreezeOutcome.Refused(String code, String words) -> {
                    mayBeFrozen = false;
                    rest = code.equals("guest.nothing-to-freeze") ? Rest.EMPTY : Rest.FAILED;
                    detail = Text.of(GuestAgent.class, code, words);
                }
            }
        } catch (GuestException e) {
            detail = e.text();
            // Its answer may have been lost after it had frozen something.
            thawUnseen();
        }
        return frozen > 0;
    }

    private void thawUnseen() {
        mayBeFrozen = false;
        if (agent.thaw() instanceof ThawOutcome.Unproven unproven) {
            warnUnproven(unproven);
        }
    }

    private void arm() {
        Text why = Text.EMPTY;
        try {
            watchdog = FreezeWatchdog.arm(agent, deadline, randomness).orElse(null);
        } catch (GuestException e) {
            why = e.text();
        }
        // Windows thaws by itself after some ten seconds.
        if (watchdog == null && !hasWriters) {
            warn("guest.no-watchdog", why);
        }
    }

    /// A killed job leaves the agent in its frozen state even after the watchdog has thawed the file systems; it runs no
    /// commands then and refuses to freeze. To be called before anything else is asked of the agent. Another program's
    /// freeze it can't be: the channel serves one client at a time, and that is us.
    ///
    /// Throws [GuestException] if the agent does not answer.
    public static List<Warning> thawLeftover(GuestAgent agent) {
        List<Warning> warnings = new ArrayList<>();
        if (!agent.supports(FREEZE_STATUS)) {
            return warnings;
        }
        try {
            if (agent.isFrozen()) {
                warnings.add(warning("guest.left-frozen", Text.EMPTY));
                if (agent.thaw() instanceof ThawOutcome.Unproven unproven) {
                    warnings.add(warning("guest.thaw-unproven-now", unproven.detail()));
                }
            }
        } catch (GuestException e) {
            // It may be frozen. To thaw what is not frozen harms nothing.
            if (agent.thaw() instanceof ThawOutcome.Unproven) {
                throw e;
            }
        }
        return warnings;
    }

    @Override
    public Quiescence end(boolean taken) {
        OptionalLong millis = OptionalLong.empty();
        Applications applications = Applications.NONE;
        try {
            if (frozen > 0) {
                rest = restAfter(agent.thaw());
                millis = OptionalLong.of(Duration.ofNanos(System.nanoTime() - begun).toMillis());
                if (hasWriters && rest == Rest.HELD) {
                    applications = writers();
                }
            } else if (mayBeFrozen) {
                // Whatever it was that ended the freeze.
                thawUnseen();
            }
        } finally {
            Optional.ofNullable(watchdog).ifPresent(FreezeWatchdog::close);
        }
        return new Quiescence(applications, rest, detail, millis, Json.object(), warnings);
    }

    private Rest restAfter(ThawOutcome thaw) {
        return switch (thaw) {
            case ThawOutcome.Clean(int thawed) when thawed >= frozen -> Rest.HELD;
            // Fewer than were frozen: the watchdog had begun to thaw.
            case ThawOutcome.Clean _, ThawOutcome.AlreadyThawed _ -> {
                detail = text("guest.thawed-early");
                yield Rest.LOST;
            }
            case ThawOutcome.Unproven unproven -> {
                warnUnproven(unproven);
                detail = text("guest.thaw-not-proven", unproven.detail());
                yield Rest.LOST;
            }
        };
    }

    private Applications writers() {
        ExecResult result;
        try {
            result = agent.exec(LIST_WRITERS, new byte[0], LIST_WRITERS_MAX);
        } catch (GuestException e) {
            detail = text("guest.writers-unknown", e);
            return Applications.UNKNOWN;
        }
        String list = new String(result.out(), StandardCharsets.UTF_8);
        Matcher states = WRITER_STATE.matcher(list);
        int count = 0;
        List<String> bad = new ArrayList<>();
        while (states.find()) {
            count++;
            if (Integer.parseInt(states.group(1)) != STABLE) {
                bad.add(nameBefore(list, states.start()));
            }
        }
        if (result.exitCode() != 0 || count == 0) {
            detail = text("guest.writers-unknown", "exit " + result.exitCode());
            return Applications.UNKNOWN;
        }
        if (!bad.isEmpty()) {
            detail = text("guest.writer-failed", String.join(", ", bad));
            return Applications.FAILED;
        }
        return Applications.WELL;
    }

    /// The writer's name stands in quotes on a line above its state.
    private static String nameBefore(String list, int at) {
        int end = list.lastIndexOf('\'', at);
        int start = end < 1 ? -1 : list.lastIndexOf('\'', end - 1);
        return start < 0 ? "?" : list.substring(start + 1, end);
    }

    private static Text text(String code, Object... arguments) {
        return Text.of(AgentFreeze.class, code, arguments);
    }

    private static Warning warning(String code, Text argument) {
        return new Warning(code, text(code, argument));
    }

    private void warn(String code, Text argument) {
        warnings.add(warning(code, argument));
    }

    private void warnUnproven(ThawOutcome.Unproven unproven) {
        warn("guest.thaw-unproven-now", unproven.detail());
    }
}
