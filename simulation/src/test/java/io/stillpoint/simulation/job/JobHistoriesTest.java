package io.stillpoint.simulation.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.testkit.fake.FakeGuest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Whole jobs, from one seed after the other; and the end of a process at every one of its steps. `-DjobHistories=N` runs so
/// many, `-DfirstSeed=S` begins elsewhere.
final class JobHistoriesTest {
    /// Every so many calls a process ends, or a call fails; the nightly mode tries every one.
    private static final int STRIDE = Integer.getInteger("stride", 11);

    private static final int A_FEW = 6;
    private static final int HISTORIES = 40;
    private static final int JOBS = 5;

    @TempDir Path state;

    @Test
    void aFewHistoriesKeepEveryPromise() {
        histories(A_FEW);
    }

    @Test
    @Tag("slow")
    void historiesKeepEveryPromise() {
        histories(Integer.getInteger("jobHistories", HISTORIES));
    }

    private void histories(int count) {
        long first = Long.getLong("firstSeed", 1);
        int ends = 0;
        int points = 0;
        for (long seed = first; seed < first + count; seed++) {
            JobHistory history = new JobHistory(seed, state);
            try {
                history.run(JOBS);
            } catch (RuntimeException | Error e) {
                throw failed(history, "seed " + seed, e);
            }
            ends += history.ends();
            points += history.points();
        }
        System.out.printf("%d histories of jobs: %d points, %d ends%n", count, points, ends);
        assertThat(points).isGreaterThan(count * JOBS);
    }

    private static AssertionError failed(JobHistory history, String which, Throwable e) {
        history.trace().forEach(System.out::println);
        return new AssertionError(which + ": " + e.getMessage(), e);
    }

    @Test
    void aProcessMayEndAtSomeOfItsCalls() {
        endAtCalls(29);
    }

    @Test
    @Tag("slow")
    void aProcessMayEndAtAnyOfItsCalls() {
        endAtCalls(STRIDE);
    }

    /// With and without an extension, with journals that last and without: by seed.
    private void endAtCalls(int stride) {
        List<Integer> struck = new ArrayList<>();
        for (long seed = 1; seed <= 4; seed++) {
            int call = 1 + (int) (seed * 3) % stride;
            while (once(seed, new Fate.Ends(call, seed == 4))) {
                struck.add(call);
                call += stride;
            }
        }
        assertThat(struck).hasSizeGreaterThan(200 / stride);
    }

    @Test
    @Tag("slow")
    void aJobMayBeSuspendedAtAnyOfItsCalls() {
        List<Integer> struck = new ArrayList<>();
        for (long seed = 1; seed <= 4; seed++) {
            int call = 1 + (int) (seed * 3) % STRIDE;
            while (once(seed, new Fate.Suspends(call))) {
                struck.add(call);
                call += STRIDE;
            }
        }
        assertThat(struck).hasSizeGreaterThan(200 / STRIDE);
    }

    @Test
    @Tag("slow")
    void aProcessMayEndAtAnyChangeOfTheVaultsDisk() {
        List<Integer> struck = new ArrayList<>();
        for (long seed = 1; seed <= 4; seed++) {
            int change = 1;
            while (once(seed, new Fate.EndsAtDisk(change, seed % 2 == 0))) {
                struck.add(change);
                change += STRIDE;
            }
        }
        assertThat(struck).isNotEmpty();
    }

    /// A process ends, perhaps while the guest is frozen, and the next one's channel to the agent breaks.
    @Test
    @Tag("slow")
    void anAgentMayBeCutOffAfterAnyEnd() {
        int seed = 1;
        for (String command :
                List.of("guest-sync-delimited", "guest-info", "guest-fsfreeze-status")) {
            for (FakeGuest.Mishap mishap :
                    List.of(FakeGuest.Mishap.CUT_BEFORE, FakeGuest.Mishap.CUT_AFTER)) {
                Fate cut = new Fate.GuestFails(command, mishap);
                int call = 1;
                while (once(seed, new Fate.Ends(call, false), cut)) {
                    call += STRIDE;
                }
                assertThat(call).isGreaterThan(20);
                seed++;
            }
        }
    }

    @Test
    @Tag("slow")
    void anyCallMayFail() {
        for (long seed = 1; seed <= 2; seed++) {
            int call = 1;
            while (once(seed, new Fate.Fails(call))) {
                call += STRIDE;
            }
            assertThat(call).isGreaterThan(20);
        }
    }

    @Test
    void aHypervisorThatLiesIsNotBelieved() {
        new JobHistory(1, state).runWithALyingHypervisor();
    }

    /// Whether any of the fates of a job's attempts struck at all.
    private boolean once(long seed, Fate... fates) {
        JobHistory history = new JobHistory(seed, state);
        try {
            return history.runOnce(List.of(fates));
        } catch (RuntimeException | Error e) {
            throw failed(history, "seed " + seed + ", " + List.of(fates), e);
        }
    }
}
