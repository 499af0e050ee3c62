package io.stillpoint.planning.queue;

import io.stillpoint.platform.text.Text;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// One way in which the transfers could go on, given which of them do not wait for the end of a peak.
final class Answer {
    private final Courses courses;
    private final Set<String> urgent;
    private final Gate total;
    private final Map<String, Gate> hosts = new HashMap<>();
    private final Map<String, Gate> stores = new HashMap<>();
    private final Map<Course, Gate> peaks = new HashMap<>();

    private record LaneKey(Route route, @Nullable Course peak) {}

    private final Map<LaneKey, Lane> lanes = new HashMap<>();
    private final Map<Waiting, Lane> laneOf = new HashMap<>();
    private final List<Forecast> running = new ArrayList<>();
    private final List<Waiting> waiting = new ArrayList<>();
    private final List<Waiting> begin;
    private final Map<Gate, Text> reasons = new HashMap<>();
    private final List<Text> waitsFor = new ArrayList<>();
    private long askAgain = Course.NEVER;

    /// @param urgent the ids of those that begin in a peak, too
    Answer(Courses courses, List<Transfer> running, List<Transfer> waiting, Set<String> urgent) {
        this.courses = courses;
        this.urgent = urgent;
        this.total = new Gate(Gate.Kind.TOTAL, "", courses.total());
        Outlook outlook = new Outlook(total, Courses.horizon());
        running.forEach(each -> addRunning(outlook, each));
        waiting.forEach(this::addWaiting);
        lanes.values().stream().filter(each -> !each.queue.isEmpty()).forEach(outlook::waits);
        this.begin = outlook.now();
        noteReasons();
        outlook.later();
    }

    private void addRunning(Outlook outlook, Transfer transfer) {
        Estimate estimate = transfer.estimate();
        Course bandwidth = courses.of(transfer.rules()).bandwidth();
        long end = bandwidth.end(0, estimate.left().bytes(), estimate.bytesPerSecond());
        outlook.runs(lane(new LaneKey(transfer.route(), null)), end);
        running.add(new Forecast(transfer, courses.now, courses.instant(end), Text.EMPTY));
        // When it should have ended and did not, its rate was another. Its bandwidth has to be set
        // when it changes.
        askAgainAt(Math.max(1, end));
        askAgainAt(bandwidth.nextChange(0));
    }

    private void addWaiting(Transfer transfer) {
        Courses.OfRules rules = courses.of(transfer.rules());
        boolean anyTime =
                transfer.rules().peak().windows().isEmpty() || urgent.contains(transfer.id());
        Lane lane = lane(new LaneKey(transfer.route(), anyTime ? null : rules.peak()));
        Waiting added =
                new Waiting(transfer, rules.bandwidth(), courses.millis(transfer.deadline()));
        waiting.add(added);
        lane.queue.add(added);
        laneOf.put(added, lane);
    }

    private Lane lane(LaneKey key) {
        return lanes.computeIfAbsent(key, this::newLane);
    }

    private Lane newLane(LaneKey key) {
        String host = key.route().host();
        String store = key.route().store();
        Gate ofHost =
                hosts.computeIfAbsent(
                        host, each -> new Gate(Gate.Kind.HOST, each, courses.host(each)));
        Gate ofStore =
                stores.computeIfAbsent(
                        store, each -> new Gate(Gate.Kind.STORE, each, courses.store(each)));
        if (key.peak() == null) {
            return new Lane(ofHost, ofStore);
        }
        Gate ofPeak = peaks.computeIfAbsent(key.peak(), each -> new Gate(Gate.Kind.PEAK, "", each));
        return new Lane(ofPeak, ofHost, ofStore);
    }

    /// As things are now: later the gates are used by others.
    private void noteReasons() {
        for (Waiting each : waiting) {
            if (each.begin == 0) {
                waitsFor.add(Text.EMPTY);
                askAgainAt(Math.max(1, each.end));
                askAgainAt(each.bandwidthChange());
                continue;
            }
            Lane lane = laneOf.get(each);
            Gate gate = lane == null || lane.before == null ? total : lane.before;
            waitsFor.add(reasons.computeIfAbsent(gate, Gate::reason));
            askAgainAt(each.stepsBackAt(courses.millis(each.transfer.deadline())));
        }
        if (begin.size() < waiting.size()) {
            askAgainAt(total.nextChange(0));
            for (Map<?, Gate> gates : List.of(hosts, stores, peaks)) {
                gates.values().forEach(each -> askAgainAt(each.nextChange(0)));
            }
        }
    }

    private void askAgainAt(long time) {
        askAgain = Math.min(askAgain, time);
    }

    /// Those that wait for the end of peaks, and end too late.
    Set<String> endangered() {
        Set<String> ids = new HashSet<>();
        for (Waiting each : waiting) {
            if (!each.transfer.rules().peak().windows().isEmpty()
                    && each.endangered(courses.millis(each.transfer.deadline()))) {
                ids.add(each.transfer.id());
            }
        }
        return ids;
    }

    Plan plan() {
        List<Forecast> forecasts = new ArrayList<>(running);
        for (int i = 0; i < waiting.size(); i++) {
            Waiting each = waiting.get(i);
            forecasts.add(
                    new Forecast(
                            each.transfer,
                            courses.instant(each.begin),
                            courses.instant(each.end),
                            waitsFor.get(i)));
        }
        return new Plan(
                begin.stream().map(each -> each.transfer).toList(),
                forecasts,
                courses.instant(askAgain));
    }
}
