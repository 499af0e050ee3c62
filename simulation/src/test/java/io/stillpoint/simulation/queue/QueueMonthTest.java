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
        assertThat(month.jobs).allMatch(Job::isDone);
        assertThat(month.broken).as("hosts whose scratch space ran out").isZero();
        assertThat(missed).as("told before").allMatch(job -> job.foretold);
        Set<Job> avoidable = new HashSet<>(missed);
        avoidable.removeAll(known.alone());
        assertThat(avoidable)
                .as("seed %d: missed by the queue alone", seed)
                .hasSizeLessThanOrEqualTo(known.together());
    }
}
