package io.stillpoint.planning.retention;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.planning.retention.RetentionPreview.Effect;
import io.stillpoint.planning.retention.RetentionRules.Daily;
import io.stillpoint.planning.retention.RetentionRules.Monthly;
import io.stillpoint.planning.retention.RetentionRules.Weekly;
import io.stillpoint.planning.retention.RetentionRules.Yearly;
import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.Month;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/// What holds for any points and rules: seeded instances, each named by its seed.
final class RetentionPropertyTest {
    private static final Instant BEGIN = Instant.parse("2027-11-20T00:00:00Z");
    private static final List<String> ZONES =
            List.of(
                    "UTC",
                    "Europe/Berlin",
                    "Australia/Sydney",
                    "America/Havana",
                    "Pacific/Kiritimati");

    private static <E extends Enum<E>> Set<E> some(Random random, Class<E> type) {
        Set<E> all = EnumSet.allOf(type);
        List<E> order = new ArrayList<>(all);
        Collections.shuffle(order, random);
        return EnumSet.copyOf(order.subList(0, random.nextInt(1, random.nextBoolean() ? 2 : 4)));
    }

    private static DayRule dayRule(Random random) {
        return switch (random.nextInt(3)) {
            case 0 -> new DayRule.DayOfMonth(random.nextInt(1, 29));
            case 1 -> new DayRule.LastDay();
            default ->
                    new DayRule.Weekdays(
                            List.of(DayRule.Nth.values()).get(random.nextInt(5)),
                            some(random, DayOfWeek.class));
        };
    }

    private static <T> Optional<T> perhaps(Random random, Function<Random, T> value) {
        return random.nextBoolean() ? Optional.of(value.apply(random)) : Optional.empty();
    }

    private static RetentionRules rules(Random random) {
        while (true) {
            try {
                return new RetentionRules(
                        ZoneId.of(ZONES.get(random.nextInt(ZONES.size()))),
                        perhaps(random, any -> new Daily(any.nextInt(1, 20))),
                        perhaps(
                                random,
                                any -> new Weekly(any.nextInt(1, 9), some(any, DayOfWeek.class))),
                        perhaps(random, any -> new Monthly(any.nextInt(1, 7), dayRule(any))),
                        perhaps(
                                random,
                                any ->
                                        new Yearly(
                                                any.nextInt(1, 3),
                                                some(any, Month.class),
                                                dayRule(any))));
            } catch (RetentionException e) {
                // No rule at all: once more.
                assertThat(e.code()).isEqualTo("retention.no-rule");
            }
        }
    }

    /// Points in their lineage: about one a day, some days without, some with several; now and then a clock that errs, or
    /// two at one instant.
    private static List<Candidate> points(Random random, int count) {
        List<Candidate> points = new ArrayList<>();
        Instant time = BEGIN;
        int days = random.nextInt(1, 8);
        for (int i = 0; i < count; i++) {
            if (random.nextInt(12) > 0) {
                time = time.plus(Duration.ofMinutes(random.nextInt(days * 24 * 60)));
            }
            Duration error =
                    random.nextInt(15) == 0
                            ? Duration.ofHours(random.nextInt(-600, 600))
                            : Duration.ZERO;
            points.add(point(random, i, time.plus(error)));
        }
        return points;
    }

    private static Candidate point(Random random, int ordinal, Instant at) {
        return new Candidate(
                "p" + ordinal,
                ordinal,
                at,
                random.nextInt(10) == 0 ? Origin.ON_DEMAND : Origin.SCHEDULED,
                random.nextInt(12) == 0
                        ? Optional.of(at.plus(Duration.ofDays(random.nextInt(60))))
                        : Optional.empty(),
                random.nextInt(40) == 0 ? Optional.of("why") : Optional.empty(),
                random.nextInt(12) == 0
                        ? Optional.of(at.plus(Duration.ofHours(random.nextInt(800))))
                        : Optional.empty());
    }

    private static Instant someTime(Random random, List<Candidate> points) {
        Instant last = points.getLast().at();
        return last.plus(Duration.ofMinutes(random.nextInt(-30 * 24 * 60, 200 * 24 * 60)));
    }

    private static List<Candidate> kept(List<Candidate> points, RetentionRules rules, Instant now) {
        return Retention.judge(points, rules, now).stream()
                .filter(Verdict::kept)
                .map(Verdict::point)
                .toList();
    }

    /// When each point goes if nothing else happens; the far future if it does not.
    private static Map<String, Instant> ends(
            List<Candidate> points, RetentionRules rules, Instant now) {
        return Retention.judge(points, rules, now).stream()
                .collect(
                        Collectors.toMap(
                                each -> each.point().id(),
                                each ->
                                        each.kept()
                                                ? each.until().orElse(Instant.MAX)
                                                : Instant.MIN));
    }

