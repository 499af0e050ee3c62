package io.stillpoint.planning.retention;

import io.stillpoint.planning.retention.RetentionRules.Daily;
import io.stillpoint.planning.retention.RetentionRules.Monthly;
import io.stillpoint.planning.retention.RetentionRules.Weekly;
import io.stillpoint.planning.retention.RetentionRules.Yearly;
import java.time.DayOfWeek;
import java.time.ZoneId;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Rules for tests, of any of the four kinds.
record Rules(
        String zone,
        @Nullable Daily daily,
        @Nullable Weekly weekly,
        @Nullable Monthly monthly,
        @Nullable Yearly yearly) {
    static Rules in(String zone) {
        return new Rules(zone, null, null, null, null);
    }

    Rules daily(int keep) {
        return new Rules(zone, new Daily(keep), weekly, monthly, yearly);
    }

    Rules weekly(int keep, DayOfWeek... on) {
        return new Rules(zone, daily, new Weekly(keep, Set.of(on)), monthly, yearly);
    }

    Rules monthly(int keep, DayRule on) {
        return new Rules(zone, daily, weekly, new Monthly(keep, on), yearly);
    }

    Rules yearly(Yearly rule) {
        return new Rules(zone, daily, weekly, monthly, rule);
    }

    RetentionRules rules() {
        return new RetentionRules(
                ZoneId.of(zone),
                Optional.ofNullable(daily),
                Optional.ofNullable(weekly),
                Optional.ofNullable(monthly),
                Optional.ofNullable(yearly));
    }
}
