package io.stillpoint.platform.setting;

import io.stillpoint.platform.text.Text;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;

/// Reads a tree of settings that a person wrote. What is asked for is thereby known; [#done] refuses all that nobody asked
/// for, and tells every mistake of the whole tree at once. Where a value is wrong the reader gets a stand-in and goes on,
/// so nothing that was read may be used before [#done] has returned.
///
/// Paths read as in `hosts.here.qemu.monitors[0]`. For one thread.
public final class SettingTree {
    /// A name this far from a known one, in letters, is taken for a slip.
    private static final int SLIP_MAX = 3;

    private final JsonNode node;
    private final String path;
    private final Root root;
    private final Set<String> asked = new TreeSet<>();
    private final Map<String, SettingTree> children = new HashMap<>();
    private final List<SettingTree> below = new ArrayList<>();

    /// Something that is wrong.
    ///
    /// @param path where, empty for the whole
    public record Problem(String path, Text text) {}

    private record Root(String source, List<Problem> problems) {}

    private SettingTree(JsonNode node, String path, Root root) {
        this.node = node;
        this.path = path;
        this.root = root;
        if (!node.isObject() && !node.isNull() && !node.isMissingNode()) {
            wrong(path, "setting.no-map", shown(node));
        }
    }

    /// @param source what people call it, such as the file's path
    public static SettingTree of(JsonNode node, String source) {
        return new SettingTree(node, "", new Root(source, new ArrayList<>()));
    }

    /// Whether there is such a setting.
    public boolean has(String key) {
        asked.add(key);
        JsonNode value = node.path(key);
        return !value.isMissingNode() && !value.isNull();
    }

    /// What people call the place of a setting.
    public String path(String key) {
        return path.isEmpty() ? key : path + "." + key;
    }

    /// The tree under a key; an empty one if there is none.
    public SettingTree child(String key) {
        asked.add(key);
        SettingTree child = children.get(key);
        if (child == null) {
            child = keep(new SettingTree(node.path(key), path(key), root));
            children.put(key, child);
        }
        return child;
    }

    /// The trees under a key, by their names.
    public Map<String, SettingTree> children(String key) {
        Map<String, SettingTree> found = new LinkedHashMap<>();
        SettingTree map = child(key);
        for (Map.Entry<String, JsonNode> each : map.node.properties()) {
            found.put(each.getKey(), map.child(each.getKey()));
        }
        return found;
    }

    /// The trees in a list under a key; one tree alone counts as a list of one.
    public List<SettingTree> list(String key) {
        List<SettingTree> list = new ArrayList<>();
        int index = 0;
        for (JsonNode each : elements(key)) {
            list.add(keep(new SettingTree(each, path(key) + "[" + index++ + "]", root)));
        }
        return list;
    }

    /// A text, or a number or truth as it was written.
    public Optional<String> text(String key) {
        return value(key, each -> each, "");
    }

    /// As [#text], where there must be one: else that is a mistake, and the stand-in is empty.
    public String requiredText(String key) {
        return text(key)
                .orElseGet(() -> {
                    missing(key);
                    return "";
                });
    }

    /// What a text means.
    ///
    /// @param meaning throws [IllegalArgumentException] (or [java.time.DateTimeException]) for a text without one
    /// @param possible what could have been written, for people
    public <T> Optional<T> value(String key, Function<String, T> meaning, String possible) {
        return has(key) ? meant(node.path(key), path(key), meaning, possible) : Optional.empty();
    }

    /// What the texts in a list mean; one text alone counts as a list of one.
    public <T> List<T> values(String key, Function<String, T> meaning, String possible) {
        List<T> values = new ArrayList<>();
        int index = 0;
        for (JsonNode each : elements(key)) {
            meant(each, path(key) + "[" + index++ + "]", meaning, possible).ifPresent(values::add);
        }
        return values;
    }

    /// Texts in a list; one text alone counts as a list of one.
    public List<String> texts(String key) {
        return values(key, each -> each, "");
    }

    /// Texts by their names.
    public Map<String, String> textsByName(String key) {
        Map<String, String> texts = new LinkedHashMap<>();
        SettingTree map = child(key);
        for (Map.Entry<String, JsonNode> each : map.node.properties()) {
            map.text(each.getKey()).ifPresent(text -> texts.put(each.getKey(), text));
        }
        return texts;
    }

    /// A whole number from `min` to `max`.
    public Optional<Integer> whole(String key, int min, int max) {
        String possible = min + " to " + max;
        return value(
                key,
                text -> {
                    int number = Integer.parseInt(text);
                    if (number < min || number > max) {
                        throw new IllegalArgumentException(text);
                    }
                    return number;
                },
                possible);
    }

