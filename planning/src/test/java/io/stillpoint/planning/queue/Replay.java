package io.stillpoint.planning.queue;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.ByteSize;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What really happens if the queue is asked whenever it wants to be, and all transfers go at their rates: step by step,
/// without the queue's own forecasts. Rates are whole bytes a millisecond, so that nothing is rounded.
final class Replay {
    record Arrival(Instant at, Transfer transfer) {}

    record Run(Transfer transfer, Instant begin, Instant end) {
        boolean misses() {
            return end.isAfter(transfer.deadline());
        }
    }

    private final TransferQueue queue;
    private final List<Arrival> arrivals;
    private final Map<String, Transfer> waiting = new LinkedHashMap<>();
    private final Map<String, Run> running = new LinkedHashMap<>();
    private final Map<String, Run> ended = new HashMap<>();

    private Replay(TransferLimits limits, List<Arrival> arrivals) {
        this.queue = new TransferQueue(limits);
        this.arrivals = new ArrayList<>(arrivals);
        this.arrivals.sort(Comparator.comparing(Arrival::at));
    }

    /// All runs by the transfers' ids; of those that never begin there is none.
    static Map<String, Run> of(TransferLimits limits, List<Arrival> arrivals) {
        Replay replay = new Replay(limits, arrivals);
        replay.run();
        return replay.ended;
    }

    /// Not beyond the forecasts' horizon.
    static Instant lastOf(Instant begin) {
        return begin.plus(TransferQueue.HORIZON).minus(Duration.ofDays(1));
    }

    private void run() {
        Instant now = arrivals.getFirst().at();
        Instant end = lastOf(now);
        while (now.isBefore(end)) {
            Instant time = now;
            while (!arrivals.isEmpty() && !arrivals.getFirst().at().isAfter(time)) {
                Transfer transfer = arrivals.removeFirst().transfer();
                waiting.put(transfer.id(), transfer);
            }
            running.values().removeIf(each -> ends(each, time));
            if (arrivals.isEmpty() && waiting.isEmpty()) {
                running.values().forEach(each -> ended.put(each.transfer().id(), each));
                return;
            }
            Plan plan = ask(time);
            assertThat(plan.askAgain()).isAfter(time);
            now = plan.askAgain();
            for (Run each : running.values()) {
                now = earlier(now, each.end());
            }
            if (!arrivals.isEmpty()) {
                now = earlier(now, arrivals.getFirst().at());
            }
        }
        running.values().forEach(each -> ended.put(each.transfer().id(), each));
    }

    private boolean ends(Run run, Instant now) {
        if (run.end().isAfter(now)) {
            return false;
        }
        ended.put(run.transfer().id(), run);
        return true;
    }

    private Plan ask(Instant now) {
        Plan plan =
                queue.plan(
                        now,
                        List.copyOf(waiting.values()),
                        running.values().stream().map(each -> left(each, now)).toList());
        for (Transfer each : plan.begin()) {
            assertThat(waiting.remove(each.id())).isNotNull();
            running.put(each.id(), new Run(each, now, end(each, now)));
        }
        return plan;
    }

    private static Instant earlier(Instant a, Instant b) {
        return a.isBefore(b) ? a : b;
    }

    static Instant end(Transfer transfer, Instant begin) {
        LimitsByTime bandwidth = transfer.rules().bandwidth();
        long left = transfer.estimate().left().bytes();
        Instant time = begin;
        while (true) {
            long perMilli = speed(transfer, time);
            Instant change = bandwidth.nextChange(time);
            long needed = Math.ceilDiv(left, perMilli);
            if (change.equals(Instant.MAX) || !time.plusMillis(needed).isAfter(change)) {
                return time.plusMillis(needed);
            }
            left -= perMilli * Duration.between(time, change).toMillis();
            time = change;
        }
    }

    private static long speed(Transfer transfer, Instant time) {
        return Math.min(transfer.estimate().bytesPerSecond(), transfer.rules().bandwidth().at(time))
                / 1000;
    }

    private static Transfer left(Run run, Instant now) {
        Transfer whole = run.transfer();
        long left = whole.estimate().left().bytes();
        Instant time = run.begin();
        while (time.isBefore(now)) {
            Instant until = earlier(now, whole.rules().bandwidth().nextChange(time));
            left -= speed(whole, time) * Duration.between(time, until).toMillis();
            time = until;
        }
        return new Transfer(
                whole.id(),
                whole.route(),
                whole.deadline(),
                new Estimate(new ByteSize(Math.max(0, left)), whole.estimate().bytesPerSecond()),
                whole.rules());
    }
}
