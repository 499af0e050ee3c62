package io.stillpoint.engine;

import io.stillpoint.platform.Json;
import io.stillpoint.vault.point.Consistency;
import java.time.Instant;
import java.util.OptionalLong;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// What is known of an instant at which a VM's disks were held. Nobody can be asked for it again.
///
/// @param consistencyReason why not better, as a code; empty if nothing is better
/// @param frozenMillis how long the guest's file systems were frozen, if they were
/// @param quiescing what the guest told, for the point; empty if nothing was asked of it
public record InstantReport(
        Instant at,
        Consistency consistency,
        String consistencyReason,
        OptionalLong frozenMillis,
        ObjectNode quiescing) {
    /// As it is stored; [#of] reads it.
    ObjectNode json() {
        ObjectNode json =
                Json.object()
                        .put("at", at.toString())
                        .put("consistency", consistency.word())
                        .put("reason", consistencyReason);
        frozenMillis.ifPresent(millis -> json.put("frozenMillis", millis));
        json.set("quiescing", quiescing.deepCopy());
        return json;
    }

    static InstantReport of(JsonNode json) {
        if (!(json.required("quiescing") instanceof ObjectNode quiescing)) {
            throw JobException.unreadable("quiescing is no object", null);
        }
        return new InstantReport(
                Json.instant(json, "at"),
                Consistency.of(json.required("consistency").asString()),
                json.required("reason").asString(),
                json.has("frozenMillis")
                        ? OptionalLong.of(json.required("frozenMillis").asLong())
                        : OptionalLong.empty(),
                quiescing.deepCopy());
    }
}
