package io.stillpoint.hypervisor.qemu;

import io.stillpoint.platform.Json;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The objects that a machine is made of, by path, and their properties (QEMU's object model, docs/devel/qom of QEMU).
/// Looks only. What an object lacks, or what this QEMU refuses to tell, is absent.
///
/// Each question costs a millisecond or so: the monitor of QEMU 7.2 takes its commands byte by byte, each in a turn of the
/// main loop. Sending several at once gains nothing.
final class ObjectModel {
    private final Monitor monitor;
    private final Map<String, List<JsonNode>> ofTypes = new HashMap<>();

    ObjectModel(Monitor monitor) {
        this.monitor = monitor;
    }

    /// What an object has: `name` and `type` of each property, children and links among them.
    List<JsonNode> list(String path) {
        return elements(monitor.ask("qom-list", Json.object().put("path", path)));
    }

    /// What devices of a type can be told with `-device`: `name`, `type` and perhaps `default-value` of each.
    List<JsonNode> ofType(String type) {
        return ofTypes.computeIfAbsent(
                type,
                name ->
                        elements(
                                monitor.ask(
                                        "device-list-properties",
                                        Json.object().put("typename", name))));
    }

    Optional<JsonNode> get(String path, String name) {
        return monitor.ask("qom-get", property(path, name));
    }

    /// A property's value, or nothing where it is no text.
    String text(String path, String name) {
        return get(path, name).map(value -> value.asString("")).orElse("");
    }

    /// The values of these properties, as far as there are any, in that order.
    Map<String, JsonNode> get(String path, List<String> names) {
        Map<String, JsonNode> values = new LinkedHashMap<>();
        for (String name : names) {
            get(path, name).ifPresent(value -> values.put(name, value));
        }
        return values;
    }

    private static ObjectNode property(String path, String name) {
        return Json.object().put("path", path).put("property", name);
    }

    private static List<JsonNode> elements(Optional<JsonNode> list) {
        List<JsonNode> elements = new ArrayList<>();
        list.ifPresent(found -> found.forEach(elements::add));
        return elements;
    }
}
