package io.stillpoint.platform;

import java.util.function.LongSupplier;

/// What the jobs of one process share. Made once, at the edge (the command line, a server, a test), and passed in; there is
/// no other way to it. Safe for use by many threads. See `docs/decisions/0015-shared-by-jobs.md`.
///
/// @param threads makes all threads
/// @param processors which threads compute
/// @param memory what large buffers may take
/// @param nanos a clock that only goes forward; used for differences alone
public record ProcessResources(
        Threads threads, Processors processors, MemoryBudget memory, LongSupplier nanos) {
    /// Those of a process on a machine.
    ///
    /// @param processors how many there are
    /// @param heap the largest size of Java's heap in bytes
    public static ProcessResources of(int processors, long heap, Threads threads) {
        LongSupplier nanos = System::nanoTime;
        return new ProcessResources(
                threads, new Processors(processors, nanos), MemoryBudget.ofHeap(heap), nanos);
    }

    /// Those of this process, in all its threads' and memory's size. To be called once.
    public static ProcessResources ofThisProcess() {
        Runtime runtime = Runtime.getRuntime();
        return of(runtime.availableProcessors(), runtime.maxMemory(), Threads.ofProcess());
    }

    /// Begins a job: waits until its least is there for it, first come, first served, unless no other job is in. Throws
    /// [CancelledException] if the job is to stop meanwhile.
    ///
    /// @param least what the job can't work without, in bytes: everything that is taken inside it as a least, and one worker
    public JobShare begin(long least, Cancellation cancellation) {
        return new JobShare(this, least, cancellation);
    }
}
