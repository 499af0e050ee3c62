package io.stillpoint.guest;

import io.stillpoint.guest.AgentReply.Refused;
import io.stillpoint.guest.AgentReply.Returned;
import io.stillpoint.guest.ThawOutcome.AlreadyThawed;
import io.stillpoint.guest.ThawOutcome.Clean;
import io.stillpoint.guest.ThawOutcome.Unproven;
import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.text.Text;
import java.time.Duration;
import java.util.Optional;

/// Thaws until the guest says that it is thawed, over as many synchronisations and connections as it takes.
final class Thawing {
    private static final Duration PAUSE_MIN = Duration.ofMillis(50);
    private static final Duration PAUSE_MAX = Duration.ofSeconds(1);

    /// With less time left an attempt could only fail, and its failure would hide the one that matters.
    private static final Duration ATTEMPT_MIN = Duration.ofMillis(200);

    private final AgentSession session;
    private final AgentTimeouts timeouts;
    private final Deadline deadline;
    private int thawed;
    private Text detail = Text.EMPTY;

    Thawing(AgentSession session, AgentTimeouts timeouts) {
        this.session = session;
        this.timeouts = timeouts;
        this.deadline = Deadline.after(timeouts.thaw());
    }

    ThawOutcome run() {
        Duration pause = PAUSE_MIN;
        for (int failures = 0; ; ) {
            try {
                Optional<ThawOutcome> outcome = attempt();
                if (outcome.isPresent()) {
                    return outcome.get();
                }
            } catch (GuestException e) {
                detail = e.text();
                failures++;
                // The first time the connection is kept, since the channel would serve the next who
                // waits for it; but where the fault is between us and the agent only a new one
                // helps.
                if (failures % 2 == 0) {
                    session.disconnect();
                }
            }
            if (session.isClosed() || deadline.nanosLeft() < pause.plus(ATTEMPT_MIN).toNanos()) {
                return new Unproven(detail);
            }
            pause(pause);
            pause =
                    pause.multipliedBy(2).compareTo(PAUSE_MAX) < 0
                            ? pause.multipliedBy(2)
                            : PAUSE_MAX;
        }
    }

    /// The thaw goes first: when all is well the file systems wait for nothing else.
    private Optional<ThawOutcome> attempt() {
        Deadline soon = deadline.within(timeouts.thawAttempt());
        AgentReply reply = session.ask(AgentCommand.of(AgentCommand.THAW), soon);
        if (reply instanceof Returned(var value)) {
            thawed += Replies.count(session, value);
        }
        AgentReply status = session.ask(AgentCommand.of(AgentCommand.STATUS), soon);
        return switch (status) {
            case Returned(var value) when value.asString("").equals("thawed") ->
                    Optional.of(thawed > 0 ? new Clean(thawed) : new AlreadyThawed());
            case Returned(var value) -> {
                detail = said(value.asString("?"), reply);
                yield Optional.empty();
            }
            // Not even the status: such an agent never froze anything, and asking again changes
            // nothing.
            case Refused(String errorClass, String description) ->
                    Optional.of(new Unproven(Text.verbatim(errorClass + ": " + description)));
        };
    }

    private static Text said(String status, AgentReply toThaw) {
        return toThaw instanceof Refused refused
                ? Text.of(Thawing.class, "guest.status-refused", status, refused.description())
                : Text.of(Thawing.class, "guest.status", status);
    }

    private static void pause(Duration pause) {
        try {
            Thread.sleep(pause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancelledException();
        }
    }
}
