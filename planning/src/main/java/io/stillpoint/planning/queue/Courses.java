package io.stillpoint.planning.queue;

import java.time.Instant;
import java.util.HashMap;
import java.util.Map;

/// The courses of all limits that one question to the queue concerns, each made once.
final class Courses {
    final Instant now;

    private final TransferLimits limits;
    private final Map<LimitsByTime, Course> made = new HashMap<>();
    private final Map<TransferRules, OfRules> ofRules = new HashMap<>();

    record OfRules(Course bandwidth, Course peak) {}

    Courses(TransferLimits limits, Instant now) {
        this.limits = limits;
        this.now = now;
    }

    static long horizon() {
        return TransferQueue.HORIZON.toMillis();
    }

    Course total() {
        return of(limits.total());
    }

    Course host(String name) {
        return of(limits.hosts().of(name));
    }

    Course store(String name) {
        return of(limits.stores().of(name));
    }

    OfRules of(TransferRules rules) {
        return ofRules.computeIfAbsent(
                rules, each -> new OfRules(of(each.bandwidth()), of(each.peak().limits())));
    }

    private Course of(LimitsByTime limit) {
        return made.computeIfAbsent(limit, each -> new Course(each, now, horizon()));
    }

    long millis(Instant instant) {
        return Course.millis(now, instant);
    }

    Instant instant(long time) {
        return time == Course.NEVER ? Instant.MAX : now.plusMillis(time);
    }
}