    /// Yes or no.
    public boolean flag(String key, boolean otherwise) {
        return value(
                        key,
                        text ->
                                switch (text) {
                                    case "true" -> true;
                                    case "false" -> false;
                                    default -> throw new IllegalArgumentException(text);
                                },
                        "true, false")
                .orElse(otherwise);
    }

    /// One of an enum's constants, written in small letters and with hyphens.
    public <E extends Enum<E>> Optional<E> choice(String key, Class<E> type) {
        return value(key, text -> constant(type, text), words(type));
    }

    /// As [#choice], several.
    public <E extends Enum<E>> List<E> choices(String key, Class<E> type) {
        return values(key, text -> constant(type, text), words(type));
    }

    private static <E extends Enum<E>> E constant(Class<E> type, String text) {
        for (E each : type.getEnumConstants()) {
            if (word(each).equals(text)) {
                return each;
            }
        }
        throw new IllegalArgumentException(text);
    }

    private static String words(Class<? extends Enum<?>> type) {
        return String.join(
                ", ", Arrays.stream(type.getEnumConstants()).map(SettingTree::word).toList());
    }

    private static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /// Notes that a setting is wrong.
    ///
    /// @param key of the setting; empty for this whole tree
    public void wrong(String key, Text why) {
        add(key.isEmpty() ? path : path(key), why);
    }

    private void add(String where, Text why) {
        root.problems.add(
                new Problem(
                        where,
                        where.isEmpty()
                                ? why
                                : Text.of(SettingTree.class, "setting.at", where, why)));
    }

    /// Notes that there is no such setting although there must be one.
    public void missing(String key) {
        wrong(path(key), "setting.missing");
    }

    /// Ends the reading of the whole tree. Throws a [SettingsException] with all that is wrong.
    public void done() {
        refuseUnknown();
        if (!root.problems.isEmpty()) {
            throw SettingsException.of(root.source, root.problems);
        }
    }

    private void refuseUnknown() {
        for (Map.Entry<String, JsonNode> each : node.properties()) {
            if (!asked.contains(each.getKey())) {
                Optional<String> near = nearest(each.getKey(), asked);
                if (near.isPresent()) {
                    wrong(path(each.getKey()), "setting.unknown-near", near.get());
                } else {
                    wrong(path(each.getKey()), "setting.unknown", String.join(", ", asked));
                }
            }
        }
        below.forEach(SettingTree::refuseUnknown);
    }

    private SettingTree keep(SettingTree child) {
        below.add(child);
        return child;
    }

    private List<JsonNode> elements(String key) {
        if (!has(key)) {
            return List.of();
        }
        JsonNode value = node.path(key);
        return value.isArray() ? List.copyOf(value.values()) : List.of(value);
    }

    private <T> Optional<T> meant(
            JsonNode value, String where, Function<String, T> meaning, String possible) {
        if (!value.isValueNode() || value.isNull()) {
            wrong(where, "setting.no-value", shown(value));
            return Optional.empty();
        }
        String text = value.asString();
        try {
            return Optional.of(meaning.apply(text));
        } catch (IllegalArgumentException | java.time.DateTimeException e) {
            wrong(where, "setting.no-such", text, possible);
            return Optional.empty();
        }
    }

    private void wrong(String where, String code, Object... arguments) {
        add(where, Text.of(SettingTree.class, code, arguments));
    }

    private static String shown(JsonNode node) {
        String text = node.isMissingNode() ? "nothing" : node.toString();
        return text.length() <= 60 ? text : text.substring(0, 60) + "…";
    }

    /// The candidate that one most likely meant.
    public static Optional<String> nearest(String word, Iterable<String> candidates) {
        Optional<String> best = Optional.empty();
        int least = Math.min(SLIP_MAX, Math.max(1, word.length() / 2)) + 1;
        for (String each : candidates) {
            int distance = distance(word.toLowerCase(Locale.ROOT), each.toLowerCase(Locale.ROOT));
            if (distance < least) {
                least = distance;
                best = Optional.of(each);
            }
        }
        return best;
    }

    /// Letters that must be put in, left out, exchanged, or swapped with their neighbour (Damerau 1964; "optimal string
    /// alignment").
    private static int distance(String a, String b) {
        int[][] cost = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                if (i == 0 || j == 0) {
                    cost[i][j] = i + j;
                    continue;
                }
                boolean same = a.charAt(i - 1) == b.charAt(j - 1);
                int best = cost[i - 1][j - 1] + (same ? 0 : 1);
                best = Math.min(best, Math.min(cost[i - 1][j], cost[i][j - 1]) + 1);
                if (i > 1
                        && j > 1
                        && a.charAt(i - 1) == b.charAt(j - 2)
                        && a.charAt(i - 2) == b.charAt(j - 1)) {
                    best = Math.min(best, cost[i - 2][j - 2] + 1);
                }
                cost[i][j] = best;
            }
        }
        return cost[a.length()][b.length()];
    }
}
