package io.stillpoint.vault.record;

import io.stillpoint.vault.store.ObjectId;
import java.util.HashSet;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Sets of ids in JSON, ascending, so that equal sets give equal bytes.
final class Ids {
    private Ids() {}

    static void put(ObjectNode json, String name, Set<ObjectId> ids) {
        ArrayNode array = json.putArray(name);
        ids.stream().sorted().forEach(id -> array.add(id.toString()));
    }

    /// Throws [IllegalArgumentException] if an entry is no id.
    static Set<ObjectId> get(JsonNode json, String name) {
        Set<ObjectId> ids = new HashSet<>();
        for (JsonNode id : json.required(name)) {
            ids.add(ObjectId.parse(id.asString()));
        }
        return ids;
    }
}
