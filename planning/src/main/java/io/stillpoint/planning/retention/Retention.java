package io.stillpoint.planning.retention;

import io.stillpoint.planning.retention.Periods.OnePeriod;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Judges the points of one VM by rules.
public final class Retention {
    /// What dates can be computed with. A clock that said more was wrong, and the day does not matter.
    private static final Instant FIRST = Instant.parse("0001-01-02T00:00:00Z");

    private static final Instant LAST = Instant.parse("9999-12-30T00:00:00Z");

    private final RetentionRules rules;
    private final Instant now;
    private final long latest;
    private final Map<Tier, Firsts> tiers = new EnumMap<>(Tier.class);

    private Retention(List<Candidate> points, RetentionRules rules, Instant now) {
        this.rules = rules;
        this.now = now;
        this.latest = points.stream().mapToLong(Candidate::ordinal).max().orElse(0);
        rules.weekly().ifPresent(each -> tiers.put(Tier.WEEKLY, new Firsts(Periods.of(each))));
        rules.monthly().ifPresent(each -> tiers.put(Tier.MONTHLY, new Firsts(Periods.of(each))));
        rules.yearly().ifPresent(each -> tiers.put(Tier.YEARLY, new Firsts(Periods.of(each))));
        for (Candidate each : points) {
            if (each.origin() == Origin.SCHEDULED) {
                LocalDate day = day(each);
                tiers.values().forEach(firsts -> firsts.add(each, day));
            }
        }
    }

    /// A verdict on each point, in the order of the points.
    ///
    /// @param points all that the VM has in one vault, in any order; of a part of them the verdicts would be wrong
    /// @param now the time of the clean-up
    /// @throws IllegalArgumentException if two points have the same id
    public static List<Verdict> judge(List<Candidate> points, RetentionRules rules, Instant now) {
        Set<String> ids = new HashSet<>();
        for (Candidate each : points) {
            if (!ids.add(each.id())) {
                throw new IllegalArgumentException("two points have the id " + each.id());
            }
        }
        Retention retention = new Retention(points, rules, now);
        return points.stream().map(each -> Verdict.of(each, retention.reasons(each), now)).toList();
    }

    private LocalDate day(Candidate point) {
        Instant at = point.at();
        return LocalDate.ofInstant(
                at.isBefore(FIRST) ? FIRST : at.isAfter(LAST) ? LAST : at, rules.zone());
    }

    /// All of them, also those that no longer count.
    private List<Reason> reasons(Candidate point) {
        List<Reason> reasons = new ArrayList<>();
        if (point.ordinal() == latest) {
            // Two jobs at once may have made two: neither is known to be older.
            reasons.add(new Reason.Latest());
        }
        if (point.at().isAfter(now)) {
            reasons.add(new Reason.InFuture(point.at()));
        }
        point.pin().ifPresent(why -> reasons.add(new Reason.Pinned(why)));
        point.lockedUntil().ifPresent(end -> reasons.add(new Reason.Locked(end)));
        point.keepUntil().ifPresent(end -> reasons.add(new Reason.OwnDate(end)));
        switch (point.origin()) {
            case ON_DEMAND -> {
                if (point.keepUntil().isEmpty()) {
                    reasons.add(new Reason.OnDemand());
                }
            }
            case SCHEDULED -> addChosen(reasons, point);
        }
        return reasons;
    }

    private void addChosen(List<Reason> reasons, Candidate point) {
        LocalDate day = day(point);
        rules.daily()
                .map(each -> new OnePeriod(day, day.plusDays(each.keep())))
                .ifPresent(period -> reasons.add(chosen(Tier.DAILY, period)));
        tiers.forEach((tier, firsts) ->
                firsts.chosen(point, day).ifPresent(period -> reasons.add(chosen(tier, period))));
    }

    private Reason chosen(Tier tier, OnePeriod period) {
        // Where the clocks go forward at midnight, the day does not begin at midnight.
        Instant end = period.lastDay().plusDays(1).atStartOfDay(rules.zone()).toInstant();
        return new Reason.Chosen(tier, period.begin(), period.lastDay(), end);
    }
}
