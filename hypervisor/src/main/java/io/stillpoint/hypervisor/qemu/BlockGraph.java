package io.stillpoint.hypervisor.qemu;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/// QEMU's block nodes and which stands on which, as of one moment. No stable command tells the second;
/// `x-debug-query-block-graph` does since QEMU 4.0.
final class BlockGraph {
    private final Map<String, JsonNode> nodes = new HashMap<>();
    private final Map<String, List<Edge>> below = new HashMap<>();

    /// @param kind such as `file`, `backing`, `target`
    private record Edge(String kind, String child) {}

    /// A node at the bottom: what QEMU really reads and writes.
    ///
    /// @param node its name
    /// @param driver such as `file` or `nbd`
    /// @param file its name, as QEMU tells it
    /// @param isBacking whether it lies below a backing file: read only, and shared by images made from one
    /// @param readOnly whether QEMU opened it so
    record Leaf(String node, String driver, String file, boolean isBacking, boolean readOnly) {}

    private BlockGraph() {}

    static BlockGraph of(Monitor monitor) {
        return of(monitor, monitor.nodes());
    }

    /// @param nodes as the monitor has just told them
    static BlockGraph of(Monitor monitor, JsonNode nodes) {
        BlockGraph graph = new BlockGraph();
        for (JsonNode node : nodes) {
            graph.nodes.put(node.path("node-name").asString(""), node);
        }
        JsonNode answer = monitor.execute("x-debug-query-block-graph");
        Map<Long, String> names = new HashMap<>();
        for (JsonNode node : answer.path("nodes")) {
            names.put(node.path("id").asLong(-1), node.path("name").asString(""));
        }
        for (JsonNode edge : answer.path("edges")) {
            String parent = names.getOrDefault(edge.path("parent").asLong(-1), "");
            String child = names.getOrDefault(edge.path("child").asLong(-1), "");
            graph.below
                    .computeIfAbsent(parent, key -> new ArrayList<>())
                    .add(new Edge(edge.path("name").asString(""), child));
        }
        return graph;
    }

    /// A node's name to that of the node that it passes its requests on to.
    static Map<String, String> below(Monitor monitor) {
        Map<String, String> below = new HashMap<>();
        of(monitor)
                .below
                .forEach((parent, edges) -> {
                    for (Edge edge : edges) {
                        if (edge.kind.equals("file")) {
                            below.put(parent, edge.child);
                        }
                    }
                });
        return below;
    }

    /// The node on which this one stands in this way, such as `file` or `backing`; empty if there is none.
    String child(String node, String kind) {
        return below.getOrDefault(node, List.of()).stream()
                .filter(edge -> edge.kind.equals(kind))
                .map(Edge::child)
                .findFirst()
                .orElse("");
    }

    /// Of all nodes.
    Set<String> names() {
        return Set.copyOf(nodes.keySet());
    }

    /// What QEMU tells of a node, as an element of `query-named-block-nodes`; missing if there is none.
    JsonNode node(String name) {
        JsonNode node = nodes.get(name);
        return node == null ? MissingNode.getInstance() : node;
    }

    /// What lies at the bottom under a node. What a copy-before-write filter copies to is not below it.
    List<Leaf> leaves(String node) {
        List<Leaf> leaves = new ArrayList<>();
        collect(node, false, new HashSet<>(), leaves);
        return leaves;
    }

    private void collect(String name, boolean isBacking, Set<String> seen, List<Leaf> leaves) {
        JsonNode node = nodes.get(name);
        if (node == null || !seen.add(name)) {
            return;
        }
        List<Edge> edges =
                below.getOrDefault(name, List.of()).stream()
                        .filter(edge -> !edge.kind.equals("target"))
                        .toList();
        for (Edge edge : edges) {
            collect(edge.child, isBacking || edge.kind.equals("backing"), seen, leaves);
        }
        if (edges.isEmpty()) {
            leaves.add(
                    new Leaf(
                            name,
                            node.path("drv").asString(""),
                            node.path("file").asString(""),
                            isBacking,
                            node.path("ro").asBoolean(false)));
        }
    }
}
