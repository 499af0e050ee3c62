package io.stillpoint.service.control;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;

/// What differs between two trees of settings, for people: `retention.daily: 7, now 14`.
final class Differences {
    private static final String NOTHING = "-";

    private Differences() {}

    static List<String> of(JsonNode before, JsonNode after) {
        Map<String, String> old = new TreeMap<>();
        flatten("", before, old);
        Map<String, String> now = new TreeMap<>();
        flatten("", after, now);
        List<String> differences = new ArrayList<>();
        Map<String, String> paths = new TreeMap<>(old);
        paths.putAll(now);
        for (String path : paths.keySet()) {
            String was = old.getOrDefault(path, NOTHING);
            String is = now.getOrDefault(path, NOTHING);
            if (!was.equals(is)) {
                differences.add(path + ": " + was + ", now " + is);
            }
        }
        return differences;
    }

    /// A list counts as one value.
    private static void flatten(String path, JsonNode node, Map<String, String> to) {
        if (!node.isObject()) {
            to.put(path, node.isValueNode() ? node.asString("") : node.toString());
            return;
        }
        for (Map.Entry<String, JsonNode> each : node.properties()) {
            flatten(
                    path.isEmpty() ? each.getKey() : path + "." + each.getKey(),
                    each.getValue(),
                    to);
        }
    }
}
