package io.stillpoint.simulation;

import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.BlockTarget;
import io.stillpoint.platform.block.Extent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;

/// Disks made of numbered chunks, cheap to make and to compare.
final class Disks {
    static final int CHUNK = 65_536;

    /// What of a chunk is not zeros: enough that packs fill, little enough that all is fast.
    private static final int CONTENT = 600;

    private Disks() {}

    /// The bytes of a numbered chunk, before zeros.
    static byte[] content(int number) {
        byte[] content = new byte[CONTENT];
        new Random(number).nextBytes(content);
        return content;
    }

    private static List<Extent> extents(boolean[] chunks) {
        List<Extent> extents = new ArrayList<>();
        for (int i = 0; i < chunks.length; i++) {
            if (chunks[i]) {
                extents.add(new Extent((long) i * CHUNK, CHUNK));
            }
        }
        return extents;
    }

    /// Where two disks of one size differ, and elsewhere now and then.
    static List<Extent> changes(int[] before, int[] after, Random random) {
        boolean[] changed = new boolean[after.length];
        for (int i = 0; i < after.length; i++) {
            changed[i] = before[i] != after[i] || random.nextInt(20) == 0;
        }
        return extents(changed);
    }

    static BlockSource source(int[] chunks, Runnable atRead) {
        return new BlockSource() {
            @Override
            public long size() {
                return (long) chunks.length * CHUNK;
            }

            @Override
            public Iterator<Extent> dataExtents() {
                boolean[] data = new boolean[chunks.length];
                for (int i = 0; i < data.length; i++) {
                    data[i] = chunks[i] != 0;
                }
                return extents(data).iterator();
            }

            @Override
            public void read(long offset, byte[] into, int at, int length) {
                atRead.run();
                Arrays.fill(into, at, at + length, (byte) 0);
                for (int done = 0; done < length; done += CHUNK) {
                    int number = chunks[(int) ((offset + done) / CHUNK)];
                    if (number != 0) {
                        System.arraycopy(content(number), 0, into, at + done, CONTENT);
                    }
                }
            }

            @Override
            public void close() {}
        };
    }

    /// Takes what is restored and compares it with what it should be.
    static final class Target implements BlockTarget {
        private final int[] expected;
        private final Map<Integer, Boolean> written = new HashMap<>();

        Target(int[] expected) {
            this.expected = expected;
        }

        @Override
        public long size() {
            return (long) expected.length * CHUNK;
        }

        @Override
        public void write(long offset, byte[] from, int at, int length) {
            for (int done = 0; done < length; done += CHUNK) {
                int chunk = (int) ((offset + done) / CHUNK);
                byte[] should = expected[chunk] == 0 ? new byte[CONTENT] : content(expected[chunk]);
                int start = at + done;
                boolean isEqual =
                        Arrays.equals(should, 0, CONTENT, from, start, start + CONTENT)
                                && Arrays.mismatch(
                                                from,
                                                start + CONTENT,
                                                start + CHUNK,
                                                new byte[CHUNK - CONTENT],
                                                0,
                                                CHUNK - CONTENT)
                                        < 0;
                written.put(chunk, isEqual);
            }
        }

        boolean isAsExpected() {
            for (int i = 0; i < expected.length; i++) {
                boolean isEqual = written.getOrDefault(i, expected[i] == 0);
                if (!isEqual) {
                    return false;
                }
            }
            return true;
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }
}
