package io.stillpoint.vault.record;

import io.stillpoint.platform.Json;
import io.stillpoint.vault.store.ObjectId;
import java.time.Instant;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A forgotten point was brought back. The record stays as long as the point, so that a forgotten record that somebody
/// kept and puts back means nothing.
///
/// @param id of the record
/// @param point its id
/// @param forgetting which of the point's forgettings does not count any more
/// @param at by the store's clock
public record Undone(ObjectId id, ObjectId point, ObjectId forgetting, Instant at) {
    ObjectNode toJson() {
        return Json.object()
                .put("point", point.toString())
                .put("forgetting", forgetting.toString())
                .put("at", at.toString());
    }

    static Undone fromJson(ObjectId id, JsonNode json) {
        return new Undone(
                id,
                ObjectId.parse(json.required("point").asString()),
                ObjectId.parse(json.required("forgetting").asString()),
                Json.instant(json, "at"));
    }
}
