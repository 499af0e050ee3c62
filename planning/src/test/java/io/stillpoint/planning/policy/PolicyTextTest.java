package io.stillpoint.planning.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.stillpoint.planning.queue.LimitsByTime;
import io.stillpoint.planning.queue.PeakWindows;
import io.stillpoint.planning.queue.TimeWindow;
import io.stillpoint.planning.queue.TransferRules;
import io.stillpoint.planning.retention.DayRule;
import io.stillpoint.planning.retention.RetentionRules;
import io.stillpoint.planning.schedule.Rhythm;
import io.stillpoint.planning.schedule.Schedule;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.setting.NamePattern;
import io.stillpoint.platform.setting.SettingsException;
import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.Month;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PolicyTextTest {
    private static final String LEAST =
            "'name': 'a', 'vault': 'v', 'schedule': {'zone': 'UTC', 'daily': {'at': '02:00'}},"
                    + " 'retention': {'daily': 7}";

    private static final String FULL =
            """
            {'name': 'gold', 'vault': 'main',
             'schedule': {'zone': 'Europe/Berlin', 'hourly': {'every': 4, 'from': '08:00', 'for': '12h'},
                          'jitter': '15m'},
             'retention': {'daily': 30, 'weekly': {'keep': 12, 'on': ['sunday', 'wednesday']},
                           'monthly': {'keep': 60, 'on': 'first sunday'},
                           'yearly': {'keep': 10, 'in': 'january', 'on': 'last'}},
             'select': {'names': ['web-*', 'db?'], 'tags': {'tier': 'gold'}, 'without': 'web-test'},
             'quality': {'consistency-at-least': 'file-system', 'extension': false, 'vss': 'agent',
                         'freeze-at-most': '10s', 'scripts-at-most': '5m'},
             'disks': {'without': ['scratch*', 'swap'], 'removable': true},
             'local-snapshots': '2d',
             'bandwidth': {'at-most': '200M', 'windows': [{'from': '08:00', 'to': '18:00', 'at-most': '65K'}]},
             'peak': {'from': '08:00', 'to': '10:00'}}
            """;

    private static Policy read(String json) {
        return PolicyText.read(Json.parse(json.replace('\'', '"')), "the policy");
    }

    private static List<String> problems(String json) {
        return catchThrowableOfType(SettingsException.class, () -> read(json)).problems().stream()
                .map(each -> each.text().toString())
                .toList();
    }

    @Test
    void everythingIsRead() {
        ZoneId berlin = ZoneId.of("Europe/Berlin");
        assertThat(read(FULL))
                .isEqualTo(
                        new Policy(
                                "gold",
                                "main",
                                new Schedule(
                                        berlin,
                                        new Rhythm.Hourly(
                                                4, LocalTime.of(8, 0), Duration.ofHours(12)),
                                        Duration.ofMinutes(15)),
                                new RetentionRules(
                                        berlin,
                                        Optional.of(new RetentionRules.Daily(30)),
                                        Optional.of(
                                                new RetentionRules.Weekly(
                                                        12,
                                                        Set.of(
                                                                DayOfWeek.SUNDAY,
                                                                DayOfWeek.WEDNESDAY))),
                                        Optional.of(
                                                new RetentionRules.Monthly(
                                                        60,
                                                        new DayRule.Weekdays(
                                                                DayRule.Nth.FIRST,
                                                                Set.of(DayOfWeek.SUNDAY)))),
                                        Optional.of(
                                                new RetentionRules.Yearly(
                                                        10,
                                                        Set.of(Month.JANUARY),
                                                        new DayRule.LastDay()))),
                                new Selection(
                                        List.of(new NamePattern("web-*"), new NamePattern("db?")),
                                        Map.of("tier", new NamePattern("gold")),
                                        List.of(new NamePattern("web-test"))),
                                new DiskRules(
                                        List.of(
                                                new NamePattern("scratch*"),
                                                new NamePattern("swap")),
                                        true,
                                        false),
                                new Quality(
                                        Quality.Least.FILE_SYSTEM,
                                        false,
                                        Quality.Vss.AGENT,
                                        Duration.ofSeconds(10),
                                        Duration.ofMinutes(5)),
                                Duration.ofDays(2),
                                new TransferRules(
                                        new LimitsByTime(
                                                berlin,
                                                200L << 20,
                                                List.of(
                                                        new LimitsByTime.Limit(
                                                                new TimeWindow(
                                                                        LocalTime.of(8, 0),
                                                                        LocalTime.of(18, 0)),
                                                                65L << 10))),
                                        new PeakWindows(
                                                berlin,
                                                List.of(
                                                        new TimeWindow(
                                                                LocalTime.of(8, 0),
                                                                LocalTime.of(10, 0)))))));
    }

    @Test
    void littleIsEnough() {
        Policy policy = read("{" + LEAST + "}");
        assertThat(policy.schedule())
                .isEqualTo(
                        new Schedule(
                                ZoneId.of("UTC"),
                                new Rhythm.Daily(new TreeSet<>(Set.of(LocalTime.of(2, 0)))),
                                Duration.ZERO));
        assertThat(policy.selection()).isEqualTo(Selection.BY_HAND);
        assertThat(policy.quality()).isEqualTo(Quality.USUAL);
        assertThat(policy.disks()).isEqualTo(DiskRules.USUAL);
        assertThat(policy.transfer().bandwidth().at(Instant.EPOCH))
                .isEqualTo(LimitsByTime.UNLIMITED);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                FULL,
                "{" + LEAST + "}",
                "{'name': 'b', 'vault': 'v', 'schedule': {'zone': 'Asia/Tokyo', 'weekly': {'on': ['friday',"
                        + " 'monday'], 'at': ['01:00', '13:30']}, 'jitter': '90s'}, 'retention': {'monthly':"
                        + " {'keep': 1, 'on': 15}, 'yearly': {'keep': 2, 'in': ['may', 'june'], 'on': 'second"
                        + " monday friday'}}}"
            })
    void whatIsWrittenIsReadTheSame(String json) {
        Policy policy = read(json);
        assertThat(PolicyText.read(PolicyText.written(policy), "again")).isEqualTo(policy);
    }

    @Test
    void everyMistakeIsToldWithItsPath() {
        assertThat(
                        problems(
                                "{'name': 'Gold!', 'schedule': {'zone': 'Mars/Base', 'hourly': {'every': 5},"
                                        + " 'jitter': '3h'}, 'retention': {'daily': 10000, 'weekly': {'keep': 2},"
                                        + " 'monthly': {'keep': 3, 'on': 'fifth sunday'}}, 'selct': {}, 'quality':"
                                        + " {'vss': 'none'}}"))
                .containsExactly(
                        "name: Found \"Gold!\"; possible: a-z, 0-9 and -, a letter first.",
                        "vault: This setting is missing.",
                        "schedule.zone: Found \"Mars/Base\"; possible: a zone such as Europe/Berlin, or UTC.",
                        "schedule.hourly: Every 5 hours is not possible; possible: 1, 2, 4, 6, 8, 12.",
                        "retention.daily: A daily rule keeps points for 1 to 9,999 days, not for 10,000.",
                        "retention.weekly: A weekly rule without a day of the week would never choose a point. Name at least one.",
                        "retention.monthly.on: Found \"fifth sunday\"; possible: 1 to 28, last, first sunday … last"
                                + " saturday.",
                        "quality.vss: Found \"none\"; possible: extension, agent.",
                        "selct: There is no such setting. Did you mean select?");
    }

    @Test
    void bandwidthThatWouldNeverEndIsRefused() {
        assertThat(
                        problems(
                                "{"
                                        + LEAST
                                        + ", 'bandwidth': {'at-most': '0', 'windows': [{'from': '08:00'}]}}"))
                .containsExactly(
                        "bandwidth.windows[0].at-most: This setting is missing.",
                        "bandwidth.windows[0].to: This setting is missing.",
                        "bandwidth.at-most: Found \"0\"; possible: bytes a second, 64K or more, such as 50M.");
    }

    @Test
    void oneRhythmAndOneRuleAreNeeded() {
        assertThat(
                        problems(
                                "{'name': 'a', 'vault': 'v', 'schedule': {'zone': 'UTC'}, 'retention': {}}"))
                .hasSize(2)
                .first()
                .isEqualTo(
                        "schedule: A schedule is one of hourly, daily and weekly; found 0 of them.");
    }

    @Test
    void selectionKnowsNamesTagsAndWhatIsLeftOut() {
        Selection selection = read(FULL).selection();
        Map<String, String> gold = Map.of("tier", "gold");
        assertThat(selection.selects("web-1", gold)).isTrue();
        assertThat(selection.selects("db1", gold)).isTrue();
        assertThat(selection.selects("db12", gold)).isFalse();
        assertThat(selection.selects("Web-1", gold)).isFalse();
        assertThat(selection.selects("web-1", Map.of())).isFalse();
        assertThat(selection.selects("web-1", Map.of("tier", "silver"))).isFalse();
        assertThat(selection.selects("web-test", gold)).isFalse();
        assertThat(Selection.BY_HAND.selects("web-1", gold)).isFalse();
        assertThat(new NamePattern("a.c*").matches("abc")).isFalse();
        assertThat(new NamePattern("a.c*").matches("a.c\nd")).isTrue();
    }
}
