package io.stillpoint.engine;

import io.stillpoint.platform.Cancellation;

/// Lets a job that holds its snapshot wait until its transfer may begin: others may have to go first.
@FunctionalInterface
public interface TransferTurn {
    /// No transfer waits for another.
    TransferTurn AT_ONCE = (_, _) -> () -> {};

    /// Returns when the transfer may begin. The guest runs meanwhile, and what it overwrites takes scratch space. Throws a
    /// [io.stillpoint.platform.CancelledException] if the job is asked to stop.
    ///
    /// @param job whose turn it is
    /// @return closed when the transfer has ended, well or not
    Cancellation.Scope await(JobId job, Cancellation cancellation);
}
