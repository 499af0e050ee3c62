package io.stillpoint.vault.point;

import io.stillpoint.platform.Json;
import io.stillpoint.vault.store.ObjectId;
import java.util.Arrays;
import java.util.Base64;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A recovery point that is ready to be made: the bytes of its object. Whoever has kept them can commit it, again and again, and
/// it is one point.
///
/// @param bytes encrypted; not to be changed
public record SealedPoint(ObjectId id, byte[] bytes) {
    /// As it can be kept in a journal.
    public ObjectNode json() {
        return Json.object()
                .put("id", id.toString())
                .put("bytes", Base64.getEncoder().encodeToString(bytes));
    }

    /// What [#json] gave. Throws [IllegalArgumentException] if it is something else.
    public static SealedPoint of(JsonNode json) {
        return new SealedPoint(
                ObjectId.parse(json.path("id").asString("")),
                Base64.getDecoder().decode(json.path("bytes").asString("")));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof SealedPoint(ObjectId otherId, byte[] otherBytes)
                && id.equals(otherId)
                && Arrays.equals(bytes, otherBytes);
    }

    @Override
    public int hashCode() {
        return id.hashCode();
    }

    @Override
    public String toString() {
        return "sealed point " + id;
    }
}
