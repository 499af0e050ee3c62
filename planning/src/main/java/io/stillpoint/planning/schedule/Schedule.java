package io.stillpoint.planning.schedule;

import io.stillpoint.platform.Sha256;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.Optional;

/// When the jobs of a policy are due, and when each VM's job starts. Slots are a set, in the order of their instants: those
/// of one VM keep their order and distance, since its jitter is the same for all of them.
///
/// All instants that are asked about are from [#FIRST] to [#LAST], or it ends with a [ScheduleException]. So does a schedule
/// that can't be.
///
/// @param zone of the IANA database; UTC is one. Fixed offsets are refused: they have no daylight saving
/// @param jitter 0 to 2 hours; a VM starts by less than this late
public record Schedule(ZoneId zone, Rhythm rhythm, Duration jitter) {
    /// No slot is due earlier.
    public static final Instant FIRST = Instant.EPOCH;

    /// Nothing can be asked about later instants. The next slot after this one still has four digits of year.
    public static final Instant LAST = Instant.parse("9999-12-01T00:00:00Z");

    /// So many slots are given at once.
    public static final int SLOTS_MAX = 10_000;

    private static final Duration JITTER_MAX = Duration.ofHours(2);

    public Schedule {
        // Region-like ids such as UTC+01:00 are fixed offsets, too.
        if (!ZoneId.getAvailableZoneIds().contains(zone.getId())) {
            throw new ScheduleException("schedule.zone", zone.getId());
        }
        if (jitter.isNegative() || jitter.compareTo(JITTER_MAX) > 0) {
            throw new ScheduleException(
                    "schedule.jitter",
                    ScheduleException.words(jitter),
                    ScheduleException.words(JITTER_MAX));
        }
    }

    /// The first slot that starts after this instant.
    ///
    /// @param policy name of the policy
    /// @param vm id of the VM, which with the policy's name gives its jitter
    public Slot next(Instant after, String policy, String vm) {
        requirePossible(after);
        Duration late = late(policy, vm);
        return slot(dues().next(after.minus(late)), late);
    }

    /// The last slot that does not start after this instant: of missed slots this one alone runs. Empty if there is none
    /// since [#FIRST].
    public Optional<Slot> latest(Instant upTo, String policy, String vm) {
        requirePossible(upTo);
        Duration late = late(policy, vm);
        return dues().latest(upTo.minus(late)).map(due -> slot(due, late));
    }

    /// All slots that start after `from` and not after `to`, in their order. More than [#SLOTS_MAX] are refused.
    public List<Slot> between(Instant from, Instant to, String policy, String vm) {
        requirePossible(from);
        requirePossible(to);
        Duration late = late(policy, vm);
        List<Instant> found = dues().between(from.minus(late), to.minus(late), SLOTS_MAX + 1);
        if (found.size() > SLOTS_MAX) {
            throw new ScheduleException("schedule.too-many-slots", SLOTS_MAX, from, to);
        }
        return found.stream().map(due -> slot(due, late)).toList();
    }

    private Dues dues() {
        return new Dues(zone.getRules(), rhythm);
    }

    private static Slot slot(Instant due, Duration late) {
        return new Slot(due, due.plus(late));
    }

    /// How late this VM starts: whole seconds, at least 0 and less than the jitter.
    private Duration late(String policy, String vm) {
        long seconds = jitter.toSeconds();
        if (seconds == 0) {
            return Duration.ZERO;
        }
        // The length keeps policy "a" with VM "bc" apart from "ab" with "c".
        byte[] hash = Sha256.of(policy.length() + ":" + policy + vm);
        return Duration.ofSeconds(Long.remainderUnsigned(ByteBuffer.wrap(hash).getLong(), seconds));
    }

    private static void requirePossible(Instant instant) {
        if (instant.isBefore(FIRST) || instant.isAfter(LAST)) {
            // As strings: the extreme instants have no local time by which a text could show them.
            throw new ScheduleException(
                    "schedule.instant", instant.toString(), FIRST.toString(), LAST.toString());
        }
    }
}
