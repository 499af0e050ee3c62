package io.stillpoint.service.control;

import io.stillpoint.platform.setting.Written;
import java.time.Duration;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// What a command asks for.
///
/// @param json the request
/// @param user who asks, as the system says
/// @param reply takes the answer, line by line
record Ask(JsonNode json, String user, ControlServer.Reply reply) {
    private static final Duration LEAST = Duration.ofMinutes(1);

    /// A hundred years.
    private static final Duration MOST = Duration.ofDays(36_500);

    private static final int TEXT_MAX = 1000;

    /// A text of the request. Throws a [ControlException] if it is missing or empty.
    String required(String key) {
        return optional(key).orElseThrow(() -> ControlException.request(key + " is missing"));
    }

    /// A text of the request; empty if it is missing or empty.
    Optional<String> optional(String key) {
        String text = json.path(key).asString("");
        if (text.length() > TEXT_MAX) {
            throw ControlException.wrong(key + ": more than " + TEXT_MAX + " characters.");
        }
        return Optional.of(text).filter(each -> !each.isEmpty());
    }

    /// A length of time of the request; empty if it is missing. Throws what says that it is none.
    Optional<Duration> duration(String key) {
        return optional(key)
                .map(text -> {
                    Duration duration = Written.duration(text);
                    if (duration.compareTo(LEAST) < 0 || duration.compareTo(MOST) > 0) {
                        throw ControlException.wrong(
                                key + " " + text + ": a minute to a hundred years are possible.");
                    }
                    return duration;
                });
    }

    /// Whether who asks could read and write all that the service can.
    boolean isOwner() {
        return ControlServer.Rules.USUAL.isOwner().test(user);
    }

    /// Whether who asks has said that something is meant that can't be undone, or not easily.
    boolean isConfirmed() {
        return json.path("confirmed").asBoolean(false);
    }

    void line(ObjectNode line) {
        reply.line(line);
    }
}
