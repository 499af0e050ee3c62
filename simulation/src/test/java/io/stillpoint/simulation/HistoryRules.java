package io.stillpoint.simulation;

import java.time.Duration;
import java.util.Random;

/// What a history is like, drawn once from its seed.
///
/// @param delay by how much listings may be late
/// @param handlesBreak whether what is open fails once the object is deleted
/// @param paged whether listings come in parts, each as of its own time
/// @param grain of the store's times
/// @param switching how likely the turn passes to another process at each operation
/// @param failing how likely an operation fails
/// @param crashing how likely a process dies at an operation
/// @param pausing how likely a process is silent for long at an operation
/// @param patience of sessions
/// @param lanes how many processes run at once
/// @param phases how often all come to rest
/// @param actions of a lane in a phase, at most
/// @param contents how many different chunks there are
/// @param pruning how many of a hundred actions prune
/// @param restless whether processes hardly rest between actions, and prunes grant no grace
record HistoryRules(
        Duration delay,
        boolean handlesBreak,
        boolean paged,
        Duration grain,
        double switching,
        double failing,
        double crashing,
        double pausing,
        Duration patience,
        int lanes,
        int phases,
        int actions,
        int contents,
        int pruning,
        boolean restless) {
    static HistoryRules draw(Random random) {
        return new HistoryRules(
                random.nextBoolean()
                        ? Duration.ZERO
                        : pick(
                                random,
                                Duration.ofSeconds(2),
                                Duration.ofSeconds(30),
                                Duration.ofMinutes(10)),
                random.nextBoolean(),
                random.nextBoolean(),
                pick(random, Duration.ofMillis(1), Duration.ofSeconds(1)),
                pick(random, 0.01, 0.05, 0.2, 0.6),
                pick(random, 0.0, 0.0, 0.002, 0.01),
                pick(random, 0.0, 0.001, 0.004),
                pick(random, 0.0, 0.002, 0.006),
                pick(random, Duration.ofHours(2), Duration.ofHours(24), Duration.ofDays(4)),
                1 + random.nextInt(4),
                1 + random.nextInt(3),
                2 + random.nextInt(10),
                6 + random.nextInt(60),
                pick(random, 15, 25, 45),
                random.nextBoolean());
    }

    @SafeVarargs
    @SuppressWarnings("varargs")
    static <T> T pick(Random random, T... choices) {
        return choices[random.nextInt(choices.length)];
    }
}
