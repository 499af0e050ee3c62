package io.stillpoint.platform;

/// Makes the threads of a process: passed in, so that a simulation decides when each of them goes on, and a server knows
/// them all. Libraries make no others. All are daemons: none keeps the process alive.
public interface Threads {
    /// A thread, not started yet, that computes, reads files or calls native code.
    Thread working(String name, Runnable task);

    /// A thread, not started yet, that waits most of the time: for its time to come, or for an answer. There may be thousands.
    Thread waiting(String name, Runnable task);

    /// Those of a real process, for its edge alone: the command line, a server, a test. Working ones are platform threads,
    /// since virtual ones starve each other on file reads and native calls (JEP 444, "scheduling"); waiting ones are
    /// virtual.
    static Threads ofProcess() {
        return new Threads() {
            @Override
            public Thread working(String name, Runnable task) {
                return Thread.ofPlatform().daemon().name(name).unstarted(task);
            }

            @Override
            public Thread waiting(String name, Runnable task) {
                return Thread.ofVirtual().name(name).unstarted(task);
            }
        };
    }

    /// Virtual threads alone. Each runs on the scheduler of the thread that makes it.
    static Threads ofSimulation() {
        return new Threads() {
            @Override
            public Thread working(String name, Runnable task) {
                return Thread.ofVirtual().name(name).unstarted(task);
            }

            @Override
            public Thread waiting(String name, Runnable task) {
                return working(name, task);
            }
        };
    }
}
