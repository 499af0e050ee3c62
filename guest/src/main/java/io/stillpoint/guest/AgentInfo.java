package io.stillpoint.guest;

import java.util.Set;

/// What the agent is and can do (`guest-info`).
///
/// @param commands those that are supported and enabled
public record AgentInfo(String version, Set<String> commands) {
    public AgentInfo {
        commands = Set.copyOf(commands);
    }

    /// Whether file systems can be frozen, thawed and asked about.
    public boolean canFreeze() {
        return commands.contains("guest-fsfreeze-freeze")
                && commands.contains("guest-fsfreeze-thaw")
                && commands.contains("guest-fsfreeze-status");
    }

    /// Whether programs can be run.
    public boolean canExecute() {
        return commands.contains("guest-exec") && commands.contains("guest-exec-status");
    }
}
