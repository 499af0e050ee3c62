package io.stillpoint.vault.prune;

import java.time.Duration;

/// How to prune.
///
/// @param grace how long condemned packs are kept before they are deleted
/// @param packAge packs younger than this are left alone: a backup may be about to use them; a matter of thrift, not of
///     safety
/// @param keepPercent a pack of which less than this is needed is rewritten, in percent of its plain bytes
/// @param copyBytesMax how many plain bytes to copy from such packs at most in one run
/// @param dryRun only tell what would be done
public record PruneRules(
        Duration grace, Duration packAge, int keepPercent, long copyBytesMax, boolean dryRun) {
    public static final PruneRules DEFAULT =
            new PruneRules(Duration.ofDays(1), Duration.ofDays(1), 70, Long.MAX_VALUE, false);

    public PruneRules {
        if (grace.isNegative() || packAge.isNegative() || keepPercent < 0 || keepPercent > 100) {
            throw new IllegalArgumentException("prune rules out of bounds");
        }
    }
}
