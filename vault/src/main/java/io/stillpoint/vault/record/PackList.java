package io.stillpoint.vault.record;

import io.stillpoint.platform.Json;
import io.stillpoint.vault.store.ObjectId;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Packs that are condemned, or that a verdict deletes.
///
/// @param id of the condemnation; its verdict has the same
public record PackList(ObjectId id, Set<ObjectId> packs) {
    public PackList {
        packs = Set.copyOf(packs);
    }

    ObjectNode toJson() {
        ObjectNode json = Json.object();
        Ids.put(json, "packs", packs);
        return json;
    }

    static PackList fromJson(ObjectId id, JsonNode json) {
        return new PackList(id, Ids.get(json, "packs"));
    }
}
