package io.stillpoint.guest;

/// The answer to a freeze.
public sealed interface FreezeOutcome {
    /// The file systems are frozen: nothing inside the guest can write until they are thawed.
    ///
    /// @param fileSystems how many
    record Frozen(int fileSystems) implements FreezeOutcome {}

    /// They are not, and were proved to be thawed where that was in doubt.
    ///
    /// @param code `freeze.not-supported`, `freeze.already-frozen`, `freeze.failed`, `freeze.timeout`
    /// @param detail the agent's words
    record Refused(String code, String detail) implements FreezeOutcome {}
}
