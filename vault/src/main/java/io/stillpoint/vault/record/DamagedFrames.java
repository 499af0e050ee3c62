package io.stillpoint.vault.record;

import io.stillpoint.platform.Json;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.store.ObjectId;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Frames that were found damaged: backups store again what lies in them.
///
/// @param frames offsets of frames by pack; [#WHOLE_PACK]: the whole pack is damaged or missing
public record DamagedFrames(Map<ObjectId, Set<Long>> frames) {
    /// Stands for all frames of a pack; no frame begins at this offset.
    public static final long WHOLE_PACK = 0;

    public static final DamagedFrames NONE = new DamagedFrames(Map.of());

    public DamagedFrames {
        Map<ObjectId, Set<Long>> copy = new HashMap<>();
        frames.forEach((pack, offsets) -> copy.put(pack, Set.copyOf(offsets)));
        frames = Map.copyOf(copy);
    }

    /// Whether what lies there is damaged.
    public boolean contains(Place place) {
        Set<Long> offsets = frames.get(place.pack());
        return offsets != null
                && (offsets.contains(WHOLE_PACK) || offsets.contains(place.frameOffset()));
    }

    /// Those of an item's places that are not damaged, or all if there is none: better than nothing.
    public Set<Place> sound(Set<Place> places) {
        if (isEmpty()) {
            return places;
        }
        Set<Place> sound = new HashSet<>(places);
        sound.removeIf(this::contains);
        return sound.isEmpty() ? places : sound;
    }

    public boolean isEmpty() {
        return frames.isEmpty();
    }

    /// These and others.
    public DamagedFrames and(DamagedFrames others) {
        Map<ObjectId, Set<Long>> both = new HashMap<>();
        frames.forEach((pack, offsets) -> both.put(pack, new HashSet<>(offsets)));
        others.frames.forEach((pack, offsets) ->
                both.computeIfAbsent(pack, _ -> new HashSet<>()).addAll(offsets));
        return new DamagedFrames(both);
    }

    ObjectNode toJson() {
        ObjectNode json = Json.object();
        ArrayNode array = json.putArray("frames");
        frames.forEach((pack, offsets) ->
                offsets.stream()
                        .sorted()
                        .forEach(offset ->
                                array.addObject()
                                        .put("pack", pack.toString())
                                        .put("offset", offset)));
        return json;
    }

    static DamagedFrames fromJson(JsonNode json) {
        Map<ObjectId, Set<Long>> frames = new HashMap<>();
        for (JsonNode frame : json.required("frames")) {
            frames.computeIfAbsent(
                            ObjectId.parse(frame.required("pack").asString()), _ -> new HashSet<>())
                    .add(frame.required("offset").asLong());
        }
        return new DamagedFrames(frames);
    }
}
