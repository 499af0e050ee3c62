package io.stillpoint.planning.schedule;

import io.stillpoint.platform.Sha256;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.zone.ZoneOffsetTransition;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.TreeSet;

/// When backups are due, as a person means it.
///
/// Each local time means one instant: a time that the clock leaps over is the end of the leap, a time that the clock shows
/// twice is the first of the two. A day that a zone leaves out as a whole (Samoa, 2011-12-30) has no slots. Two local times
/// that mean one instant make one slot.
///
/// @param zone whose clocks are meant
/// @param jitter each VM begins up to so much later, always by the same: at most 2 hours
public record Schedule(ZoneId zone, Rhythm rhythm, Duration jitter) {
    /// More slots than anybody looks at.
    private static final int SLOTS_MAX = 10_000;

    private static final Duration JITTER_MAX = Duration.ofHours(2);
    private static final Duration DAY = Duration.ofHours(24);

    /// Between two slots of any schedule lie fewer days: a week, and another one if a zone leaves out the only day.
    private static final int DAYS = 16;

    private static final Instant FIRST = Instant.parse("1970-01-01T00:00:00Z");
    private static final Instant LAST = Instant.parse("9000-01-01T00:00:00Z");
    private static final int HASH_BYTES = 7;

    public Schedule {
        if (zone instanceof ZoneOffset offset && !offset.equals(ZoneOffset.UTC)) {
            throw new ScheduleException("schedule.offset", zone);
        }
        if (jitter.isNegative() || jitter.compareTo(JITTER_MAX) > 0) {
            throw new ScheduleException("schedule.jitter", jitter);
        }
    }

    /// The first slot whose start is after an instant.
    ///
    /// @param after between 1970 and 9000
    /// @param policy the schedule's name, part of the jitter
    /// @param vm names the VM
    public Slot next(Instant after, String policy, String vm) {
        Duration late = late(policy, vm);
        Instant due = dues(after.minus(late), -2, DAYS).higher(after.minus(late));
        if (due == null) {
            throw new AssertionError("no slot within " + DAYS + " days after " + after);
        }
        return new Slot(due, due.plus(late));
    }

    /// The last slot whose start is not after an instant: of slots that were missed it alone is made up for. Empty before
    /// 1970.
    public Optional<Slot> latest(Instant upTo, String policy, String vm) {
        Duration late = late(policy, vm);
        return Optional.ofNullable(dues(upTo.minus(late), -DAYS, 2).floor(upTo.minus(late)))
                .filter(due -> !due.isBefore(FIRST))
                .map(due -> new Slot(due, due.plus(late)));
    }

    /// The slots whose starts are after `from` and not after `to`, in their order. Throws [IllegalArgumentException] if they
    /// are more than 10,000.
    public List<Slot> between(Instant from, Instant to, String policy, String vm) {
        List<Slot> slots = new ArrayList<>();
        for (Slot slot = next(from, policy, vm);
                !slot.start().isAfter(to);
                slot = next(slot.start(), policy, vm)) {
            if (slots.size() == SLOTS_MAX) {
                throw new IllegalArgumentException("more than " + SLOTS_MAX + " slots");
            }
            slots.add(slot);
        }
        return slots;
    }

    /// By how much a VM begins later. It depends on nothing that changes, so a VM's slots keep their distances, and a
    /// restart changes nothing; and it is spread evenly.
    Duration late(String policy, String vm) {
        if (jitter.isZero()) {
            return Duration.ZERO;
        }
        long hash = Long.parseLong(Sha256.hex(policy + "\n" + vm, HASH_BYTES), 16);
        return Duration.ofSeconds(hash % Math.max(1, jitter.toSeconds()));
    }

    /// All slots of some days around an instant.
    private NavigableSet<Instant> dues(Instant around, int fromDay, int toDay) {
        if (around.isBefore(FIRST.minus(JITTER_MAX)) || around.isAfter(LAST)) {
            throw new IllegalArgumentException("no time for a schedule: " + around);
        }
        LocalDate today = around.atZone(zone).toLocalDate();
        NavigableSet<Instant> dues = new TreeSet<>();
        for (int day = fromDay; day <= toDay; day++) {
            addDues(today.plusDays(day), dues);
        }
        return dues;
    }

    private void addDues(LocalDate date, NavigableSet<Instant> dues) {
        if (isLeftOut(date)) {
            return;
        }
        switch (rhythm) {
            case Rhythm.Daily daily ->
                    daily.at().forEach(time -> dues.add(instant(date.atTime(time))));
            case Rhythm.Weekly weekly -> {
                if (weekly.on().contains(date.getDayOfWeek())) {
                    weekly.at().forEach(time -> dues.add(instant(date.atTime(time))));
                }
            }
            case Rhythm.Hourly hourly -> addHours(date, hourly, dues);
        }
    }

    /// Hours pass evenly from the opening on, whatever clocks show; the next opening ends the window.
    private void addHours(LocalDate date, Rhythm.Hourly hourly, NavigableSet<Instant> dues) {
        Instant opening = instant(date.atTime(hourly.from()));
        LocalDate following = date.plusDays(1);
        while (isLeftOut(following)) {
            following = following.plusDays(1);
        }
        Instant next = instant(following.atTime(hourly.from()));
        Instant end = opening.plus(hourly.window());
        Duration every = Duration.ofHours(hourly.every());
        for (Instant due = opening;
                due.isBefore(end) && due.isBefore(next);
                due = due.plus(every)) {
            dues.add(due);
        }
    }

    private boolean isLeftOut(LocalDate date) {
        ZoneOffsetTransition leap = zone.getRules().getTransition(date.atTime(12, 0));
        return leap != null && leap.isGap() && leap.getDuration().compareTo(DAY) >= 0;
    }

    private Instant instant(LocalDateTime local) {
        ZoneOffsetTransition change = zone.getRules().getTransition(local);
        if (change != null && change.isGap()) {
            return change.getInstant();
        }
        // Of two valid offsets the first one.
        return local.toInstant(zone.getRules().getValidOffsets(local).getFirst());
    }
}
