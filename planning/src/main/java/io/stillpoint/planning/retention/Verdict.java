package io.stillpoint.planning.retention;

import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/// Whether a clean-up keeps a point.
///
/// @param until the first instant at which nothing keeps it, as things stand: past if it is not kept. Empty if it is kept
///     without an end that is known, or if nothing ever kept it
/// @param reasons all for which it is kept, as long as they count; empty if it is not
public record Verdict(
        Candidate point, boolean kept, Optional<Instant> until, List<Reason> reasons) {
    public Verdict {
        reasons = List.copyOf(reasons);
        if (kept == reasons.isEmpty()) {
            throw new IllegalArgumentException("kept without a reason, or deleted with one");
        }
    }

    /// @param all reasons, also those that no longer count
    static Verdict of(Candidate point, List<Reason> all, Instant now) {
        List<Reason> counting = all.stream().filter(each -> end(each).isAfter(now)).toList();
        Optional<Instant> end =
                all.stream()
                        .map(Verdict::end)
                        .max(Comparator.naturalOrder())
                        .filter(each -> each.isBefore(Instant.MAX));
        return new Verdict(point, !counting.isEmpty(), end, counting);
    }

    private static Instant end(Reason reason) {
        return reason.until().orElse(Instant.MAX);
    }

    /// As [#until] once there is a newer point; the far past if nothing else keeps it, the far future if there is no end.
    Instant endOnceNewer() {
        return reasons.stream()
                .filter(each -> !(each instanceof Reason.Latest))
                .map(Verdict::end)
                .max(Comparator.naturalOrder())
                .orElse(Instant.MIN);
    }
}
