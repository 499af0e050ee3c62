package io.stillpoint.hypervisor.qemu;

import io.stillpoint.platform.Json;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/// What of ours is in a QEMU, by its names.
final class Traces {
    private Traces() {}

    /// How much counts.
    enum Reach {
        /// All that a job takes with it when it ends.
        LEFTOVERS,
        /// Bitmaps that record for the next backup, too.
        EVERYTHING
    }

    static List<String> of(Monitor monitor, Reach reach) {
        List<String> traces = new ArrayList<>();
        for (JsonNode export : monitor.execute("query-block-exports")) {
            add(traces, "export", export.path("id").asString(""));
        }
        for (JsonNode job : monitor.execute("query-jobs")) {
            add(traces, "job", job.path("id").asString(""));
        }
        for (JsonNode node : monitor.nodes()) {
            String name = node.path("node-name").asString("");
            add(traces, "node", name);
            for (GuestDisk.Bitmap bitmap : DiskBitmaps.in(node)) {
                boolean counts =
                        reach == Reach.EVERYTHING
                                ? JobNames.isOurBitmap(bitmap.name())
                                : JobNames.isMerged(bitmap.name());
                if (counts) {
                    traces.add("bitmap " + bitmap.name() + " of " + name);
                }
            }
        }
        for (JsonNode object :
                monitor.ask("qom-list", Json.object().put("path", "/objects"))
                        .orElse(Json.array())) {
            add(traces, "object", object.path("name").asString(""));
        }
        return traces;
    }

    private static void add(List<String> traces, String what, String name) {
        if (JobNames.isOurs(name)) {
            traces.add(what + " " + name);
        }
    }
}
