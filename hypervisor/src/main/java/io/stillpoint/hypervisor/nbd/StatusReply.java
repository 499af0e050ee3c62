package io.stillpoint.hypervisor.nbd;

import java.util.Arrays;

/// The extents of one block status reply, in order from the requested offset on. Reused between requests.
final class StatusReply {
    private long[] lengths = new long[64];
    private int[] flags = new int[64];
    private int count;

    void clear() {
        count = 0;
    }

    void add(long length, int flag) {
        if (count == lengths.length) {
            lengths = Arrays.copyOf(lengths, count * 2);
            flags = Arrays.copyOf(flags, count * 2);
        }
        lengths[count] = length;
        flags[count] = flag;
        count++;
    }

    int count() {
        return count;
    }

    long length(int index) {
        return lengths[index];
    }

    int flags(int index) {
        return flags[index];
    }
}
