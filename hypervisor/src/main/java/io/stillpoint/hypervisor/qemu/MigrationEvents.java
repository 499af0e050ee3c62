package io.stillpoint.hypervisor.qemu;

import io.stillpoint.platform.Json;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Lets QEMU tell of a migration the moment it begins, since one of a small VM is over before anybody has asked twice.
/// Where this is switched on already, as by libvirt, it stays so.
final class MigrationEvents {
    static final String NAME = "MIGRATION";
    private static final String COMMAND = "migrate-set-capabilities";

    private final Monitor monitor;
    private boolean isOurs;

    private MigrationEvents(Monitor monitor, boolean isOurs) {
        this.monitor = monitor;
        this.isOurs = isOurs;
    }

    /// Without events a migration is noticed by asking for it, later.
    static MigrationEvents begin(Monitor monitor) {
        return resume(monitor, false);
    }

    /// As [#begin], for a snapshot that an ended process of ours took.
    ///
    /// @param isOurs whether that process switched it on
    static MigrationEvents resume(Monitor monitor, boolean isOurs) {
        MigrationEvents events = new MigrationEvents(monitor, isOurs);
        for (JsonNode capability :
                monitor.ask("query-migrate-capabilities", Json.object()).orElse(Json.array())) {
            if (capability.path("capability").asString("").equals("events")
                    && !capability.path("state").asBoolean(true)) {
                events.isOurs = monitor.ask(COMMAND, state(true)).isPresent();
            }
        }
        return events;
    }

    /// Switches it off after a snapshot that could not be taken up.
    ///
    /// @param isOurs as [#resume]
    static void end(Monitor monitor, boolean isOurs) {
        new MigrationEvents(monitor, isOurs).end();
    }

    /// Whether it is on for us alone.
    boolean isOurs() {
        return isOurs;
    }

    /// During a migration the switch can't be moved: it stays on then, which changes nothing else.
    void end() {
        if (isOurs) {
            isOurs = monitor.ask(COMMAND, state(false)).isEmpty();
        }
    }

    private static ObjectNode state(boolean isOn) {
        ObjectNode arguments = Json.object();
        arguments
                .putArray("capabilities")
                .add(Json.object().put("capability", "events").put("state", isOn));
        return arguments;
    }
}
