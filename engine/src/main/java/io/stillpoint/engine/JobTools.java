package io.stillpoint.engine;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import java.time.InstantSource;

/// What a job is given to work with.
///
/// @param journal of this job alone; empty if the job is new
/// @param events is told what the job does
/// @param cancellation by which the job is asked to stop
/// @param threads make those that no interrupt reaches, and those that watch over answers
/// @param turn when the job's transfer may begin
/// @param local whether the job's snapshot is to stay, and which others do
public record JobTools(
        JobJournal journal,
        JobEvents events,
        Cancellation cancellation,
        InstantSource clock,
        Randomness randomness,
        Threads threads,
        TransferTurn turn,
        LocalKeeping local) {
    /// Tools of a job that waits for no other, and whose snapshot does not stay.
    public JobTools(
            JobJournal journal,
            JobEvents events,
            Cancellation cancellation,
            InstantSource clock,
            Randomness randomness,
            Threads threads) {
        this(
                journal,
                events,
                cancellation,
                clock,
                randomness,
                threads,
                TransferTurn.AT_ONCE,
                LocalKeeping.NONE);
    }
}
