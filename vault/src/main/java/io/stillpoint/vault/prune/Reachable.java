package io.stillpoint.vault.prune;

import io.stillpoint.vault.crypto.ItemId;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/// Which items points reach, as a Bloom filter ("Space/time trade-offs in hash coding with allowable errors", 1970): what was added
/// is always found; of what was not, one in 100,000 is found too and so kept until the next time. Ids are keyed
/// hashes, so their bits serve as they are. Safe for use by many threads.
public final class Reachable {
    private static final VarHandle WORDS = MethodHandles.arrayElementVarHandle(long[].class);
    private static final int BITS_PER_ITEM = 32;
    private static final int PROBES = 8;
    private static final int SMALLEST = 1 << 10;

    private final long[] bits;
    private final long count;

    /// @param items how many there may be
    /// @param bytesMax of memory; with less than four bytes an item, more is kept that could go
    public Reachable(long items, long bytesMax) {
        long words = Math.min(bytesFor(items), bytesMax) / Long.BYTES;
        bits = new long[Math.toIntExact(Math.min(words, Integer.MAX_VALUE - 8))];
        count = (long) bits.length * Long.SIZE;
    }

    /// How many bytes so many items are worth.
    public static long bytesFor(long items) {
        return items * BITS_PER_ITEM / Byte.SIZE + (long) SMALLEST * Long.BYTES;
    }

    public void add(ItemId id) {
        for (int probe = 0; probe < PROBES; probe++) {
            long bit = bit(id, probe);
            int word = (int) (bit >>> 6);
            long mask = 1L << (bit & 63);
            if (((long) WORDS.getOpaque(bits, word) & mask) == 0) {
                long _ = (long) WORDS.getAndBitwiseOr(bits, word, mask);
            }
        }
    }

    public boolean contains(ItemId id) {
        for (int probe = 0; probe < PROBES; probe++) {
            long bit = bit(id, probe);
            long word = (long) WORDS.getOpaque(bits, (int) (bit >>> 6));
            if ((word >>> (bit & 63) & 1) == 0) {
                return false;
            }
        }
        return true;
    }

    /// "Less hashing, same performance" (2008): two hashes make all the others.
    private long bit(ItemId id, int probe) {
        return Math.floorMod(id.a() + probe * (id.b() | 1) + (long) probe * probe * id.c(), count);
    }
}
