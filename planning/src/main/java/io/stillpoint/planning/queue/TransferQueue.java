package io.stillpoint.planning.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Which transfers begin now, and what becomes of the others: earliest deadline first, as far as the limits allow it.
///
/// **The rules**
/// - Of all transfers that no limit stops, the one with the earliest deadline begins. What a limit stops does not stop
///   those behind it: no place stays empty for which a transfer waits that may take it. (Earliest deadline first is
///   *work-conserving* only so; keeping places free for what may come would need knowledge of what comes.)
/// - A transfer does not begin in a peak of its policy, unless it would end after its deadline, or so shortly before that
///   a quarter of its length is not left. What runs goes on.
/// - A transfer that can't meet its deadline any more, even if it began at once, steps back by 24 hours, once. So one day's
///   late transfers do not make the next day's late as well, and still have their turn: nothing that comes more than a
///   day later passes them. Every transfer begins some time, as long as places become free at all.
///
/// **Where this is not optimal.** With one limit and transfers of equal length that are all there, earliest deadline first
/// meets all deadlines if any order does. Otherwise it may miss one that another order would meet: what has begun is not
/// interrupted when something urgent comes, transfers differ in length, one that is stopped by its host may have needed the
/// place that another took at its store, and in an overload the fewest misses would come from giving up the longest
/// transfers. To find the best order is NP-hard in each of these cases but the last. The simulation in `docs/transfer-queue.md`
/// shows how little that costs.
///
/// **Cost.** For n waiting and m running transfers O((n + m) log n), times the number of stores that the VMs of one host
/// use; in addition O(log n) for each lane (a host, a store and a peak) whenever its peak begins.
///
/// @param limits how many transfers run at once
public record TransferQueue(TransferLimits limits) {
    /// How far forecasts look. Limits stay as they are afterwards, and what has not begun by then has no forecast.
    public static final Duration HORIZON = Duration.ofDays(30);

    /// What begins now, when the queue must be asked again, and a forecast of each transfer. The same question has the same
    /// answer, and the order of the lists does not matter.
    ///
    /// @param waiting transfers whose snapshot is held
    /// @param running transfers that have begun; their estimate is of what is left
    public Plan plan(Instant now, List<Transfer> waiting, List<Transfer> running) {
        requireDifferent(waiting, running);
        Courses courses = new Courses(limits, now);
        Answer mild = new Answer(courses, running, waiting, Set.of());
        Set<String> urgent = mild.endangered();
        // Whoever would miss a deadline because it waits for the end of a peak does not wait for
        // it.
        return (urgent.isEmpty() ? mild : new Answer(courses, running, waiting, urgent)).plan();
    }

    private static void requireDifferent(List<Transfer> waiting, List<Transfer> running) {
        Set<String> ids = new HashSet<>();
        for (List<Transfer> each : List.of(waiting, running)) {
            for (Transfer transfer : each) {
                if (!ids.add(transfer.id())) {
                    throw new IllegalArgumentException("two transfers " + transfer.id());
                }
            }
        }
    }
}
