package io.stillpoint.service.control;

import io.stillpoint.platform.ByteSize;
import java.time.DateTimeException;
import java.time.Instant;
import tools.jackson.databind.JsonNode;

/// Fields of an answer's lines that are more than text. Each throws a [ControlException] if the field is something else:
/// who answered may be no service, or one of another version.
public final class Answered {
    private Answered() {}

    /// An instant.
    public static Instant instant(JsonNode line, String key) {
        try {
            return Instant.parse(line.path(key).asString(""));
        } catch (DateTimeException e) {
            throw ControlException.unreadable(key, line.path(key).toString(), e);
        }
    }

    /// A text that is not empty.
    public static String text(JsonNode line, String key) {
        String text = line.path(key).asString("");
        if (text.isEmpty()) {
            throw ControlException.unreadable(key, line.path(key).toString(), null);
        }
        return text;
    }

    /// A count; zero if there is none.
    public static long count(JsonNode line, String key) {
        JsonNode found = line.path(key);
        if (found.isMissingNode()) {
            return 0;
        }
        if (!found.isIntegralNumber() || !found.canConvertToLong() || found.asLong() < 0) {
            throw ControlException.unreadable(key, found.toString(), null);
        }
        return found.asLong();
    }

    /// A number of bytes; zero if there is none.
    public static ByteSize size(JsonNode line, String key) {
        return new ByteSize(count(line, key));
    }
}
