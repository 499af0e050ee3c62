package io.stillpoint.engine;

import io.stillpoint.guest.FreezeOutcome;
import io.stillpoint.guest.FreezeWatchdog;
import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.GuestException;
import io.stillpoint.guest.ThawOutcome;
import io.stillpoint.platform.Messages;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.Consistency;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The guest, ready to be frozen for the instant of the snapshot, or known not to be: then the snapshot is as after
/// a power cut, and the reason is told. Whatever happens in the instant, the guest is thawed and asked whether it is;
/// a watchdog inside it needs no help from us.
final class PreparedGuest implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final String FREEZE_STATUS = "guest-fsfreeze-status";
    private static final Messages TEXTS = Messages.of(PreparedGuest.class);

    private final @Nullable GuestAgent agent;
    private final Consistency unfrozen;
    private final String reason;
    private final Duration freezeMax;
    private final Randomness randomness;
    private final JobEvents events;

    private PreparedGuest(
            @Nullable GuestAgent agent,
            Consistency unfrozen,
            String reason,
            Duration freezeMax,
            Randomness randomness,
            JobEvents events) {
        this.agent = agent;
        this.unfrozen = unfrozen;
        this.reason = reason;
        this.freezeMax = freezeMax;
        this.randomness = randomness;
        this.events = events;
    }

    /// @param socket of the agent; empty: there is none
    /// @param isWritable whether an image of the VM was opened as one that can be written to meanwhile
    /// @param freezeMax after which the guest thaws by itself
    static PreparedGuest ready(
            boolean isWritable,
            boolean isRunning,
            Optional<Path> socket,
            Duration freezeMax,
            Randomness randomness,
            JobEvents events) {
        GuestAgent agent = null;
        Consistency unfrozen = Consistency.CRASH;
        String reason = "";
        if (!isWritable) {
            unfrozen = Consistency.STOPPED;
        } else if (!isRunning) {
            reason = "guest.paused";
        } else if (socket.isEmpty()) {
            reason = "guest.no-agent-socket";
        } else {
            try {
                agent = GuestAgent.connect(socket.get(), PATIENCE, randomness);
            } catch (GuestException e) {
                reason = e.code();
                events.warning(e.code(), TEXTS.text("engine.no-agent", e.getMessage()));
            }
        }
        return new PreparedGuest(agent, unfrozen, reason, freezeMax, randomness, events);
    }

    /// What came of an instant.
    ///
    /// @param reason why the consistency is not better, as a code; empty if nothing is better
    /// @param frozenMillis from the request to freeze to the proof of the thaw
    record Reached<T>(
            T result, Consistency consistency, String reason, OptionalLong frozenMillis) {}

    /// Calls `instant` while the guest is frozen, if it can be.
    <T> Reached<T> during(Supplier<T> instant) {
        GuestAgent connected = agent;
        if (connected == null) {
            return new Reached<>(instant.get(), unfrozen, reason, OptionalLong.empty());
        }
        Optional<FreezeWatchdog> watchdog = arm(connected);
        try {
            return frozen(connected, instant);
        } finally {
            watchdog.ifPresent(FreezeWatchdog::close);
        }
    }

    private Optional<FreezeWatchdog> arm(GuestAgent connected) {
        Optional<FreezeWatchdog> watchdog = Optional.empty();
        String detail = "";
        try {
            thawLeftover(connected);
            watchdog = FreezeWatchdog.arm(connected, freezeMax, randomness);
        } catch (GuestException e) {
            detail = e.getMessage();
        }
        if (watchdog.isEmpty()) {
            events.warning("guest.no-watchdog", TEXTS.text("engine.no-watchdog", detail));
        }
        return watchdog;
    }

    /// A killed job leaves the agent in its frozen state even after the watchdog has thawed the file systems; it runs no
    /// commands then and refuses to freeze. Another program's freeze it can't be: the channel serves one client at a
    /// time, and that is us.
    private void thawLeftover(GuestAgent connected) {
        if (connected.supports(FREEZE_STATUS) && connected.isFrozen()) {
            events.warning("guest.left-frozen", TEXTS.text("engine.left-frozen"));
            if (connected.thaw() instanceof ThawOutcome.Unproven unproven) {
                warnUnproven(unproven);
            }
        }
    }

    private <T> Reached<T> frozen(GuestAgent connected, Supplier<T> instant) {
        long start = System.nanoTime();
        Attempt attempt = freeze(connected);
        if (!attempt.refusal.isEmpty()) {
            return new Reached<>(
                    instant.get(), Consistency.CRASH, attempt.refusal, OptionalLong.empty());
        }
        T result;
        ThawOutcome thaw;
        try {
            result = instant.get();
        } finally {
            thaw = connected.thaw();
        }
        long millis = Duration.ofNanos(System.nanoTime() - start).toMillis();
        return thawed(result, attempt.fileSystems, thaw, millis);
    }

    /// @param refusal why nothing is frozen, as a code; empty if it is
    private record Attempt(int fileSystems, String refusal) {}

    private Attempt freeze(GuestAgent connected) {
        try {
            return switch (connected.freeze()) {
                case FreezeOutcome.Frozen frozen -> new Attempt(frozen.fileSystems(), "");
                case FreezeOutcome.Refused refused -> {
                    Messages guest = Messages.of(GuestAgent.class);
                    warnRefused(refused.code(), guest.text(refused.code(), refused.detail()));
                    yield new Attempt(0, refused.code());
                }
            };
        } catch (GuestException e) {
            // Its answer may have been lost after it had frozen something.
            if (connected.thaw() instanceof ThawOutcome.Unproven unproven) {
                warnUnproven(unproven);
            }
            warnRefused(e.code(), e.getMessage());
            return new Attempt(0, e.code());
        }
    }

    private void warnRefused(String code, String why) {
        events.warning(code, TEXTS.text("engine.freeze-refused", why));
    }

    private <T> Reached<T> thawed(T result, int fileSystems, ThawOutcome thaw, long millis) {
        OptionalLong frozen = OptionalLong.of(millis);
        return switch (thaw) {
            case ThawOutcome.Clean clean when clean.fileSystems() >= fileSystems ->
                    new Reached<>(result, Consistency.FILE_SYSTEM, "guest.no-scripts", frozen);
            // Fewer than were frozen: the watchdog had begun to thaw.
            case ThawOutcome.Clean _, ThawOutcome.AlreadyThawed _ -> {
                events.warning("guest.thawed-early", TEXTS.text("engine.thawed-early"));
                yield new Reached<>(result, Consistency.CRASH, "guest.thawed-early", frozen);
            }
            case ThawOutcome.Unproven unproven -> {
                warnUnproven(unproven);
                yield new Reached<>(result, Consistency.CRASH, "guest.thaw-unproven", frozen);
            }
        };
    }

    private void warnUnproven(ThawOutcome.Unproven unproven) {
        events.warning(
                "guest.thaw-unproven", TEXTS.text("engine.thaw-unproven", unproven.detail()));
    }

    @Override
    public void close() {
        if (agent != null) {
            agent.close();
        }
    }
}
