package io.stillpoint.hypervisor.qemu;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
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

    static List<String> of(Monitor monitor, Reach reach, SweepScope scope) {
        List<String> traces = new ArrayList<>();
        JsonNode nodes = monitor.nodes();
        Set<JobNames> standing =
                new FleeceChain(BlockGraph.of(monitor, nodes)).below(job -> !scope.covers(job));
        for (JsonNode export : monitor.execute("query-block-exports")) {
            add(traces, scope, "export", export.path("id").asString(""));
        }
        for (JsonNode node : nodes) {
            String name = node.path("node-name").asString("");
            if (JobNames.in(name).filter(standing::contains).isEmpty()) {
                add(traces, scope, "node", name);
            }
            for (GuestDisk.Bitmap bitmap : DiskBitmaps.in(node)) {
                boolean isRecord =
                        reach == Reach.EVERYTHING && isCoveredRecord(scope, bitmap.name());
                if (isRecord || scope.covers(bitmap.name())) {
                    traces.add("bitmap " + bitmap.name() + " of " + name);
                }
            }
        }
        for (JsonNode object : new ObjectModel(monitor).list("/objects")) {
            String name = object.path("name").asString("");
            if (JobNames.in(name).filter(standing::contains).isEmpty()) {
                add(traces, scope, "object", name);
            }
        }
        return traces;
    }

    /// Whether it records for the next backup, and nobody keeps it.
    static boolean isCoveredRecord(SweepScope scope, String bitmap) {
        return JobNames.isRecord(bitmap) && scope.coversRecords(JobNames.lineageOf(bitmap));
    }

    private static void add(List<String> traces, SweepScope scope, String what, String name) {
        if (scope.covers(name)) {
            traces.add(what + " " + name);
        }
    }
}
