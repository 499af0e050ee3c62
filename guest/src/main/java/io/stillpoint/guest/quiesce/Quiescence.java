package io.stillpoint.guest.quiesce;

import io.stillpoint.platform.text.Text;
import java.util.List;
import java.util.OptionalLong;
import tools.jackson.databind.node.ObjectNode;

/// What came of bringing a guest to rest.
///
/// @param detail why applications or rest are not better, for people; empty if they are good
/// @param frozenMillis how long file systems were frozen, if they were
/// @param report what the guest told of it, for the recovery point: mounts, scripts, writers; may be empty
/// @param warnings what the user should know besides
public record Quiescence(
        Applications applications,
        Rest rest,
        Text detail,
        OptionalLong frozenMillis,
        ObjectNode report,
        List<Warning> warnings) {
    /// @param code stable, such as `guest.no-watchdog`
    public record Warning(String code, Text text) {}

    public Quiescence {
        warnings = List.copyOf(warnings);
    }
}
