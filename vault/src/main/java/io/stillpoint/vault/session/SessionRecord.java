package io.stillpoint.vault.session;

import io.stillpoint.platform.Json;
import io.stillpoint.vault.store.ObjectId;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// What a process keeps of a session, so that another one can go on with it when it has died (`docs/locking.md`, "A session that is
/// taken up again").
///
/// @param point the id of the point that the session promises
/// @param base the point that it builds on
public record SessionRecord(ObjectId point, Optional<ObjectId> base) {
    /// As it can be kept in a journal.
    public ObjectNode json() {
        ObjectNode json = Json.object().put("point", point.toString());
        base.ifPresent(id -> json.put("base", id.toString()));
        return json;
    }

    /// What [#json] gave. Throws [IllegalArgumentException] if it is something else.
    public static SessionRecord of(JsonNode json) {
        JsonNode base = json.path("base");
        return new SessionRecord(
                ObjectId.parse(json.path("point").asString("")),
                base.isMissingNode()
                        ? Optional.empty()
                        : Optional.of(ObjectId.parse(base.asString(""))));
    }
}
