package io.stillpoint.hypervisor.qemu;

import java.util.HashMap;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/// Which block node passes its requests on to which. No stable command tells; `x-debug-query-block-graph` does since
/// QEMU 4.0.
final class BlockGraph {
    private BlockGraph() {}

    /// A node's name to that of the node below it.
    static Map<String, String> below(Monitor monitor) {
        JsonNode graph = monitor.execute("x-debug-query-block-graph");
        Map<Long, String> names = new HashMap<>();
        for (JsonNode node : graph.path("nodes")) {
            names.put(node.path("id").asLong(-1), node.path("name").asString(""));
        }
        Map<String, String> below = new HashMap<>();
        for (JsonNode edge : graph.path("edges")) {
            if (edge.path("name").asString("").equals("file")) {
                below.put(
                        names.getOrDefault(edge.path("parent").asLong(-1), ""),
                        names.getOrDefault(edge.path("child").asLong(-1), ""));
            }
        }
        return below;
    }
}
