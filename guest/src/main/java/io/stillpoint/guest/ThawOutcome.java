package io.stillpoint.guest;

/// The answer to a thaw. In the first two cases the agent was asked, and said that all is thawed.
public sealed interface ThawOutcome {
    /// Everything that was frozen stayed frozen until now.
    record Clean(int fileSystems) implements ThawOutcome {}

    /// All is thawed, but not all of it by us: something else had thawed before, as the watchdog does at its
    /// deadline. What was read since the freeze may not be consistent.
    ///
    /// @param thawed how many file systems our own thaw found frozen
    record Late(int frozen, int thawed, String detail) implements ThawOutcome {}

    /// It could not be proved in time. The guest may be frozen still: the worst that a backup can leave.
    record Failed(String detail) implements ThawOutcome {}
}
