package io.stillpoint.planning.policy;

import io.stillpoint.planning.queue.LimitsByTime;
import io.stillpoint.planning.queue.PeakWindows;
import io.stillpoint.planning.queue.TimeWindow;
import io.stillpoint.planning.queue.TransferRules;
import io.stillpoint.planning.retention.DayRule;
import io.stillpoint.planning.retention.RetentionRules;
import io.stillpoint.planning.schedule.Rhythm;
import io.stillpoint.planning.schedule.Schedule;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.setting.NamePattern;
import io.stillpoint.platform.setting.SettingTree;
import io.stillpoint.platform.setting.Written;
import io.stillpoint.platform.text.Text;
import java.time.DayOfWeek;
import java.time.Duration;
import java.time.LocalTime;
import java.time.Month;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Policies as people write them (`docs/policies.md`), and as they are kept.
public final class PolicyText {
    private static final ZoneId UTC = ZoneId.of("UTC");
    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]{0,63}");
    private static final String ZONES = "a zone such as Europe/Berlin, or UTC";
    private static final long RATE_MIN = 64L << 10;
    private static final String WHOLE = "a whole number";
    private static final String TIMES = "00:00 to 23:59";
    private static final Duration LOCAL_MAX = Duration.ofDays(5);
    private static final String LOCAL = "0 to 5d, such as 2d";
    private static final String DURATIONS = "a number with s, m or h, such as 15m";

    private PolicyText() {}

    /// Reads a policy. Throws a [io.stillpoint.platform.setting.SettingsException] that tells all that is wrong.
    ///
    /// @param source what people call it
    public static Policy read(JsonNode written, String source) {
        SettingTree tree = SettingTree.of(written, source);
        String name =
                tree.value("name", PolicyText::name, "a-z, 0-9 and -, a letter first").orElse("");
        if (!tree.has("name")) {
            tree.missing("name");
        }
        String vault = tree.requiredText("vault");
        SettingTree schedule = tree.child("schedule");
        ZoneId zone = zone(schedule);
        Optional<Schedule> when = schedule(schedule, zone);
        Optional<RetentionRules> retention = retention(tree.child("retention"), zone);
        Selection selection = selection(tree.child("select"));
        DiskRules disks = disks(tree.child("disks"));
        Quality quality = quality(tree.child("quality"));
        Duration localFor =
                tree.value("local-snapshots", PolicyText::localFor, LOCAL).orElse(Duration.ZERO);
        TransferRules transfer =
                new TransferRules(
                        bandwidth(tree.child("bandwidth"), zone),
                        new PeakWindows(zone, windows(tree.list("peak"))));
        tree.done();
        return new Policy(
                name,
                vault,
                when.orElseThrow(),
                retention.orElseThrow(),
                selection,
                disks,
                quality,
                localFor,
                transfer);
    }

    private static Duration localFor(String text) {
        Duration duration = Written.duration(text);
        if (duration.compareTo(LOCAL_MAX) > 0) {
            throw new IllegalArgumentException(text);
        }
        return duration;
    }

    private static String name(String text) {
        if (!NAME.matcher(text).matches()) {
            throw new IllegalArgumentException(text);
        }
        return text;
    }

    private static ZoneId zone(SettingTree schedule) {
        if (!schedule.has("zone")) {
            schedule.missing("zone");
        }
        return schedule.value("zone", ZoneId::of, ZONES).orElse(UTC);
    }

    /// What a constructor makes of what was written; what it refuses is told under the key.
    private static <T> Optional<T> made(SettingTree tree, String key, Supplier<T> maker) {
        try {
            return Optional.of(maker.get());
        } catch (StillpointException e) {
            tree.wrong(key, e.text());
            return Optional.empty();
        }
    }

    private static Optional<Schedule> schedule(SettingTree tree, ZoneId zone) {
        Duration jitter = tree.value("jitter", Written::duration, DURATIONS).orElse(Duration.ZERO);
        List<String> kinds =
                List.of("hourly", "daily", "weekly").stream().filter(tree::has).toList();
        if (kinds.size() != 1) {
            tree.wrong("", Text.of(PolicyText.class, "policy.one-rhythm", kinds.size()));
            return Optional.empty();
        }
        String kind = kinds.getFirst();
        SettingTree rhythm = tree.child(kind);
        return made(
                tree,
                kind,
                () ->
                        new Schedule(
                                zone,
                                switch (kind) {
                                    case "hourly" -> hourly(rhythm);
                                    case "daily" -> new Rhythm.Daily(times(rhythm));
                                    default ->
                                            new Rhythm.Weekly(
                                                    Set.copyOf(
                                                            rhythm.choices("on", DayOfWeek.class)),
                                                    times(rhythm));
                                },
                                jitter));
    }

    private static Rhythm.Hourly hourly(SettingTree tree) {
        return new Rhythm.Hourly(
                tree.whole("every", 1, 24).orElse(1),
                tree.value("from", LocalTime::parse, TIMES).orElse(LocalTime.MIDNIGHT),
                tree.value("for", Written::duration, DURATIONS).orElse(Duration.ofHours(24)));
    }

    private static SortedSet<LocalTime> times(SettingTree tree) {
        return new TreeSet<>(tree.values("at", LocalTime::parse, TIMES));
    }

    private static Optional<RetentionRules> retention(SettingTree tree, ZoneId zone) {
        Optional<RetentionRules.Daily> daily =
                tree.value("daily", Integer::valueOf, WHOLE)
                        .flatMap(keep -> made(tree, "daily", () -> new RetentionRules.Daily(keep)));
        Optional<RetentionRules.Weekly> weekly =
                tree.has("weekly") ? weekly(tree, tree.child("weekly")) : Optional.empty();
        Optional<RetentionRules.Monthly> monthly =
                tree.has("monthly") ? monthly(tree, tree.child("monthly")) : Optional.empty();
        Optional<RetentionRules.Yearly> yearly =
                tree.has("yearly") ? yearly(tree, tree.child("yearly")) : Optional.empty();
        boolean isAnyWrong =
                (tree.has("daily") && daily.isEmpty())
                        || (tree.has("weekly") && weekly.isEmpty())
                        || (tree.has("monthly") && monthly.isEmpty())
                        || (tree.has("yearly") && yearly.isEmpty());
        // One that is wrong has been told of already.
        return isAnyWrong
                ? Optional.empty()
                : made(tree, "", () -> new RetentionRules(zone, daily, weekly, monthly, yearly));
    }

    private static Optional<RetentionRules.Weekly> weekly(SettingTree tree, SettingTree rule) {
        int keep = keep(rule);
        Set<DayOfWeek> on = Set.copyOf(rule.choices("on", DayOfWeek.class));
        return made(tree, "weekly", () -> new RetentionRules.Weekly(keep, on));
    }

    private static Optional<RetentionRules.Monthly> monthly(SettingTree tree, SettingTree rule) {
        int keep = keep(rule);
        return dayRule(rule)
                .flatMap(on -> made(tree, "monthly", () -> new RetentionRules.Monthly(keep, on)));
    }

    private static Optional<RetentionRules.Yearly> yearly(SettingTree tree, SettingTree rule) {
        int keep = keep(rule);
        Set<Month> in = Set.copyOf(rule.choices("in", Month.class));
        return dayRule(rule)
                .flatMap(on -> made(tree, "yearly", () -> new RetentionRules.Yearly(keep, in, on)));
    }

    private static int keep(SettingTree rule) {
        if (!rule.has("keep")) {
            rule.missing("keep");
        }
        return rule.value("keep", Integer::valueOf, WHOLE).orElse(1);
    }

    private static Optional<DayRule> dayRule(SettingTree rule) {
        if (!rule.has("on")) {
            rule.missing("on");
        }
        return rule.value("on", PolicyText::dayRule, "1 to 28, last, first sunday … last saturday");
    }

    /// `15`, `last`, `first sunday`, `last monday friday`.
    private static DayRule dayRule(String text) {
        String[] words = text.strip().toLowerCase(Locale.ROOT).split("[\\s,]+");
        if (words.length == 1) {
            return words[0].equals("last")
                    ? new DayRule.LastDay()
                    : dayOfMonth(Integer.parseInt(words[0]));
        }
        DayRule.Nth nth = DayRule.Nth.valueOf(words[0].toUpperCase(Locale.ROOT));
        Set<DayOfWeek> days = EnumSet.noneOf(DayOfWeek.class);
        for (int i = 1; i < words.length; i++) {
            days.add(DayOfWeek.valueOf(words[i].toUpperCase(Locale.ROOT)));
        }
        return new DayRule.Weekdays(nth, days);
    }

    private static DayRule dayOfMonth(int day) {
        if (day < 1 || day > 28) {
            throw new IllegalArgumentException("day " + day);
        }
        return new DayRule.DayOfMonth(day);
    }

    private static Selection selection(SettingTree tree) {
        Map<String, NamePattern> tags = new TreeMap<>();
        tree.textsByName("tags").forEach((tag, value) -> tags.put(tag, new NamePattern(value)));
        return new Selection(patterns(tree, "names"), tags, patterns(tree, "without"));
    }

    private static List<NamePattern> patterns(SettingTree tree, String key) {
        return tree.texts(key).stream().map(NamePattern::new).toList();
    }

    private static DiskRules disks(SettingTree tree) {
        DiskRules usual = DiskRules.USUAL;
        return new DiskRules(
                patterns(tree, "without"),
                tree.flag("removable", usual.removable()),
                tree.flag("read-only", usual.readOnly()));
    }

    private static LimitsByTime bandwidth(SettingTree tree, ZoneId zone) {
        List<LimitsByTime.Limit> windows = new ArrayList<>();
        for (SettingTree each : tree.list("windows")) {
            if (!each.has("at-most")) {
                each.missing("at-most");
            }
            long limit = rate(each);
            window(each).ifPresent(window -> windows.add(new LimitsByTime.Limit(window, limit)));
        }
        return new LimitsByTime(zone, rate(tree), windows);
    }

    /// Bytes a second.
    private static long rate(SettingTree tree) {
        return tree.value(
                        "at-most",
                        text -> {
                            long bytes = ByteSize.parse(text).bytes();
                            if (bytes < RATE_MIN) {
                                throw new IllegalArgumentException(text);
                            }
                            return bytes;
                        },
                        "bytes a second, 64K or more, such as 50M")
                .orElse(LimitsByTime.UNLIMITED);
    }

    private static Quality quality(SettingTree tree) {
        Quality usual = Quality.USUAL;
        return new Quality(
                tree.choice("consistency-at-least", Quality.Least.class).orElse(usual.atLeast()),
                tree.flag("extension", usual.extension()),
                tree.choice("vss", Quality.Vss.class).orElse(usual.vss()),
                positive(tree, "freeze-at-most").orElse(usual.freezeMax()),
                positive(tree, "scripts-at-most").orElse(usual.scriptsMax()));
    }

    private static Optional<Duration> positive(SettingTree tree, String key) {
        return tree.value(
                key,
                text -> {
                    Duration duration = Written.duration(text);
                    if (!duration.isPositive() || duration.compareTo(Duration.ofHours(24)) > 0) {
                        throw new IllegalArgumentException(text);
                    }
                    return duration;
                },
                DURATIONS);
    }

    private static List<TimeWindow> windows(List<SettingTree> trees) {
        List<TimeWindow> windows = new ArrayList<>();
        trees.forEach(each -> window(each).ifPresent(windows::add));
        return windows;
    }

    private static Optional<TimeWindow> window(SettingTree tree) {
        Optional<LocalTime> from = tree.value("from", LocalTime::parse, TIMES);
        Optional<LocalTime> to = tree.value("to", LocalTime::parse, TIMES);
        if (!tree.has("from")) {
            tree.missing("from");
        }
        if (!tree.has("to")) {
            tree.missing("to");
        }
        return from.isPresent() && to.isPresent()
                ? Optional.of(new TimeWindow(from.get(), to.get()))
                : Optional.empty();
    }

    /// As [#read] reads it, complete.
    public static ObjectNode written(Policy policy) {
        ObjectNode json = Json.object().put("name", policy.name()).put("vault", policy.vault());
        write(policy.schedule(), json.putObject("schedule"));
        write(policy.retention(), json.putObject("retention"));
        ObjectNode select = json.putObject("select");
        put(select, "names", policy.selection().names());
        if (!policy.selection().tags().isEmpty()) {
            ObjectNode tags = select.putObject("tags");
            new TreeMap<>(policy.selection().tags())
                    .forEach((tag, value) -> tags.put(tag, value.text()));
        }
        put(select, "without", policy.selection().without());
        DiskRules disks = policy.disks();
        if (!disks.equals(DiskRules.USUAL)) {
            ObjectNode chosen = json.putObject("disks");
            put(chosen, "without", disks.without());
            chosen.put("removable", disks.removable()).put("read-only", disks.readOnly());
        }
        Quality quality = policy.quality();
        json.putObject("quality")
                .put("consistency-at-least", word(quality.atLeast()))
                .put("extension", quality.extension())
                .put("vss", word(quality.vss()))
                .put("freeze-at-most", Written.text(quality.freezeMax()))
                .put("scripts-at-most", Written.text(quality.scriptsMax()));
        if (!policy.localFor().isZero()) {
            json.put("local-snapshots", Written.text(policy.localFor()));
        }
        write(policy.transfer().bandwidth(), json);
        if (!policy.transfer().peak().windows().isEmpty()) {
            ArrayNode peak = json.putArray("peak");
            policy.transfer().peak().windows().forEach(each -> write(each, peak.addObject()));
        }
        return json;
    }

    private static void write(LimitsByTime bandwidth, ObjectNode json) {
        boolean isLimited = bandwidth.otherwise() != LimitsByTime.UNLIMITED;
        if (!isLimited && bandwidth.windows().isEmpty()) {
            return;
        }
        ObjectNode limits = json.putObject("bandwidth");
        if (isLimited) {
            limits.put("at-most", written(bandwidth.otherwise()));
        }
        if (!bandwidth.windows().isEmpty()) {
            ArrayNode windows = limits.putArray("windows");
            bandwidth
                    .windows()
                    .forEach(each -> {
                        ObjectNode window = windows.addObject();
                        write(each.window(), window);
                        window.put("at-most", written(each.limit()));
                    });
        }
    }

    private static void write(TimeWindow window, ObjectNode json) {
        json.put("from", window.from().toString()).put("to", window.to().toString());
    }

    /// Exactly, in the largest unit in which it is whole.
    private static String written(long bytes) {
        String units = "KMGT";
        for (int i = units.length() - 1; i >= 0; i--) {
            long unit = 1L << (10 * (i + 1));
            if (bytes % unit == 0) {
                return bytes / unit + units.substring(i, i + 1);
            }
        }
        return Long.toString(bytes);
    }

    private static void write(Schedule schedule, ObjectNode json) {
        json.put("zone", schedule.zone().getId());
        switch (schedule.rhythm()) {
            case Rhythm.Hourly(int every, LocalTime from, Duration window) ->
                    json.putObject("hourly")
                            .put("every", every)
                            .put("from", from.toString())
                            .put("for", Written.text(window));
            case Rhythm.Daily daily -> put(json.putObject("daily"), "at", daily.at());
            case Rhythm.Weekly weekly -> {
                ObjectNode rhythm = json.putObject("weekly");
                words(rhythm, "on", weekly.on());
                put(rhythm, "at", weekly.at());
            }
        }
        json.put("jitter", Written.text(schedule.jitter()));
    }

    private static void write(RetentionRules rules, ObjectNode json) {
        rules.daily().ifPresent(each -> json.put("daily", each.keep()));
        rules.weekly()
                .ifPresent(each ->
                        words(json.putObject("weekly").put("keep", each.keep()), "on", each.on()));
        rules.monthly()
                .ifPresent(each ->
                        json.putObject("monthly")
                                .put("keep", each.keep())
                                .put("on", text(each.on())));
        rules.yearly()
                .ifPresent(each -> {
                    ObjectNode rule = json.putObject("yearly").put("keep", each.keep());
                    words(rule, "in", each.in());
                    rule.put("on", text(each.on()));
                });
    }

    private static String text(DayRule rule) {
        return switch (rule) {
            case DayRule.DayOfMonth(int day) -> Integer.toString(day);
            case DayRule.LastDay() -> "last";
            case DayRule.Weekdays(DayRule.Nth nth, Set<DayOfWeek> on) ->
                    word(nth) + " " + String.join(" ", on.stream().map(PolicyText::word).toList());
        };
    }

    private static void put(ObjectNode json, String key, Iterable<?> values) {
        if (values.iterator().hasNext()) {
            ArrayNode array = json.putArray(key);
            values.forEach(each -> array.add(each.toString()));
        }
    }

    private static void words(ObjectNode json, String key, Iterable<? extends Enum<?>> values) {
        ArrayNode array = json.putArray(key);
        values.forEach(each -> array.add(word(each)));
    }

    private static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
