package io.stillpoint.vault.prune;

import io.stillpoint.platform.text.Text;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/// What a run of prune did, or would do. Bytes are as stored, but for `copiedBytes`.
///
/// @param purgedPoints forgotten points deleted for good
/// @param revokedSessions sessions taken for dead
/// @param reachableItems chunks and nodes that points need
/// @param deletedPacks packs deleted, condemned by earlier runs
/// @param keptPacks packs condemned by earlier runs that a point came to need
/// @param waitingPacks packs condemned by earlier runs whose time has not come: their grace period lasts, or a session
///     that began before is still open
/// @param condemnedPacks packs condemned by this run, rewritten ones included
/// @param rewrittenPacks of these, packs of which something was copied
/// @param copiedBytes plain bytes copied out of them
/// @param retainedPacks packs that the store does not let go yet
/// @param youngPacks packs that were left alone although nothing or little of them is needed, or nobody has looked into
///     them: a backup may be about to use them
/// @param youngUntil from when on a run looks at all of them; empty if there are none
/// @param waitingUntil when the grace period of all that wait is over; empty if none waits
/// @param warnings what could not be done, in words
public record PruneResult(
        int purgedPoints,
        int revokedSessions,
        long reachableItems,
        long deletedPacks,
        long deletedBytes,
        long keptPacks,
        long waitingPacks,
        long waitingBytes,
        long condemnedPacks,
        long condemnedBytes,
        long rewrittenPacks,
        long copiedBytes,
        long retainedPacks,
        long youngPacks,
        long youngBytes,
        Optional<Instant> youngUntil,
        Optional<Instant> waitingUntil,
        List<Text> warnings) {}
