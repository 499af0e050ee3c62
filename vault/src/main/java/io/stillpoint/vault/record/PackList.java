package io.stillpoint.vault.record;

import io.stillpoint.platform.Json;
import io.stillpoint.vault.store.ObjectId;
import java.util.Collections;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Packs that are condemned, or that a verdict deletes.
///
/// @param id of the condemnation; its verdict has the same
/// @param packs ascending, so that every process goes through them in the same order
public record PackList(ObjectId id, Set<ObjectId> packs) {
    public PackList {
        packs = Collections.unmodifiableSortedSet(new TreeSet<>(packs));
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
