package io.stillpoint.planning.retention;

import static java.time.DayOfWeek.SUNDAY;
import static java.time.DayOfWeek.WEDNESDAY;
import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.planning.retention.RetentionPreview.Effect;
import io.stillpoint.planning.retention.RetentionRules.Yearly;
import java.time.Instant;
import java.time.LocalDate;
import java.time.Month;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// Changes of rules that were worked out by hand, among them those of `docs/retention.md`.
final class RetentionPreviewTest {
    private static final Rules RULES = Rules.in("UTC");

    /// A point at 02:00 on each day, the last of them the latest.
    private static List<Candidate> daily(String from, String to) {
        return LocalDate.parse(from)
                .datesUntil(LocalDate.parse(to).plusDays(1))
                .map(day ->
                        Candidate.scheduled(
                                day.toString(),
                                day.toEpochDay(),
                                day.atTime(2, 0).toInstant(ZoneOffset.UTC)))
                .toList();
    }

    private static RetentionPreview preview(
            List<Candidate> points, Rules before, Rules after, String now) {
        return RetentionPreview.of(points, before.rules(), after.rules(), Instant.parse(now));
    }

    private static List<String> ids(RetentionPreview preview, Effect effect) {
        return preview.with(effect).stream().map(each -> each.point().id()).toList();
    }

    @Test
    void shorterRulesDeleteAtTheNextCleanUp() {
        List<Candidate> points = daily("2026-08-01", "2026-08-10");
        RetentionPreview preview =
                preview(points, RULES.daily(7), RULES.daily(3), "2026-08-10T12:00:00Z");
        assertThat(ids(preview, Effect.DELETED))
                .containsExactly("2026-08-03", "2026-08-04", "2026-08-05", "2026-08-06");
        // The latest, too: when it is no longer the latest.
        assertThat(ids(preview, Effect.SHORTENED))
                .containsExactly("2026-08-07", "2026-08-08", "2026-08-09", "2026-08-10");
        // They go anyway.
        assertThat(ids(preview, Effect.NONE)).containsExactly("2026-08-01", "2026-08-02");
        RetentionPreview.Change change = preview.with(Effect.SHORTENED).getFirst();
        assertThat(change.before().until()).contains(Instant.parse("2026-08-15T00:00:00Z"));
        assertThat(change.after().until()).contains(Instant.parse("2026-08-11T00:00:00Z"));
        assertThat(preview.notes()).isEmpty();
    }

    @Test
    void longerRulesSaveAndExtend() {
        List<Candidate> points = daily("2026-08-01", "2026-08-10");
        RetentionPreview preview =
                preview(points, RULES.daily(3), RULES.daily(7), "2026-08-10T12:00:00Z");
        assertThat(ids(preview, Effect.SAVED))
                .containsExactly("2026-08-03", "2026-08-04", "2026-08-05", "2026-08-06");
        assertThat(ids(preview, Effect.EXTENDED))
                .containsExactly("2026-08-07", "2026-08-08", "2026-08-09", "2026-08-10");
        assertThat(preview.with(Effect.SAVED).getFirst().after().until())
                .contains(Instant.parse("2026-08-11T00:00:00Z"));
    }

    @Test
    void aNewYearlyRuleKeepsTheOldestPointThatStandsOfTheYear() {
        List<Candidate> points = daily("2026-07-11", "2026-08-10");
        Rules after =
                RULES.daily(30)
                        .yearly(new Yearly(5, Set.of(Month.JANUARY), new DayRule.DayOfMonth(1)));
        RetentionPreview preview = preview(points, RULES.daily(30), after, "2026-08-10T12:00:00Z");
        assertThat(ids(preview, Effect.EXTENDED)).containsExactly("2026-07-11");
        RetentionPreview.Change change = preview.with(Effect.EXTENDED).getFirst();
        assertThat(change.before().until()).contains(Instant.parse("2026-08-11T00:00:00Z"));
        assertThat(change.after().until()).contains(Instant.parse("2031-01-02T00:00:00Z"));
        assertThat(ids(preview, Effect.NONE)).hasSize(30);
    }

    @Test
    void sundaysAreKeptWhenTheRuleMovesToWednesday() {
        List<Candidate> points =
                daily("2026-03-01", "2026-03-24").stream()
                        .filter(each ->
                                Set.of(
                                                "2026-03-01",
                                                "2026-03-08",
                                                "2026-03-15",
                                                "2026-03-22",
                                                "2026-03-24")
                                        .contains(each.id()))
                        .toList();
        RetentionPreview preview =
                preview(
                        points,
                        RULES.weekly(3, SUNDAY),
                        RULES.weekly(3, WEDNESDAY),
                        "2026-03-24T12:00:00Z");
        // Since Wednesday, 25 February; it was kept until the end of 22 March anyway.
        assertThat(ids(preview, Effect.DELETED)).isEmpty();
        // Until Wednesdays, which are 4 days earlier: 25 March, 1 and 8 April.
        assertThat(ids(preview, Effect.SHORTENED))
                .containsExactly("2026-03-08", "2026-03-15", "2026-03-22");
        assertThat(preview.with(Effect.SHORTENED).getFirst().after().until())
                .contains(Instant.parse("2026-03-26T00:00:00Z"));
    }

    @Test
    void saysWhatIsDeletedWithoutADailyRule() {
        List<Candidate> points = daily("2026-03-01", "2026-03-05");
        RetentionPreview preview =
                preview(points, RULES.daily(30), RULES.weekly(4, SUNDAY), "2026-03-05T12:00:00Z");
        assertThat(ids(preview, Effect.DELETED))
                .containsExactly("2026-03-02", "2026-03-03", "2026-03-04");
        assertThat(preview.notes())
                .singleElement()
                .hasToString(
                        "There is no daily rule: a point that no other rule chooses is deleted as soon as there is a newer"
                                + " one. Of the points that stand the next clean-up deletes 3.");
    }

    @Test
    void ofNoPointsThereIsNothingToSay() {
        RetentionPreview preview =
                preview(List.of(), RULES.daily(30), RULES.daily(3), "2026-03-05T12:00:00Z");
        assertThat(preview.changes()).isEmpty();
        assertThat(preview.notes()).isEmpty();
    }
}
