package io.stillpoint.simulation.job;

/// The process has ended, as by `kill -9`: none of its threads does anything any more.
final class ProcessEnded extends Error {
    private static final long serialVersionUID = 1L;

    ProcessEnded() {
        super("ended", null, false, false);
    }
}
