package io.stillpoint.vault.record;

import io.stillpoint.platform.Json;
import io.stillpoint.vault.store.ObjectId;
import java.time.Instant;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Somebody is making a point.
///
/// @param id of the record; a renewal has another one
/// @param point which point it will make; nobody else makes one of this id
/// @param startedAt by the clock of who started it
/// @param renewedAt when this record was made, by the same clock
/// @param patience how long the record is believed before the session is taken for dead, in seconds
/// @param bases points that the new one builds on
/// @param known condemnations and verdicts whose packs it avoids
public record Session(
        ObjectId id,
        ObjectId point,
        Instant startedAt,
        Instant renewedAt,
        long patience,
        Set<ObjectId> bases,
        Set<ObjectId> known) {
    public Session {
        bases = Set.copyOf(bases);
        known = Set.copyOf(known);
    }

    /// Ten years, in seconds.
    private static final long PATIENCE_MAX = 315_576_000;

    ObjectNode toJson() {
        ObjectNode json = Json.object();
        json.put("point", point.toString()).put("startedAt", startedAt.toString());
        json.put("renewedAt", renewedAt.toString());
        json.put("patienceSeconds", patience);
        Ids.put(json, "bases", bases);
        Ids.put(json, "known", known);
        return json;
    }

    static Session fromJson(ObjectId id, JsonNode json) {
        long patience = json.required("patienceSeconds").asLong();
        if (patience < -PATIENCE_MAX || patience > PATIENCE_MAX) {
            throw new IllegalArgumentException("no patience: " + patience);
        }
        return new Session(
                id,
                ObjectId.parse(json.required("point").asString()),
                Json.instant(json, "startedAt"),
                Json.instant(json, "renewedAt"),
                patience,
                Ids.get(json, "bases"),
                Ids.get(json, "known"));
    }

    /// The same session under another record.
    public Session renewed(ObjectId fresh, Instant now) {
        return new Session(fresh, point, startedAt, now, patience, bases, known);
    }

    /// The same session, which will make a point of another id.
    public Session promising(ObjectId fresh, ObjectId other, Instant now) {
        return new Session(fresh, other, startedAt, now, patience, bases, known);
    }
}
