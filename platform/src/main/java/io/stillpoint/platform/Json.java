package io.stillpoint.platform;

import java.time.DateTimeException;
import java.time.Instant;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// JSON as trees (RFC 8259), UTF-8 on the wire. Trees rather than bound classes: no reflection at start-up,
/// and unknown fields of a newer peer are simply not asked for.
public final class Json {
    private static final JsonMapper MAPPER = JsonMapper.shared();

    private static final Instant YEAR_10000 = Instant.parse("+10000-01-01T00:00:00Z");

    private Json() {}

    /// A new, empty object.
    public static ObjectNode object() {
        return MAPPER.createObjectNode();
    }

    /// A new, empty array.
    public static ArrayNode array() {
        return MAPPER.createArrayNode();
    }

    /// Parses one document. Throws [JacksonException] if the bytes are not JSON.
    public static JsonNode parse(byte[] utf8) {
        return MAPPER.readTree(utf8);
    }

    /// Parses one document. Throws [JacksonException] if the text is not JSON.
    public static JsonNode parse(String text) {
        return MAPPER.readTree(text);
    }

    /// An instant of a required field. Throws [JacksonException] or [DateTimeException] if it is none of the years 1970 to
    /// 9999: with others, sums would overflow.
    public static Instant instant(JsonNode object, String field) {
        Instant instant = Instant.parse(object.required(field).asString());
        if (instant.isBefore(Instant.EPOCH) || !instant.isBefore(YEAR_10000)) {
            throw new DateTimeException("out of bounds: " + instant);
        }
        return instant;
    }

    /// The document on one line, without a line end.
    public static byte[] bytes(JsonNode node) {
        return MAPPER.writeValueAsBytes(node);
    }

    /// The document indented for people.
    public static String pretty(JsonNode node) {
        return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(node);
    }
}
