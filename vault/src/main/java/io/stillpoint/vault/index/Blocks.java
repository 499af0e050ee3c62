package io.stillpoint.vault.index;

import java.util.Arrays;

/// What is on the heap of a segment's blocks (section 7 of the format): the fence of each, eight bytes, and its filter, 128 bytes; 1.6 bytes
/// for each entry of a full block. Written by one thread; then safe for use by several.
///
/// A filter is a small Bloom filter of its block's ids ("Space/time trade-offs in hash coding with allowable errors", 1970), cut from the id
/// itself, which is a keyed hash. One for each block rather than one for the segment: it is made as blocks are, and however many entries there
/// will be, one in 280 absent ids passes.
final class Blocks {
    /// Longs of a filter.
    static final int FILTER = 16;

    /// Plain bytes of the tables for each block.
    static final int BYTES = Long.BYTES * (1 + FILTER);

    private static final int PROBES = 6;
    private static final int PROBE_BITS = 10;
    private static final int PROBE_MASK = (1 << PROBE_BITS) - 1;

    /// Filters are kept by so many, so that growing copies little.
    private static final int SLAB = 512;

    private static final int FIRST_STEP = 8;

    private long[] fences = new long[64];
    private long[][] filters = new long[1][];
    private int count;

    /// Begins the next block.
    ///
    /// @param fence the first eight bytes of its first id
    void begin(long fence) {
        if (count == fences.length) {
            fences = Arrays.copyOf(fences, count + count / 2);
        }
        int slab = count / SLAB;
        if (slab == filters.length) {
            filters = Arrays.copyOf(filters, 2 * slab);
        }
        if (count % SLAB == 0) {
            filters[slab] = new long[SLAB * FILTER];
        }
        fences[count++] = fence;
    }

    /// Adds an id to the filter of the last block.
    ///
    /// @param b the id's second eight bytes
    void add(long b) {
        int block = count - 1;
        long[] slab = filters[block / SLAB];
        int at = block % SLAB * FILTER;
        long bits = b;
        for (int probe = 0; probe < PROBES; probe++) {
            int bit = (int) bits & PROBE_MASK;
            slab[at + (bit >>> 6)] |= 1L << bit;
            bits >>>= PROBE_BITS;
        }
    }

    /// Whether the block may have the id; if not, it has not.
    ///
    /// @param b the id's second eight bytes
    boolean mayHave(int block, long b) {
        long[] slab = filters[block / SLAB];
        int at = block % SLAB * FILTER;
        long bits = b;
        for (int probe = 0; probe < PROBES; probe++) {
            int bit = (int) bits & PROBE_MASK;
            if ((slab[at + (bit >>> 6)] >>> bit & 1) == 0) {
                return false;
            }
            bits >>>= PROBE_BITS;
        }
        return true;
    }

    int count() {
        return count;
    }

    long fence(int block) {
        return fences[block];
    }

    /// The last block that may begin at or before `prefix`, or -1. Ids are spread evenly, so it is looked for near where it
    /// would be if they were so exactly, and farther and farther from there.
    int lastUpTo(long prefix) {
        int low = 0;
        int high = count;
        int guess = (int) Math.unsignedMultiplyHigh(prefix, count);
        if (count > 0 && isUpTo(guess, prefix)) {
            low = guess + 1;
            for (int step = FIRST_STEP; low + step < high; step *= 2) {
                if (!isUpTo(low + step, prefix)) {
                    high = low + step;
                    break;
                }
                low += step + 1;
            }
        } else if (count > 0) {
            high = guess;
            for (int step = FIRST_STEP; high - step > low; step *= 2) {
                if (isUpTo(high - step, prefix)) {
                    low = high - step + 1;
                    break;
                }
                high -= step;
            }
        }
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (isUpTo(middle, prefix)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low - 1;
    }

    private boolean isUpTo(int block, long prefix) {
        return Long.compareUnsigned(fences[block], prefix) <= 0;
    }

    /// Puts all fences, then all filters.
    void write(TableWriter to) {
        for (int block = 0; block < count; block++) {
            to.put(fences[block]);
        }
        for (int block = 0; block < count; block++) {
            long[] slab = filters[block / SLAB];
            int at = block % SLAB * FILTER;
            for (int i = 0; i < FILTER; i++) {
                to.put(slab[at + i]);
            }
        }
    }

    /// The reverse of [#write].
    static Blocks read(TableReader from, int count) {
        Blocks blocks = new Blocks();
        blocks.count = count;
        blocks.fences = new long[count];
        from.next(blocks.fences);
        blocks.filters = new long[(count + SLAB - 1) / SLAB][];
        for (int slab = 0; slab < blocks.filters.length; slab++) {
            long[] filters = new long[Math.min(SLAB, count - slab * SLAB) * FILTER];
            from.next(filters);
            blocks.filters[slab] = filters;
        }
        return blocks;
    }
}
