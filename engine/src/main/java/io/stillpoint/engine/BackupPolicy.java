package io.stillpoint.engine;

import io.stillpoint.vault.point.Consistency;
import java.time.Duration;
import java.util.Optional;

/// What is wanted of the backups of a VM.
///
/// @param atLeast below which no point is made
/// @param limits how long the guest may be disturbed
/// @param vss who speaks with VSS in a Windows guest
/// @param sameVm whether the user says that this is the machine of the earlier points, though it does not look so
/// @param lock for how long after the job's begin the point can't be forgotten
public record BackupPolicy(
        Consistency atLeast, RestLimits limits, Vss vss, boolean sameVm, Optional<Duration> lock) {
    /// Who speaks with VSS.
    public enum Vss {
        /// The extension's service, if the guest has it.
        EXTENSION,
        /// The guest's agent, by its own freeze.
        AGENT
    }
}
