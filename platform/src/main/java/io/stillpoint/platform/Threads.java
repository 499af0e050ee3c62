package io.stillpoint.platform;

/// Threads that compute, read and write: platform threads, since virtual ones starve each other on file reads and native
/// calls (JEP 444, "scheduling").
///
/// What a virtual thread starts is virtual too, on the same scheduler, so that a simulation which runs a piece of the program on
/// threads of its own decides when each of them goes on.
public final class Threads {
    private Threads() {}

    /// A builder of daemon threads of this name.
    public static Thread.Builder named(String name) {
        return Thread.currentThread().isVirtual()
                ? Thread.ofVirtual().name(name)
                : Thread.ofPlatform().daemon().name(name);
    }

    /// A builder of daemon threads whose names end in numbers from `first` on.
    public static Thread.Builder named(String prefix, long first) {
        return Thread.currentThread().isVirtual()
                ? Thread.ofVirtual().name(prefix, first)
                : Thread.ofPlatform().daemon().name(prefix, first);
    }
}
