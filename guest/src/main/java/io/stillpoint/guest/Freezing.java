package io.stillpoint.guest;

import io.stillpoint.platform.Json;
import java.time.Duration;

/// Freeze and thaw. A guest that stays frozen hangs, so every way out of here either knows that it is thawed,
/// or says that it does not know.
final class Freezing {
    private static final Duration THAW_COMMAND_MAX = Duration.ofSeconds(10);

    /// How long the way back is tried after a freeze whose end is not known.
    private static final Duration UNDO_MAX = Duration.ofSeconds(60);

    private static final Duration RETRY = Duration.ofMillis(200);

    private final GuestAgent agent;

    Freezing(GuestAgent agent) {
        this.agent = agent;
    }

    /// Throws a [GuestException] when the agent can't be reached before the freeze, or when after a freeze of
    /// unknown end the guest could not be proved to be thawed.
    FreezeOutcome freeze(Duration timeout) {
        try {
            if (agent.isFrozen()) {
                return new FreezeOutcome.Refused(
                        "freeze.already-frozen", "another program has frozen the guest");
            }
        } catch (GuestException.Refused e) {
            return new FreezeOutcome.Refused("freeze.not-supported", e.detail());
        }
        try {
            return new FreezeOutcome.Frozen(
                    agent.count(agent.execute("guest-fsfreeze-freeze", Json.object(), timeout)));
        } catch (GuestException.Refused e) {
            // The agent thaws what it had frozen before it refuses; asked all the same.
            proveThawed(e);
            String code =
                    e.detail().contains("disabled") || e.detail().contains("not been found")
                            ? "freeze.not-supported"
                            : "freeze.failed";
            return new FreezeOutcome.Refused(code, e.detail());
        } catch (GuestException e) {
            proveThawed(e);
            return new FreezeOutcome.Refused("freeze.timeout", String.valueOf(e.getMessage()));
        }
    }

    ThawOutcome thaw(int frozen, Duration timeout) {
        long deadline = System.nanoTime() + timeout.toNanos();
        int thawed = 0;
        int attempts = 0;
        String trouble = "";
        boolean interrupted = false;
        try {
            while (true) {
                // A thread that is to end first thaws.
                interrupted |= Thread.interrupted();
                try {
                    thawed +=
                            agent.count(
                                    agent.execute(
                                            "guest-fsfreeze-thaw",
                                            Json.object(),
                                            THAW_COMMAND_MAX));
                    attempts++;
                    if (!agent.isFrozen()) {
                        return outcome(frozen, thawed, attempts, trouble);
                    }
                    trouble = "the agent says that the guest is frozen still";
                } catch (GuestException e) {
                    trouble = String.valueOf(e.getMessage());
                }
                if (System.nanoTime() > deadline) {
                    return new ThawOutcome.Failed(trouble);
                }
                GuestAgent.pause(RETRY);
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static ThawOutcome outcome(int frozen, int thawed, int attempts, String trouble) {
        // One thaw found everything frozen, so it was until then, whatever had gone wrong before.
        // (Nothing
        // was frozen if a thaw whose answer was lost had done it: that thaw is not this one.)
        boolean sure = frozen > 0 || trouble.isEmpty();
        if (thawed == frozen && attempts == 1 && sure) {
            return new ThawOutcome.Clean(thawed);
        }
        return new ThawOutcome.Late(
                frozen,
                thawed,
                trouble.isEmpty() ? "the guest was thawed before by something else" : trouble);
    }

    private void proveThawed(GuestException cause) {
        if (thaw(0, UNDO_MAX) instanceof ThawOutcome.Failed) {
            throw cause;
        }
    }
}
