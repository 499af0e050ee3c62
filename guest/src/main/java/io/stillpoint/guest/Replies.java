package io.stillpoint.guest;

import io.stillpoint.platform.disk.Reason;
import java.util.Base64;
import tools.jackson.databind.JsonNode;

/// Takes values out of replies. The guest is not trusted: a value of another form is a broken protocol.
final class Replies {
    private Replies() {}

    /// A number of things.
    static int count(AgentSession session, JsonNode value) {
        if (!value.isIntegralNumber() || !value.canConvertToInt() || value.asInt() < 0) {
            throw session.protocol("a count", value.toString());
        }
        return value.asInt();
    }

    /// A number that the agent gave something, such as a process.
    static long number(AgentSession session, JsonNode value) {
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw session.protocol("a number", value.toString());
        }
        return value.asLong();
    }

    /// Bytes in base64; none if the value is missing.
    static byte[] bytes(AgentSession session, JsonNode value) {
        try {
            return Base64.getDecoder().decode(value.asString(""));
        } catch (IllegalArgumentException e) {
            throw session.protocol("base64", Reason.of(e));
        }
    }
}
