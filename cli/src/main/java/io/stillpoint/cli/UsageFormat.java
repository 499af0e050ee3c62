package io.stillpoint.cli;

import io.stillpoint.platform.Json;
import io.stillpoint.stores.request.Meter;
import io.stillpoint.stores.request.StoreUsage;
import tools.jackson.databind.node.ObjectNode;

/// What a command asked of a remote store, for people and for programs.
final class UsageFormat {
    private UsageFormat() {}

    static String text(Meter meter) {
        return Output.text("store.usage", meter.usage().line(meter.prices()));
    }

    static ObjectNode json(Meter meter) {
        StoreUsage usage = meter.usage();
        ObjectNode json = Json.object();
        json.put("puts", usage.puts()).put("gets", usage.gets()).put("deletes", usage.deletes());
        json.put("bytesUp", usage.bytesUp()).put("bytesDown", usage.bytesDown());
        json.put("cost", usage.cost(meter.prices()));
        json.put("costPerMonth", usage.monthly(meter.prices()));
        json.put("currency", meter.prices().currency());
        return json;
    }
}
