package io.stillpoint.integration;

import io.stillpoint.testkit.fake.CallGate;
import java.util.ArrayList;
import java.util.List;

/// A process that ends at a call, and does nothing from then on: what it would tidy up stays.
final class MortalProcess implements CallGate {
    /// It has ended.
    static final class Ended extends Error {
        private static final long serialVersionUID = 1L;

        Ended(String call) {
            super("ended at " + call);
        }
    }

    private final int callsMax;
    private final String last;
    private final List<String> names = new ArrayList<>();
    private String end = "";

    /// @param callsMax how many calls pass before it ends; those before and after a record of the journal count too
    MortalProcess(int callsMax) {
        this(callsMax, "");
    }

    private MortalProcess(int callsMax, String last) {
        this.callsMax = callsMax;
        this.last = last;
    }

    /// One that ends at the first call of this name.
    static MortalProcess at(String call) {
        return new MortalProcess(Integer.MAX_VALUE, call);
    }

    static MortalProcess immortal() {
        return new MortalProcess(Integer.MAX_VALUE);
    }

    @Override
    public synchronized void pass(String call) {
        if (!end.isEmpty()) {
            throw new Ended(end);
        }
        if (names.size() == callsMax || call.equals(last)) {
            end = call;
            throw new Ended(end);
        }
        names.add(call);
    }

    synchronized boolean hasEnded() {
        return !end.isEmpty();
    }

    synchronized int calls() {
        return names.size();
    }

    /// All calls that passed, in their order.
    synchronized List<String> names() {
        return List.copyOf(names);
    }

    /// The call at which it ended; empty if it did not.
    synchronized String end() {
        return end;
    }
}
