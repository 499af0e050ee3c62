package io.stillpoint.guest.extension;

import io.stillpoint.platform.Json;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What the host keeps of a VM's extension.
///
/// @param state as in [Health#state()] when it was last seen
/// @param lastSeen when that was
/// @param vssPassedOver for how many more backups VSS is passed over after a writer failed, 0 to 3
public record ExtensionRecord(
        String vm,
        ExtensionType type,
        ExtensionVersion version,
        String state,
        boolean isHealthy,
        List<Health.Check> checks,
        Instant lastSeen,
        int vssPassedOver) {
    public static final int VSS_PASSED_OVER_MAX = 3;

    public ExtensionRecord {
        checks = List.copyOf(checks);
        if (vssPassedOver < 0 || vssPassedOver > VSS_PASSED_OVER_MAX) {
            throw new IllegalArgumentException("vssPassedOver: " + vssPassedOver);
        }
    }

    /// The same but for VSS.
    public ExtensionRecord withVssPassedOver(int backups) {
        return new ExtensionRecord(vm, type, version, state, isHealthy, checks, lastSeen, backups);
    }

    /// For files and for programs.
    public ObjectNode json() {
        ObjectNode json = Json.object();
        json.put("vm", vm).put("type", type.id()).put("version", version.toString());
        json.put("state", state).put("healthy", isHealthy);
        json.set("checks", json(checks));
        json.put("lastSeen", lastSeen.toString()).put("vssPassedOver", vssPassedOver);
        return json;
    }

    static ArrayNode json(List<Health.Check> checks) {
        ArrayNode list = Json.array();
        for (Health.Check check : checks) {
            list.addObject()
                    .put("name", check.name())
                    .put("ok", check.isOk())
                    .put("detail", check.detail());
        }
        return list;
    }

    /// Throws [IllegalArgumentException] if the bytes are none.
    static ExtensionRecord parse(byte[] bytes) {
        try {
            JsonNode json = Json.parse(bytes);
            List<Health.Check> checks = new ArrayList<>();
            for (JsonNode check : json.required("checks")) {
                checks.add(
                        new Health.Check(
                                check.required("name").asString(),
                                check.required("ok").asBoolean(),
                                check.required("detail").asString()));
            }
            return new ExtensionRecord(
                    json.required("vm").asString(),
                    ExtensionType.byId(json.required("type").asString())
                            .orElseThrow(() -> new IllegalArgumentException("type")),
                    ExtensionVersion.parse(json.required("version").asString())
                            .orElseThrow(() -> new IllegalArgumentException("version")),
                    json.required("state").asString(),
                    json.required("healthy").asBoolean(),
                    checks,
                    Json.instant(json, "lastSeen"),
                    json.required("vssPassedOver").asInt());
        } catch (JacksonException | DateTimeException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }
}