    @Test
    void keepsWhatAWalkThroughTheCalendarKeeps() {
        int kept = 0;
        int all = 0;
        for (int seed = 0; seed < 400; seed++) {
            Random random = new Random(seed);
            RetentionRules rules = rules(random);
            List<Candidate> points = points(random, random.nextInt(1, 60));
            DayByDay oracle = new DayByDay(points, rules);
            for (int i = 0; i < 2; i++) {
                Instant now = someTime(random, points);
                for (Verdict each : Retention.judge(points, rules, now)) {
                    assertThat(each.kept())
                            .as("seed %d at %s: %s of %s", seed, now, each, rules)
                            .isEqualTo(oracle.keeps(each.point(), now));
                    kept += each.kept() ? 1 : 0;
                    all++;
                }
            }
            for (Verdict each : Retention.judge(points, rules, Instant.MAX)) {
                Optional<LocalDate> last = oracle.lastDay(each.point());
                if (each.until().isPresent() && last.isPresent()) {
                    Instant end = each.until().get();
                    boolean own =
                            Optional.of(end).equals(each.point().keepUntil())
                                    || Optional.of(end).equals(each.point().lockedUntil());
                    LocalDate before = LocalDate.ofInstant(end.minusNanos(1), rules.zone());
                    LocalDate from = LocalDate.ofInstant(end, rules.zone());
                    assertThat(own ? last.get() : before)
                            .as("seed %d: %s", seed, each)
                            .isEqualTo(last.get());
                    assertThat(from).as("seed %d: %s", seed, each).isAfter(last.get());
                }
            }
        }
        assertThat((double) kept / all).isBetween(0.2, 0.8);
    }

    /// Points come, clean-ups are made at many times or left out: in the end stands what one clean-up at the end leaves.
    @Test
    void cleaningUpOftenLeavesWhatCleaningUpOnceLeaves() {
        int deleted = 0;
        for (int seed = 0; seed < 400; seed++) {
            Random random = new Random(seed);
            RetentionRules rules = rules(random);
            List<Candidate> all = points(random, random.nextInt(1, 150));
            List<Candidate> standing = new ArrayList<>();
            Instant now = BEGIN;
            for (Candidate each : all) {
                // The clean-up's clock is right, whatever the point says.
                now = each.at().isAfter(now) && random.nextInt(6) > 0 ? each.at() : now;
                standing.add(each);
                while (random.nextInt(3) > 0) {
                    now = now.plus(Duration.ofMinutes(random.nextInt(24 * 60)));
                    int count = standing.size();
                    standing = new ArrayList<>(kept(standing, rules, now));
                    deleted += count - standing.size();
                    assertThat(kept(standing, rules, now)).as("seed %d", seed).isEqualTo(standing);
                }
            }
            Instant end = now.plus(Duration.ofDays(random.nextInt(100)));
            assertThat(kept(standing, rules, end))
                    .as("seed %d at %s: %s", seed, end, rules)
                    .isEqualTo(kept(all, rules, end));
        }
        assertThat(deleted).isGreaterThan(1000);
    }

    @Test
    void aMissingPointMakesNoOtherBeKeptShorter() {
        int longer = 0;
        for (int seed = 0; seed < 400; seed++) {
            Random random = new Random(seed);
            RetentionRules rules = rules(random);
            List<Candidate> all = points(random, random.nextInt(2, 60));
            Instant now = someTime(random, all);
            List<Candidate> fewer = all.stream().filter(_ -> random.nextInt(4) > 0).toList();
            Map<String, Instant> before = ends(all, rules, now);
            for (Map.Entry<String, Instant> each : ends(fewer, rules, now).entrySet()) {
                Instant old = Objects.requireNonNull(before.get(each.getKey()));
                assertThat(each.getValue())
                        .as("seed %d: %s", seed, each.getKey())
                        .isAfterOrEqualTo(old);
                longer += each.getValue().equals(old) ? 0 : 1;
            }
        }
        assertThat(longer).isGreaterThan(100);
    }

    private static RetentionRules longer(Random random, RetentionRules rules) {
        RetentionRules more = rules(random);
        return new RetentionRules(
                rules.zone(),
                rules.daily()
                        .map(each -> new Daily(each.keep() + random.nextInt(5)))
                        .or(more::daily),
                rules.weekly()
                        .map(each -> new Weekly(each.keep() + random.nextInt(5), each.on()))
                        .or(more::weekly),
                rules.monthly()
                        .map(each -> new Monthly(each.keep() + random.nextInt(5), each.on()))
                        .or(more::monthly),
                rules.yearly()
                        .map(each ->
                                new Yearly(each.keep() + random.nextInt(2), each.in(), each.on()))
                        .or(more::yearly));
    }

