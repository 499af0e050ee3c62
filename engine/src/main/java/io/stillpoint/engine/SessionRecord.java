package io.stillpoint.engine;

import io.stillpoint.platform.Json;
import io.stillpoint.vault.store.ObjectId;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Stands for the vault's own until that has it.
record SessionRecord(ObjectId point, Optional<ObjectId> base) {
    ObjectNode json() {
        ObjectNode json = Json.object().put("point", point.toString());
        base.ifPresent(id -> json.put("base", id.toString()));
        return json;
    }

    static SessionRecord of(JsonNode json) {
        return new SessionRecord(
                ObjectId.parse(json.required("point").asString()),
                json.has("base")
                        ? Optional.of(ObjectId.parse(json.required("base").asString()))
                        : Optional.empty());
    }
}
