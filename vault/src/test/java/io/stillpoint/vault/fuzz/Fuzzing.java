package io.stillpoint.vault.fuzz;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.HexFormat;

/// Runs a target and judges how it went.
final class Fuzzing {
    /// What one input may make a parser allocate, in all: a directory of 16 MiB, some frames of 4 MiB and their objects.
    private static final long ALLOCATED_MAX = 512L << 20;

    private static final int SHOWN_MAX = 4096;

    private final FuzzTarget target;
    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    Fuzzing(FuzzTarget target) {
        this.target = target;
        // Classes are loaded at the first input, and changed by whoever measures their coverage:
        // that takes hundreds of
        // megabytes, which are none of the target's.
        try {
            target.run(new byte[0]);
        } catch (RuntimeException | Error e) {
            throw new AssertionError(shown(new byte[0]), e);
        }
    }

    /// Throws an [AssertionError] with the input if the target throws anything, or allocates beyond reason.
    void run(byte[] input) {
        long before = threads.getCurrentThreadAllocatedBytes();
        try {
            target.run(input);
        } catch (RuntimeException | Error e) {
            throw new AssertionError(shown(input), e);
        }
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        if (allocated > ALLOCATED_MAX) {
            throw new AssertionError(allocated + " bytes allocated; " + shown(input));
        }
    }

    private String shown(byte[] input) {
        String hex = HexFormat.of().formatHex(input);
        return target.word()
                + " fails for "
                + (hex.length() <= SHOWN_MAX ? hex : hex.substring(0, SHOWN_MAX) + "...");
    }
}
