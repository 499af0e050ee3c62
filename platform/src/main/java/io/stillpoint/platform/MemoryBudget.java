package io.stillpoint.platform;

import static java.lang.Math.clamp;
import static java.lang.Math.max;
import static java.lang.Math.min;

/// The part of the heap that buffers of megabytes may take. All who need such buffers take their shares here before they
/// make them, and so many threads work at once as there are shares for, however many processors there are
/// (`docs/decisions/0012-memory-budget.md`). Safe for use by several threads.
///
/// Nobody waits here, so nobody can wait for ever: who asks gets what is left, but at least what it can't work without.
/// That least is what [#RESERVE] has room for when the budget is spent, for as many users as stand inside each other.
public final class MemoryBudget {
    private static final long MIB = 1 << 20;

    /// What everything else takes in bytes: classes, the index, nodes, lists, parts on their way to a distant store.
    public static final long RESERVE = 128 * MIB;

    /// The smallest heap in bytes that every job gets by with.
    public static final long HEAP_MIN = 256 * MIB;

    /// The heap in bytes for few processors, and what each more of them adds.
    private static final long HEAP = 512 * MIB;

    private static final int FEW = 4;
    private static final long HEAP_OF_ONE = 48 * MIB;

    /// More threads than these are not worth their memory: they do gigabytes a second.
    private static final int MANY = 16;

    /// A collector keeps some of the heap free for itself.
    private static final long LOST_TO_THE_COLLECTOR = 32 * MIB;

    private static final MemoryBudget PROCESS = ofHeap(Runtime.getRuntime().maxMemory());

    private final long heap;
    private final long total;
    private long taken;

    private MemoryBudget(long heap) {
        this.heap = heap;
        // A fifth stays free: arrays of megabytes need room in one piece.
        total = max(0, (heap - RESERVE) / 5 * 4);
    }

    /// That of this process.
    public static MemoryBudget ofProcess() {
        return PROCESS;
    }

    /// That of a heap of so many bytes.
    public static MemoryBudget ofHeap(long bytes) {
        return new MemoryBudget(bytes);
    }

    /// How large the heap should be on a machine with so many processors, in bytes.
    public static long heapFor(int processors) {
        return HEAP + HEAP_OF_ONE * (clamp(processors, FEW, MANY) - FEW);
    }

    /// Throws a [MachineException] if the heap is too small for jobs.
    public void requireEnough() {
        if (heap < HEAP_MIN - LOST_TO_THE_COLLECTOR) {
            throw MachineException.heapTooSmall(heap, HEAP_MIN);
        }
    }

    /// Bytes that nobody has taken.
    public synchronized long free() {
        return max(0, total - taken);
    }

    /// Takes equal shares: as many as are wanted and left, and at least `least`.
    ///
    /// @param each share's bytes
    public synchronized Shares take(int least, int wanted, long each) {
        int count = max(least, (int) min(wanted, free() / max(1, each)));
        taken += count * each;
        return new Shares(count, each);
    }

    private synchronized void giveBack(long bytes) {
        taken -= bytes;
    }

    /// What one user has taken, until it closes them.
    public final class Shares implements AutoCloseable {
        private final int count;
        private final long each;
        private boolean isClosed;

        private Shares(int count, long each) {
            this.count = count;
            this.each = each;
        }

        public int count() {
            return count;
        }

        @Override
        public synchronized void close() {
            if (!isClosed) {
                isClosed = true;
                giveBack(count * each);
            }
        }
    }

    /// Prints [#heapFor] 1 to `arguments[0]` processors, each in a line, in bytes: the `stillpoint` script starts Java with
    /// what it finds there.
    public static void main(String[] arguments) {
        for (int processors = 1; processors <= Integer.parseInt(arguments[0]); processors++) {
            System.out.println(heapFor(processors));
        }
    }
}
