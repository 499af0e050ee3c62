package io.stillpoint.engine;

import io.stillpoint.platform.Json;
import io.stillpoint.vault.store.ObjectId;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Stands for the vault's own until that has it.
record SealedPoint(ObjectId id) {
    ObjectNode json() {
        return Json.object().put("id", id.toString());
    }

    static SealedPoint of(JsonNode json) {
        return new SealedPoint(ObjectId.parse(json.required("id").asString()));
    }
}
