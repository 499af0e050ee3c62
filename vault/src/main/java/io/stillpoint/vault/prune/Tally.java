package io.stillpoint.vault.prune;

import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.store.VaultException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What came of a run of prune so far: the fields of [PruneResult]. For one thread.
final class Tally {
    int purgedPoints;
    int revokedSessions;
    long reachableItems;
    long deletedPacks;
    long deletedBytes;
    long keptPacks;
    long waitingPacks;
    long waitingBytes;
    long condemnedPacks;
    long condemnedBytes;
    long rewrittenPacks;
    long copiedBytes;
    long retainedPacks;
    long youngPacks;
    long youngBytes;
    private @Nullable Instant youngUntil;
    private @Nullable Instant waitingUntil;
    private final List<Text> warnings = new ArrayList<>();

    /// A text of the vault's.
    static Text text(String code, Object... arguments) {
        return Text.of(VaultException.class, code, arguments);
    }

    void warn(Text warning) {
        warnings.add(warning);
    }

    void youngUntil(Instant until) {
        youngUntil = later(youngUntil, until);
    }

    void waitingUntil(Instant until) {
        waitingUntil = later(waitingUntil, until);
    }

    private static Instant later(@Nullable Instant one, Instant other) {
        return one == null || one.isBefore(other) ? other : one;
    }

    PruneResult result() {
        return new PruneResult(
                purgedPoints,
                revokedSessions,
                reachableItems,
                deletedPacks,
                deletedBytes,
                keptPacks,
                waitingPacks,
                waitingBytes,
                condemnedPacks,
                condemnedBytes,
                rewrittenPacks,
                copiedBytes,
                retainedPacks,
                youngPacks,
                youngBytes,
                Optional.ofNullable(youngUntil),
                Optional.ofNullable(waitingUntil),
                List.copyOf(warnings));
    }
}
