package io.stillpoint.planning.retention;

import io.stillpoint.platform.text.Text;
import io.stillpoint.platform.text.Worded;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Optional;

/// Why a point is kept.
public sealed interface Reason extends Worded {
    /// The first instant at which it no longer counts; empty if nobody knows one.
    Optional<Instant> until();

    /// It is the latest of its VM: it counts until there is a newer one.
    record Latest() implements Reason {
        @Override
        public Optional<Instant> until() {
            return Optional.empty();
        }

        @Override
        public Text text() {
            return Text.of(Reason.class, "retention.latest");
        }
    }

    /// Its time lies in the future, so a clock is wrong: nothing is decided before that time.
    record InFuture(Instant at) implements Reason {
        @Override
        public Optional<Instant> until() {
            return Optional.of(at);
        }

        @Override
        public Text text() {
            return Text.of(Reason.class, "retention.in-future", at);
        }
    }

    /// Somebody pinned it.
    ///
    /// @param why perhaps empty
    record Pinned(String why) implements Reason {
        @Override
        public Optional<Instant> until() {
            return Optional.empty();
        }

        @Override
        public Text text() {
            return Text.of(Reason.class, "retention.pinned", why);
        }
    }

    /// Nobody can delete it yet.
    record Locked(Instant end) implements Reason {
        @Override
        public Optional<Instant> until() {
            return Optional.of(end);
        }

        @Override
        public Text text() {
            return Text.of(Reason.class, "retention.locked", end);
        }
    }

    /// It has a date of its own.
    record OwnDate(Instant end) implements Reason {
        @Override
        public Optional<Instant> until() {
            return Optional.of(end);
        }

        @Override
        public Text text() {
            return Text.of(Reason.class, "retention.own-date", end);
        }
    }

    /// It was made on demand, and nobody gave it a date.
    record OnDemand() implements Reason {
        @Override
        public Optional<Instant> until() {
            return Optional.empty();
        }

        @Override
        public Text text() {
            return Text.of(Reason.class, "retention.on-demand");
        }
    }

    /// A rule chose it.
    ///
    /// @param begin the first day of the period whose first point it is; of the daily rule: its own day
    /// @param lastDay the last day on which it is kept
    /// @param end of that day, in the zone of the rules
    record Chosen(Tier tier, LocalDate begin, LocalDate lastDay, Instant end) implements Reason {
        @Override
        public Optional<Instant> until() {
            return Optional.of(end);
        }

        @Override
        public Text text() {
            return switch (tier) {
                case DAILY -> Text.of(Reason.class, "retention.daily", lastDay);
                case WEEKLY -> Text.of(Reason.class, "retention.weekly", begin, lastDay);
                case MONTHLY -> Text.of(Reason.class, "retention.monthly", begin, lastDay);
                case YEARLY -> Text.of(Reason.class, "retention.yearly", begin, lastDay);
            };
        }
    }
}
