package io.stillpoint.planning.retention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.stillpoint.planning.retention.RetentionRules.Daily;
import io.stillpoint.planning.retention.RetentionRules.Monthly;
import io.stillpoint.planning.retention.RetentionRules.Weekly;
import io.stillpoint.planning.retention.RetentionRules.Yearly;
import io.stillpoint.platform.StillpointException.Blame;
import java.time.DayOfWeek;
import java.time.Month;
import java.time.ZoneOffset;
import java.util.Optional;
import java.util.Set;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

final class RetentionRulesTest {
    private static final Set<DayOfWeek> SUNDAY = Set.of(DayOfWeek.SUNDAY);
    private static final Set<Month> JANUARY = Set.of(Month.JANUARY);
    private static final DayRule LAST_DAY = new DayRule.LastDay();

    private static void refuses(ThrowingCallable rules, String code, Object... arguments) {
        RetentionException refusal = catchThrowableOfType(RetentionException.class, rules);
        assertThat(refusal).as(code).isNotNull();
        assertThat(refusal.code()).isEqualTo(code);
        assertThat(refusal.arguments()).containsExactly(arguments);
        assertThat(refusal.blame()).isEqualTo(Blame.USER);
        assertThat(refusal.retryable()).isFalse();
    }

    @Test
    void refusesToKeepNothing() {
        refuses(
                () ->
                        new RetentionRules(
                                ZoneOffset.UTC,
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty()),
                "retention.no-rule");
    }

    @Test
    void refusesRulesThatNeverChooseAPoint() {
        refuses(() -> new Weekly(4, Set.of()), "retention.no-weekday");
        refuses(() -> new Yearly(4, Set.of(), LAST_DAY), "retention.no-month");
        refuses(
                () -> new DayRule.Weekdays(DayRule.Nth.FIRST, Set.of()),
                "retention.no-weekday-of-month");
    }

    @Test
    void refusesDaysThatSomeMonthsLack() {
        refuses(() -> new DayRule.DayOfMonth(0), "retention.no-such-day", 0);
        refuses(() -> new DayRule.DayOfMonth(29), "retention.no-such-day", 29);
        assertThat(new DayRule.DayOfMonth(1).day()).isEqualTo(1);
        assertThat(new DayRule.DayOfMonth(28).day()).isEqualTo(28);
    }

    @Test
    void keepsWithinBounds() {
        refuses(() -> new Daily(0), "retention.days", 0, 9999);
        refuses(() -> new Daily(10_000), "retention.days", 10_000, 9999);
        refuses(() -> new Weekly(0, SUNDAY), "retention.weeks", 0, 5163);
        refuses(() -> new Weekly(5164, SUNDAY), "retention.weeks", 5164, 5163);
        refuses(() -> new Monthly(0, LAST_DAY), "retention.months", 0, 1188);
        refuses(() -> new Monthly(1189, LAST_DAY), "retention.months", 1189, 1188);
        refuses(() -> new Yearly(0, JANUARY, LAST_DAY), "retention.years", 0, 99);
        refuses(() -> new Yearly(100, JANUARY, LAST_DAY), "retention.years", 100, 99);
        assertThat(new Daily(9999).keep()).isEqualTo(9999);
        assertThat(new Weekly(5163, SUNDAY).keep()).isEqualTo(5163);
        assertThat(new Monthly(1188, LAST_DAY).keep()).isEqualTo(1188);
        assertThat(new Yearly(99, JANUARY, LAST_DAY).keep()).isEqualTo(99);
    }

    @Test
    void saysWhatIsWrong() {
        RetentionException refusal =
                catchThrowableOfType(RetentionException.class, () -> new Daily(-3));
        assertThat(refusal)
                .hasMessage("A daily rule keeps points for 1 to 9,999 days, not for -3.");
    }
}
