package io.stillpoint.cli;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.text.Moment;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.RecoveryPoint;
import java.time.Instant;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Recovery points for people and for programs.
final class PointFormat {
    private static final int SHORT_ID = 12;

    private PointFormat() {}

    static String shortId(RecoveryPoint point) {
        return point.id().toString().substring(0, SHORT_ID);
    }

    static String time(Instant instant) {
        return Moment.text(instant);
    }

    static String table(List<RecoveryPoint> points) {
        Table table =
                new Table(
                        Output.text("column.point"),
                        Output.text("column.vm"),
                        Output.text("column.taken"),
                        ">" + Output.text("column.size"),
                        ">" + Output.text("column.changed"),
                        ">" + Output.text("column.stored"),
                        Output.text("column.consistency"),
                        ">" + Output.text("column.frozen"),
                        Output.text("column.method"));
        for (RecoveryPoint point : points) {
            table.add(
                    shortId(point),
                    point.vm(),
                    time(point.snapshotAt()),
                    new ByteSize(point.size()).toString(),
                    new ByteSize(point.changedBytes()).toString(),
                    new ByteSize(point.storedBytes()).toString(),
                    point.consistency().word(),
                    point.frozenMillis().isPresent()
                            ? point.frozenMillis().getAsLong() + " ms"
                            : "-",
                    methods(point));
        }
        return table.toString();
    }

    private static String methods(RecoveryPoint point) {
        List<String> words =
                point.disks().stream().map(disk -> disk.method().word()).distinct().toList();
        return String.join(", ", words);
    }

    static ArrayNode json(List<RecoveryPoint> points) {
        ArrayNode array = Json.array();
        points.forEach(point -> array.add(json(point)));
        return array;
    }

    static ObjectNode json(RecoveryPoint point) {
        ObjectNode json = Json.object();
        json.put("id", point.id().toString()).put("vm", point.vm());
        json.put("startedAt", point.startedAt().toString());
        json.put("snapshotAt", point.snapshotAt().toString());
        json.put("createdAt", point.createdAt().toString());
        json.put("consistency", point.consistency().word());
        json.put("consistencyReason", point.consistencyReason());
        point.frozenMillis().ifPresent(millis -> json.put("frozenMillis", millis));
        JsonNode quiescing = point.configuration().path("quiescing");
        if (quiescing.isObject()) {
            json.set("quiescing", quiescing);
        }
        json.put("size", point.size()).put("changedBytes", point.changedBytes());
        json.put("storedBytes", point.storedBytes());
        point.lockedUntil().ifPresent(until -> json.put("lockedUntil", until.toString()));
        ObjectNode lineage = json.putObject("lineage").put("ordinal", point.lineage().ordinal());
        point.lineage().before().ifPresent(before -> lineage.put("before", before.toString()));
        point.copiedFrom()
                .ifPresent(origin ->
                        json.putObject("copiedFrom")
                                .put("vault", origin.vault().toString())
                                .put("point", origin.point().toString()));
        ArrayNode disks = json.putArray("disks");
        for (PointDisk disk : point.disks()) {
            disks.addObject()
                    .put("name", disk.name())
                    .put("size", disk.image().size())
                    .put("format", disk.format())
                    .put("method", disk.method().word())
                    .put("reason", disk.reason())
                    .put("changedBytes", disk.changedBytes())
                    .put("readBytes", disk.readBytes())
                    .put("newBytes", disk.newBytes());
        }
        json.set("configuration", point.configuration());
        return json;
    }
}
