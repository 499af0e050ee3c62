package io.stillpoint.hypervisor.qemu;

import tools.jackson.databind.JsonNode;

/// An event of the monitor.
///
/// @param data the event's data; a missing node when it has none
record QmpEvent(String name, JsonNode data) {}
