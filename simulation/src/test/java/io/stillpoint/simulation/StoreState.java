package io.stillpoint.simulation;

import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore.Listed;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// What all facades of one simulated store share: its objects, its clock, how late its listings are, and requests that
/// are still on their way.
final class StoreState {
    private static final Comparator<ObjectName> BY_NAME =
            Comparator.comparing(ObjectName::area).thenComparing(ObjectName::id);
    private static final Pattern POINT = Pattern.compile("\"point\"\\s*:\\s*\"([^\"]+)\"");
    private static final Pattern FORGETTING =
            Pattern.compile("\"forgetting\"\\s*:\\s*\"([^\"]+)\"");
    private static final Pattern PURGE_AT = Pattern.compile("\"purgeAt\"\\s*:\\s*\"([^\"]+)\"");
    private static final int KIND_AT = 8;
    private static final int JSON_AT = 36;
    private static final int TRACE_MAX = 400;

    private final Turns turns;
    private final Random random;
    private final HistoryRules rules;
    private final Model model;
    private final Map<ObjectName, Stored> objects = new TreeMap<>(BY_NAME);
    private final List<Deleted> deleted = new ArrayList<>();
    private final List<Late> late = new ArrayList<>();
    private final Deque<String> trace = new ArrayDeque<>();
    private long operations;
    private int crashes;
    private boolean isExact;

    /// An object.
    record Stored(byte[] content, Instant madeAt) {}

    private record Deleted(ObjectName name, Stored object, Instant at) {}

    /// A request that failed for who made it, and takes effect later.
    private record Late(Instant at, Runnable effect) {}

    StoreState(Turns turns, Random random, HistoryRules rules, Model model) {
        this.turns = turns;
        this.random = random;
        this.rules = rules;
        this.model = model;
    }

    HistoryRules rules() {
        return rules;
    }

    Turns turns() {
        return turns;
    }

    Random random() {
        return random;
    }

    long operations() {
        return operations;
    }

    int crashes() {
        return crashes;
    }

    void countCrash() {
        crashes++;
    }

    /// From now on listings are not late.
    void makeExact(boolean exact) {
        isExact = exact;
    }

    List<String> trace() {
        return List.copyOf(trace);
    }

    void note(String process, String what) {
        trace.add(turns.now() + " " + process + " " + what);
        if (trace.size() > Integer.getInteger("trace", TRACE_MAX)) {
            trace.remove();
        }
    }

    /// To be called before each operation: what is due on its way arrives.
    void tick() {
        operations++;
        arrive();
    }

    /// Requests that were on their way for long enough take effect.
    void arrive() {
        Iterator<Late> each = late.iterator();
        while (each.hasNext()) {
            Late request = each.next();
            if (!request.at.isAfter(turns.now())) {
                each.remove();
                request.effect.run();
            }
        }
    }

    void later(Duration after, Runnable effect) {
        late.add(new Late(turns.now().plus(after), effect));
    }

    /// The object's time, as coarse as the store tells it.
    private Instant stamp() {
        long grain = rules.grain().toMillis();
        return Instant.ofEpochMilli(turns.now().toEpochMilli() / grain * grain);
    }

    @Nullable Stored get(ObjectName name) {
        return objects.get(name);
    }

    /// Returns whether the name was free.
    boolean put(ObjectName name, byte[] content, String token) {
        if (objects.containsKey(name)) {
            return false;
        }
        objects.put(name, new Stored(content, stamp()));
        if (name.area() == Area.POINTS && content[KIND_AT] == 'P') {
            model.pointMade(token, name.id(), turns.now());
        } else if (name.area() == Area.FORGOTTEN) {
            model.forgotten(name.id(), purgeAt(content), turns.now());
        } else if (name.area() == Area.UNDONE) {
            undone(content);
        }
        return true;
    }

    /// From now on a forgotten record does not count, if it is that one still.
    private void undone(byte[] record) {
        ObjectId point = ObjectId.parse(field(POINT, record));
        Stored forgotten = objects.get(new ObjectName(Area.FORGOTTEN, point));
        if (forgotten != null
                && field(FORGETTING, forgotten.content()).equals(field(FORGETTING, record))) {
            model.broughtBack(point, turns.now());
        }
    }

    void delete(ObjectName name) {
        Stored object = objects.remove(name);
        if (object == null) {
            return;
        }
        deleted.add(new Deleted(name, object, turns.now()));
        if (name.area() == Area.POINTS) {
            model.pointDeleted(name.id(), turns.now());
        } else if (name.area() == Area.FORGOTTEN) {
            model.broughtBack(name.id(), turns.now());
        }
    }

    private static Instant purgeAt(byte[] record) {
        return Instant.parse(field(PURGE_AT, record));
    }

    private static String field(Pattern pattern, byte[] record) {
        int length = ByteBuffer.wrap(record).getInt(JSON_AT - Integer.BYTES);
        Matcher found =
                pattern.matcher(new String(record, JSON_AT, length, StandardCharsets.UTF_8));
        if (!found.find()) {
            throw new Violation("a record without " + pattern);
        }
        return found.group(1);
    }

    /// What a listing tells now.
    List<Listed> list(Area area) {
        Duration delay = isExact ? Duration.ZERO : rules.delay();
        // Either as it was some time ago, or each object in its own way.
        Optional<Instant> asOf =
                random.nextBoolean()
                        ? Optional.of(
                                turns.now().minusMillis(random.nextLong(delay.toMillis() + 1)))
                        : Optional.empty();
        Instant exactBefore = turns.now().minus(delay);
        Map<ObjectId, Listed> listed = new TreeMap<>();
        deleted.removeIf(gone -> gone.at.plus(rules.delay()).isBefore(turns.now()));
        for (Deleted gone : deleted) {
            if (gone.name.area() == area
                    && gone.at.isAfter(exactBefore)
                    && asOf.map(gone.at::isAfter).orElseGet(random::nextBoolean)) {
                listed.put(gone.name.id(), listed(gone.name, gone.object));
            }
        }
        objects.forEach((name, object) -> {
            if (name.area() == area
                    && (!object.madeAt.isAfter(exactBefore)
                            || asOf.map(instant -> !object.madeAt.isAfter(instant))
                                    .orElseGet(random::nextBoolean))) {
                listed.put(name.id(), listed(name, object));
            }
        });
        return List.copyOf(listed.values());
    }

    private static Listed listed(ObjectName name, Stored object) {
        return new Listed(name, object.content.length, object.madeAt);
    }

    /// All objects of an area, as they are.
    List<ObjectName> names(Area area) {
        return objects.keySet().stream().filter(name -> name.area() == area).toList();
    }
}
