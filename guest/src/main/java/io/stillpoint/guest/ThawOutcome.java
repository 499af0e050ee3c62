package io.stillpoint.guest;

import io.stillpoint.platform.text.Text;

/// What is known of the guest after the wish to thaw it.
public sealed interface ThawOutcome {
    /// The guest was frozen until this thaw, and says that it is thawed now.
    ///
    /// @param fileSystems how many were thawed, at least 1. Fewer than were frozen means that some
    ///     were thawed earlier by somebody else.
    record Clean(int fileSystems) implements ThawOutcome {}

    /// The guest is thawed, but not by this thaw: the watchdog fired, Windows' ten seconds were over, or
    /// somebody inside thawed. When is unknown, so a snapshot taken since is only crash-consistent. Also
    /// the answer when the reply to the thaw was lost, since then nothing is proven.
    record AlreadyThawed() implements ThawOutcome {}

    /// The guest did not say that it is thawed. It may hang until the watchdog or an administrator acts.
    ///
    /// @param detail what was tried last and how it failed, for people
    record Unproven(Text detail) implements ThawOutcome {}
}
