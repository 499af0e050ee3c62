package io.stillpoint.planning.policy;

import java.time.Duration;

/// What a recovery point must be worth, and how far the guest may be disturbed for it.
///
/// @param atLeast below which no point is made
/// @param extension whether the guest gets the backup extension
/// @param vss who speaks with VSS in a Windows guest
/// @param freezeMax after which a frozen guest thaws by itself
/// @param scriptsMax how long an attempt of one of the guest's scripts may take
public record Quality(
        Least atLeast, boolean extension, Vss vss, Duration freezeMax, Duration scriptsMax) {
    /// As `stillpoint backup` without options.
    public static final Quality USUAL =
            new Quality(
                    Least.CRASH,
                    true,
                    Vss.EXTENSION,
                    Duration.ofMinutes(1),
                    Duration.ofMinutes(30));

    /// The least consistency (`docs/consistency.md`).
    public enum Least {
        CRASH,
        FILE_SYSTEM,
        APPLICATION
    }

    /// Who speaks with VSS.
    public enum Vss {
        /// The extension's service, if the guest has it.
        EXTENSION,
        /// The guest's agent.
        AGENT
    }
}
