package io.stillpoint.vault.point;

import java.time.Instant;

/// A point that is not offered any more.
///
/// @param at when it was forgotten
/// @param purgeAt before this it can be brought back, after it prune deletes it
public record ForgottenPoint(RecoveryPoint point, Instant at, Instant purgeAt) {}
