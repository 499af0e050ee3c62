package io.stillpoint.testkit.disk;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Counts calls, and says which of them fail. Guarded by its [FaultyDisk].
final class FaultPlan {
    private Set<Operation> stopping = Set.of();
    private int callsToStop;
    private boolean stopped;
    private Set<Operation> failing = Set.of();
    private int callsToFault;
    private @Nullable Fault fault;
    private boolean forEver;
    private boolean struck;

    /// A machine that stands still.
    static final class StoppedException extends IOException {
        private static final long serialVersionUID = 1L;

        StoppedException() {
            super("the machine has stopped");
        }
    }

    void stopAt(Set<Operation> counted, int number) {
        stopping = counted;
        callsToStop = number;
    }

    void fail(Set<Operation> counted, int number, Fault how, boolean onAndOn) {
        failing = counted;
        callsToFault = number;
        fault = how;
        forEver = onAndOn;
        struck = false;
    }

    void heal() {
        failing = Set.of();
        fault = null;
    }

    boolean isStopped() {
        return stopped;
    }

    boolean hasStruck() {
        return struck;
    }

    /// Counts the call and throws what it fails with. Returns whether a read or a write is to do half of it; one without room does
    /// that before it fails, so it gets its exception from the second return value.
    Outcome enter(Operation operation, Path path) throws IOException {
        if (stopping.contains(operation) && --callsToStop == 0) {
            stopped = true;
        }
        if (stopped) {
            throw new StoppedException();
        }
        if (fault == null || !failing.contains(operation) || !isDue()) {
            return Outcome.WHOLE;
        }
        struck = true;
        if (fault == Fault.SHORT) {
            return new Outcome(true, null);
        }
        IOException thrown = fault.exception(path.toString());
        if (fault == Fault.NO_SPACE && operation == Operation.WRITE) {
            return new Outcome(true, thrown);
        }
        throw thrown;
    }

    private boolean isDue() {
        callsToFault--;
        return callsToFault == 0 || (callsToFault < 0 && forEver);
    }

    /// What becomes of a read or write.
    ///
    /// @param isShort does half of what it should
    /// @param thrown after that
    record Outcome(boolean isShort, @Nullable IOException thrown) {
        static final Outcome WHOLE = new Outcome(false, null);

        /// How many of so many bytes; at least one, lest callers try for ever.
        int length(int whole) {
            return isShort ? Math.min(whole, Math.max(1, whole / 2)) : whole;
        }
    }
}
