package io.stillpoint.benchmark.denser;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;

/// CPU time of this thread, summed up.
final class Cpu {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private long nanos;

    /// Work to be measured.
    interface Work<T> {
        T run() throws IOException;
    }

    <T> T spend(Work<T> work) throws IOException {
        long begin = THREADS.getCurrentThreadCpuTime();
        try {
            return work.run();
        } finally {
            nanos += THREADS.getCurrentThreadCpuTime() - begin;
        }
    }

    double seconds() {
        return nanos / 1e9;
    }
}
