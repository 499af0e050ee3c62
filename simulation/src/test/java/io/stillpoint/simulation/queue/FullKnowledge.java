package io.stillpoint.simulation.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToDoubleBiFunction;

/// Which deadlines even a schedule must miss that knows all that will happen.
///
/// The best such schedule can't be computed (it is NP-hard), but a bound can: how many misses a schedule has at least that
/// may do more than a real one. This one may interrupt a transfer and go on with it elsewhere in time at no cost, ignores
/// peaks and bandwidths, never fails, needs no scratch space, and begins at the slot to the second. What it must miss all
/// the same, every schedule must miss:
/// - *Alone*: a transfer that needs more time, of a living server and a store that is as fast as it is, than there is
///   between its slot (or the end of its VM's job before, if that is later) and its deadline.
/// - *Together*: take any span of time, and all jobs whose slot and deadline lie in it. If their work is more than the
///   places of a host, of a store, or of all were worth in that span, some of them are missed: at least as many as must be
///   left out, the largest first, until the rest fits. Misses of different hosts add up, so do those of different stores.
///
/// The bound is a lower one. So a simulation without misses beyond it has missed no deadline that some schedule meets; one
/// with more would have to be looked at.
///
/// @param alone the jobs that no schedule ends in time
/// @param together how many of the others are missed at least
record FullKnowledge(Set<Job> alone, int together) {
    static FullKnowledge of(Fleet fleet, Weather weather, List<Job> jobs) {
        Set<Job> alone = new HashSet<>();
        List<Job> possible = new ArrayList<>();
        Map<String, Instant> free = new HashMap<>();
        for (Job job : jobs) {
            String store = job.vm.route().store();
            // Never two at once for one VM. Its jobs are listed by slot.
            Instant before = free.getOrDefault(job.vm.name(), job.slot);
            Instant begin = before.isAfter(job.slot) ? before : job.slot;
            free.put(job.vm.name(), begin.plusSeconds((long) job.shortest()));
            if (weather.worth(store, begin, job.deadline()) >= job.shortest()) {
                possible.add(job);
            } else {
                alone.add(job);
            }
        }
        possible.sort(Comparator.comparing(job -> job.slot));
        Map<String, List<Job>> hosts = new HashMap<>();
        Map<String, List<Job>> stores = new HashMap<>();
        for (Job job : possible) {
            hosts.computeIfAbsent(job.vm.route().host(), _ -> new ArrayList<>()).add(job);
            stores.computeIfAbsent(job.vm.route().store(), _ -> new ArrayList<>()).add(job);
        }
        var limits = fleet.limits();
        int total =
                misses(possible, (from, to) -> limits.total().at(from) * weather.alive(from, to));
        int ofHosts = 0;
        for (var each : hosts.values()) {
            ofHosts +=
                    misses(
                            each,
                            (from, to) ->
                                    limits.hosts().otherwise().at(from) * weather.alive(from, to));
        }
        int ofStores = 0;
        for (var each : stores.entrySet()) {
            ofStores +=
                    misses(
                            each.getValue(),
                            (from, to) ->
                                    limits.stores().otherwise().at(from)
                                            * weather.worth(each.getKey(), from, to));
        }
        return new FullKnowledge(alone, Math.max(total, Math.max(ofHosts, ofStores)));
    }

    /// At least so many of these jobs are missed: the most of all spans of whole hours.
    ///
    /// @param jobs by slot, and so by deadline
    /// @param worth the seconds of work that are done at most in one hour
    private static int misses(List<Job> jobs, ToDoubleBiFunction<Instant, Instant> worth) {
        if (jobs.isEmpty()) {
            return 0;
        }
        Instant first = Instant.ofEpochSecond(jobs.getFirst().slot.getEpochSecond() / 3600 * 3600);
        int hours = (int) Duration.between(first, jobs.getLast().deadline()).toHours() + 2;
        double[] done = new double[hours + 1];
        for (int i = 0; i < hours; i++) {
            Instant from = first.plus(Duration.ofHours(i));
            done[i + 1] = done[i] + worth.applyAsDouble(from, from.plus(Duration.ofHours(1)));
        }
        double[] work = new double[jobs.size() + 1];
        for (int i = 0; i < jobs.size(); i++) {
            work[i + 1] = work[i] + jobs.get(i).shortest();
        }
        int most = 0;
        for (int from = 0; from < hours; from++) {
            Instant begin = first.plus(Duration.ofHours(from));
            int low = firstAfter(jobs, begin.minusNanos(1), 0);
            for (int to = from + 24; to <= Math.min(hours, from + 96); to++) {
                // All whose slot is at `from` or later, and 24 hours before `to` or earlier.
                int high = firstAfter(jobs, first.plus(Duration.ofHours(to - 24)), low);
                double excess = work[high] - work[low] - (done[to] - done[from]);
                if (high > low && excess > 0) {
                    most = Math.max(most, leftOut(jobs.subList(low, high), excess));
                }
            }
        }
        return most;
    }

    private static int firstAfter(List<Job> jobs, Instant slot, int low) {
        int from = low;
        int to = jobs.size();
        while (from < to) {
            int middle = (from + to) / 2;
            if (jobs.get(middle).slot.isAfter(slot)) {
                to = middle;
            } else {
                from = middle + 1;
            }
        }
        return from;
    }

    private static int leftOut(List<Job> jobs, double excess) {
        double[] lengths = jobs.stream().mapToDouble(Job::shortest).sorted().toArray();
        double left = excess;
        int count = 0;
        while (left > 0 && count < lengths.length) {
            count++;
            left -= lengths[lengths.length - count];
        }
        return count;
    }
}
