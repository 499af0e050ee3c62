package io.stillpoint.guest;

import java.time.Duration;

/// How long each kind of command may take.
///
/// @param command everything but freezing and thawing
/// @param freeze the agent answers nothing else meanwhile. Windows prepares its writers first, which
///     takes a minute and more on a busy server.
/// @param thawAttempt one try to thaw; the time within which a lost reply is noticed
/// @param thaw all tries together
record AgentTimeouts(Duration command, Duration freeze, Duration thawAttempt, Duration thaw) {
    static final AgentTimeouts DEFAULT =
            new AgentTimeouts(
                    Duration.ofSeconds(10),
                    Duration.ofSeconds(120),
                    Duration.ofSeconds(15),
                    Duration.ofSeconds(30));
}
