package io.stillpoint.platform;

import org.jspecify.annotations.Nullable;

/// The identical workers that a job wants: the data path's, which read, hash, compress and encrypt without handing
/// anything over.
///
/// @param name of the threads; `-1`, `-2`, … follows
/// @param wanted how many at most
/// @param each one's buffers in bytes; one worker's are part of the job's least
/// @param leaves bytes that further workers leave free for the job's other buffers
/// @param rest run when all workers ended so that other jobs get the memory, before it is given up: gives back everything
///     that the job took meanwhile, and stores what is in it
/// @param beside what one more thread does meanwhile, which has no buffers and never ends for others
public record Crew(
        String name, int wanted, long each, long leaves, Runnable rest, @Nullable Beside beside) {
    public Crew {
        if (wanted < 1 || each < 0 || leaves < 0) {
            throw new IllegalArgumentException("no crew: " + wanted + " of " + each + " bytes");
        }
    }

    /// Workers that only compute: what they take is theirs alone.
    public Crew(String name, int wanted, long each) {
        this(name, wanted, each, 0, () -> {}, null);
    }

    public Crew leaving(long bytes) {
        return new Crew(name, wanted, each, bytes, rest, beside);
    }

    public Crew resting(Runnable rest) {
        return new Crew(name, wanted, each, leaves, rest, beside);
    }

    public Crew beside(Beside task) {
        return new Crew(name, wanted, each, leaves, rest, task);
    }

    /// What each worker does, until there is nothing left, it is interrupted, or [Worker#goesOn] is false: then it hands in
    /// what it has and returns, and another worker may go on with the rest.
    @FunctionalInterface
    public interface Task {
        void run(Worker worker) throws InterruptedException;
    }

    /// What one thread does beside the workers, such as finding their work.
    @FunctionalInterface
    public interface Beside {
        void run() throws InterruptedException;
    }

    /// As a worker's task sees it.
    public interface Worker {
        /// To be asked before each unit, while no lock is held: waits while jobs go first that had less time. False if this
        /// worker is to end so that other jobs get its memory.
        boolean goesOn();
    }
}
