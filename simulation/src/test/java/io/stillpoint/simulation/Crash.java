package io.stillpoint.simulation;

/// The process is dead: it does nothing any more at the store.
final class Crash extends Error {
    private static final long serialVersionUID = 1L;

    Crash() {
        super("crashed", null, false, false);
    }
}
