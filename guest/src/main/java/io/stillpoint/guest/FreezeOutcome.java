package io.stillpoint.guest;

/// How the guest answered the wish to freeze its file systems.
public sealed interface FreezeOutcome {
    /// All file systems are frozen; nothing in the guest can write until they are thawed.
    ///
    /// @param fileSystems how many, at least 1; on Windows volumes
    record Frozen(int fileSystems) implements FreezeOutcome {}

    /// Nothing of ours is frozen; there is no need to thaw.
    ///
    /// @param code the reason as a stable code, which is also the key of its text in the package's
    ///     `messages.properties`: `guest.freeze-unsupported`, `guest.freeze-disabled`,
    ///     `guest.freeze-failed`, `guest.nothing-to-freeze` or `guest.already-frozen`
    /// @param detail the agent's own words, which are that text's only argument
    record Refused(String code, String detail) implements FreezeOutcome {}
}
