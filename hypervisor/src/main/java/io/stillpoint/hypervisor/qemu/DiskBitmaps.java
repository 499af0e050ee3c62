package io.stillpoint.hypervisor.qemu;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/// The named bitmaps of a node.
record DiskBitmaps(Monitor monitor) {
    List<GuestDisk.Bitmap> of(String node) {
        for (JsonNode each : monitor.nodes()) {
            if (each.path("node-name").asString("").equals(node)) {
                return in(each);
            }
        }
        return List.of();
    }

    /// Reads an element of `query-named-block-nodes`. Filters and jobs have bitmaps without a name.
    static List<GuestDisk.Bitmap> in(JsonNode node) {
        List<GuestDisk.Bitmap> bitmaps = new ArrayList<>();
        for (JsonNode bitmap : node.path("dirty-bitmaps")) {
            if (bitmap.has("name")) {
                bitmaps.add(
                        new GuestDisk.Bitmap(
                                bitmap.path("name").asString(),
                                bitmap.path("recording").asBoolean(false),
                                bitmap.path("inconsistent").asBoolean(false),
                                bitmap.path("persistent").asBoolean(false),
                                bitmap.path("count").asLong(0)));
            }
        }
        return bitmaps;
    }

    /// What each bitmap without a name marks, in bytes.
    static List<Long> unnamedBytes(JsonNode node) {
        List<Long> bytes = new ArrayList<>();
        for (JsonNode bitmap : node.path("dirty-bitmaps")) {
            if (!bitmap.has("name")) {
                bytes.add(bitmap.path("count").asLong(0));
            }
        }
        return bytes;
    }
}