    @Test
    void longerAndAdditionalRulesNeverDelete() {
        int saved = 0;
        int extended = 0;
        for (int seed = 0; seed < 400; seed++) {
            Random random = new Random(seed);
            RetentionRules before = rules(random);
            RetentionRules after = longer(random, before);
            List<Candidate> points = points(random, random.nextInt(1, 60));
            Instant now = someTime(random, points);
            RetentionPreview preview = RetentionPreview.of(points, before, after, now);
            assertThat(preview.with(Effect.DELETED)).as("seed %d", seed).isEmpty();
            assertThat(preview.with(Effect.SHORTENED)).as("seed %d", seed).isEmpty();
            RetentionPreview back = RetentionPreview.of(points, after, before, now);
            assertThat(back.with(Effect.SAVED)).as("seed %d", seed).isEmpty();
            assertThat(back.with(Effect.EXTENDED)).as("seed %d", seed).isEmpty();
            saved += preview.with(Effect.SAVED).size();
            extended += preview.with(Effect.EXTENDED).size();
        }
        assertThat(saved).isGreaterThan(100);
        assertThat(extended).isGreaterThan(100);
    }

    @Test
    void thePreviewIsWhatJudgingBeforeAndAfterGives() {
        Map<Effect, Integer> seen = new EnumMap<>(Effect.class);
        for (int seed = 0; seed < 400; seed++) {
            Random random = new Random(seed);
            RetentionRules before = rules(random);
            RetentionRules after = rules(random);
            List<Candidate> points = points(random, random.nextInt(1, 60));
            Instant now = someTime(random, points);
            RetentionPreview preview = RetentionPreview.of(points, before, after, now);
            assertThat(preview.changes().stream().map(RetentionPreview.Change::before))
                    .isEqualTo(Retention.judge(points, before, now));
            assertThat(preview.changes().stream().map(RetentionPreview.Change::after))
                    .isEqualTo(Retention.judge(points, after, now));
            Set<Candidate> lost = new HashSet<>(kept(points, before, now));
            kept(points, after, now).forEach(lost::remove);
            assertThat(preview.with(Effect.DELETED).stream().map(RetentionPreview.Change::point))
                    .as("seed %d", seed)
                    .containsExactlyInAnyOrderElementsOf(lost);
            // All dates as they are once there is a newer point, which takes no part in the rules.
            List<Candidate> another = new ArrayList<>(points);
            another.add(
                    new Candidate(
                            "newer",
                            points.size(),
                            now,
                            Origin.ON_DEMAND,
                            Optional.empty(),
                            Optional.empty(),
                            Optional.empty()));
            Map<String, Instant> old = ends(another, before, now);
            Map<String, Instant> changed = ends(another, after, now);
            for (RetentionPreview.Change each : preview.changes()) {
                String id = each.point().id();
                int longer =
                        Objects.requireNonNull(changed.get(id))
                                .compareTo(Objects.requireNonNull(old.get(id)));
                Set<Effect> possible =
                        longer == 0
                                ? EnumSet.of(Effect.NONE)
                                : longer > 0
                                        ? EnumSet.of(Effect.SAVED, Effect.EXTENDED)
                                        : EnumSet.of(Effect.DELETED, Effect.SHORTENED);
                assertThat(each.effect()).as("seed %d: %s", seed, each).isIn(possible);
                seen.merge(each.effect(), 1, Integer::sum);
            }
        }
        assertThat(seen).hasSize(5).allSatisfy((_, count) -> assertThat(count).isGreaterThan(50));
    }

    @Test
    void theLatestIsKeptAndTheOrderOfPointsDoesNotMatter() {
        for (int seed = 0; seed < 400; seed++) {
            Random random = new Random(seed);
            RetentionRules rules = rules(random);
            List<Candidate> points = points(random, random.nextInt(1, 60));
            Instant now = someTime(random, points).plus(Duration.ofDays(random.nextInt(5000)));
            assertThat(kept(points, rules, now)).as("seed %d", seed).contains(points.getLast());
            Set<Verdict> verdicts = new HashSet<>(Retention.judge(points, rules, now));
            List<Candidate> shuffled = new ArrayList<>(points);
            Collections.shuffle(shuffled, random);
            assertThat(new HashSet<>(Retention.judge(shuffled, rules, now)))
                    .as("seed %d", seed)
                    .isEqualTo(verdicts);
        }
    }
}
