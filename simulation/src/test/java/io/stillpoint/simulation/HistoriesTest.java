package io.stillpoint.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Histories from one seed after the other. `-Dhistories=N` runs so many, `-DfirstSeed=S` begins elsewhere; see
/// `scripts/histories`.
final class HistoriesTest {
    private static final int A_FEW = 5;
    private static final int HISTORIES = 400;

    @Test
    void aFewHistoriesLoseNothing() {
        run(A_FEW, Duration.ZERO);
    }

    @Test
    @Tag("slow")
    void histories() {
        // By count and not by the clock, so that every machine tries the same ones.
        run(Integer.getInteger("histories", HISTORIES), Duration.ZERO);
    }

    /// Without Maven, and on after failures: the count, the first seed.
    static void main(String[] arguments) {
        long first = Long.parseLong(arguments[1]);
        int failures = 0;
        for (long seed = first; seed < first + Long.parseLong(arguments[0]); seed++) {
            System.setProperty("firstSeed", Long.toString(seed));
            try {
                run(1, Duration.ZERO);
            } catch (AssertionError e) {
                failures++;
                if (arguments.length > 2) {
                    e.printStackTrace(System.out);
                } else {
                    System.out.println("FAILED " + e.getMessage());
                }
            }
        }
        System.out.println(failures + " failures");
    }

    /// @param time for how long to go on after the least count
    private static void run(int least, Duration time) {
        long first = Long.getLong("firstSeed", 1);
        long begin = System.nanoTime();
        long operations = 0;
        int crashes = 0;
        int run = 0;
        while (run < least || System.nanoTime() - begin < time.toNanos()) {
            History history = new History(first + run);
            try {
                history.run();
            } catch (Throwable thrown) {
                if (!Boolean.getBoolean("quiet")) {
                    print(history.trace());
                }
                throw new AssertionError(
                        "seed "
                                + (first + run)
                                + ", "
                                + history.rules()
                                + ", after "
                                + history.operations()
                                + " operations: "
                                + thrown.getMessage()
                                + "\n  again: scripts/histories 1 "
                                + (first + run),
                        thrown);
            }
            run++;
            operations += history.operations();
            crashes += history.crashes();
        }
        System.out.printf(
                "%d histories from seed %d on: %d operations, %d crashes, %.1f s%n",
                run, first, operations, crashes, (System.nanoTime() - begin) / 1e9);
        assertThat(operations).isPositive();
    }

    private static void print(List<String> trace) {
        trace.forEach(System.out::println);
    }
}
