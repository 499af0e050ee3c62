package io.stillpoint.engine;

import io.stillpoint.platform.Cancellation;
import java.util.OptionalLong;
import java.util.function.Supplier;

/// Lets a job that holds its snapshot wait until its transfer may begin, since others may have to go first, and holds it to the
/// pace that it may have then.
@FunctionalInterface
public interface TransferTurn {
    /// No transfer waits for another, and each is as fast as it can be.
    TransferTurn AT_ONCE = (_, _, _) -> () -> {};

    /// Returns when the transfer may begin. The guest runs meanwhile, and what it overwrites takes scratch space. Throws a
    /// [io.stillpoint.platform.CancelledException] if the job is asked to stop.
    ///
    /// @param job whose turn it is
    /// @param scratch tells how many bytes of scratch space the snapshot has taken by now, as
    ///     [io.stillpoint.hypervisor.HeldSnapshot#scratchTaken]; may be asked by any thread until the transfer is closed
    /// @return closed when the transfer has ended, well or not
    Transfer await(JobId job, Cancellation cancellation, Supplier<OptionalLong> scratch);

    /// A transfer that has begun. Safe for many threads.
    @FunctionalInterface
    interface Transfer extends AutoCloseable {
        /// Is called after each read of a disk, with the bytes that were read, and returns when the next may begin. Throws
        /// as [TransferTurn#await].
        default void read(long bytes) {}

        @Override
        void close();
    }
}
