package io.stillpoint.platform;

/// What failed, in classes that call for different actions: each family of exceptions has an enum of them.
public interface FailureKind {
    /// Whether the same call may succeed later with nothing changed by the user.
    boolean retryable();

    /// Who has to act.
    StillpointException.Blame blame();
}
