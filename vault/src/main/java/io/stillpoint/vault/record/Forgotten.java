package io.stillpoint.vault.record;

import io.stillpoint.platform.Json;
import io.stillpoint.vault.store.ObjectId;
import java.time.Instant;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A point is not offered any more.
///
/// @param point its id, which is the record's too
/// @param forgetting tells this time from others: a point can be forgotten, brought back and forgotten again
/// @param at when it was forgotten, by the store's clock
/// @param purgeAt before this instant it can be brought back, after it prune deletes it
public record Forgotten(ObjectId point, ObjectId forgetting, Instant at, Instant purgeAt) {
    ObjectNode toJson() {
        return Json.object()
                .put("forgetting", forgetting.toString())
                .put("at", at.toString())
                .put("purgeAt", purgeAt.toString());
    }

    static Forgotten fromJson(ObjectId id, JsonNode json) {
        return new Forgotten(
                id,
                ObjectId.parse(json.required("forgetting").asString()),
                Json.instant(json, "at"),
                Json.instant(json, "purgeAt"));
    }
}
