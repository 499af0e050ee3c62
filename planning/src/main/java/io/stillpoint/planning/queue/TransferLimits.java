package io.stillpoint.planning.queue;

import java.util.Map;

/// How many transfers run at once: in total, for each host and for each store, each by time of day. A lower limit ends
/// nothing that runs; it only lets nothing begin.
public record TransferLimits(LimitsByTime total, Each hosts, Each stores) {
    /// Limits of one kind.
    ///
    /// @param otherwise for each whose name is not listed
    public record Each(LimitsByTime otherwise, Map<String, LimitsByTime> named) {
        public Each {
            named = Map.copyOf(named);
        }

        /// The same for each of them.
        public static Each of(LimitsByTime limit) {
            return new Each(limit, Map.of());
        }

        LimitsByTime of(String name) {
            return named.getOrDefault(name, otherwise);
        }
    }
}
