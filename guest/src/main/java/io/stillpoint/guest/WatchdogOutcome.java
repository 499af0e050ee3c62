package io.stillpoint.guest;

/// Whether the guest will thaw itself.
public sealed interface WatchdogOutcome {
    /// It will, at the deadline, unless cancelled before.
    record Armed(FreezeWatchdog watchdog) implements WatchdogOutcome {}

    /// It won't: the guest lacks what that takes. A freeze then relies on us alone.
    record NotArmed(String reason) implements WatchdogOutcome {}
}
