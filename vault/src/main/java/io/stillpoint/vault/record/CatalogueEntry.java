package io.stillpoint.vault.record;

import io.stillpoint.platform.Json;
import io.stillpoint.vault.store.ObjectId;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A VM has, or was about to have, a point. The name tells which VM and where the point stands among its points.
///
/// @param id of the record
/// @param point its id
public record CatalogueEntry(ObjectId id, ObjectId point) {
    ObjectNode toJson() {
        return Json.object().put("point", point.toString());
    }

    static CatalogueEntry fromJson(ObjectId id, JsonNode json) {
        return new CatalogueEntry(id, ObjectId.parse(json.required("point").asString()));
    }
}
