package io.stillpoint.simulation.queue;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// No deadline is missed without need, and none without being foretold; scratch space never runs out.
/// `-DqueueVms=10000 -DqueueDays=31 -DfirstSeed=S` is the size of `scripts/nightly queue`.
final class QueueMonthTest {
    private static final int VMS = 1000;
    private static final int DAYS = 7;

    /// Nobody who does not know the future can be as good as one who does: a transfer that fails or a store that slows down
    /// shortly before a deadline makes it missed. None in a small run, one of so many jobs in a large one.
    private static final int JOBS_PER_SURPRISE = 100_000;

    @Test
    void noDeadlineIsMissedThatFullKnowledgeMeets() {
        long seed = Long.getLong("firstSeed", 1);
        QueueMonth month =
                new QueueMonth(
                        seed,
                        Integer.getInteger("queueVms", VMS),
                        Integer.getInteger("queueDays", DAYS));
        long begin = System.nanoTime();
        month.run();
        FullKnowledge known = FullKnowledge.of(month.fleet, month.weather, month.jobs);
        Set<Job> missed = month.missed();
        System.out.printf(
                "%s; %d questions, %d snapshots refused, %d failures, %.1f s%n",
                month.summary(),
                month.asked,
                month.refused,
                month.failed,
                (System.nanoTime() - begin) / 1e9);
        Set<Job> avoidable = new HashSet<>(missed);
        avoidable.removeAll(known.alone());
        avoidable.forEach(job ->
                System.out.printf(
                        "  %s: held from %s, ended %s, %.0f s at least%n",
                        job.id(), job.snapshot, job.end, job.shortest()));
        assertThat(month.jobs).allMatch(Job::isDone);
        assertThat(month.broken).as("hosts whose scratch space ran out").isZero();
        assertThat(missed).as("told before").allMatch(job -> job.foretold);
        assertThat(avoidable)
                .as("seed %d: missed by the queue alone", seed)
                .hasSizeLessThanOrEqualTo(known.together() + month.jobs.size() / JOBS_PER_SURPRISE);
    }

    /// The bound sees an overload, and is one: it never asks for more misses than there are.
    @Test
    void boundIsBelowWhatAnOverloadedFleetMisses() {
        QueueMonth month = new QueueMonth(1, Fleet.of(1, 200).crowded(1), 4);
        month.run();
        FullKnowledge known = FullKnowledge.of(month.fleet, month.weather, month.jobs);
        System.out.printf(
                "overloaded: %d missed of %d, at least %d by any schedule%n",
                month.missed().size(), month.jobs.size(), known.together());
        assertThat(known.together()).isPositive();
        assertThat(month.missed())
                .hasSizeGreaterThanOrEqualTo(known.together() + known.alone().size());
    }
}
