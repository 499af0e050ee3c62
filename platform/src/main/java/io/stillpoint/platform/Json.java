package io.stillpoint.platform;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// JSON as trees (RFC 8259), UTF-8 on the wire. Trees rather than bound classes: no reflection at start-up,
/// and unknown fields of a newer peer are simply not asked for.
public final class Json {
    private static final JsonMapper MAPPER = JsonMapper.shared();

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

    /// The document on one line, without a line end.
    public static byte[] bytes(JsonNode node) {
        return MAPPER.writeValueAsBytes(node);
    }

    /// The document indented for people.
    public static String pretty(JsonNode node) {
        return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(node);
    }
}
