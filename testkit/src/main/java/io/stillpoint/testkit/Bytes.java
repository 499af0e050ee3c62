package io.stillpoint.testkit;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;

/// Content in the kinds that disks have, the same for the same seed on every machine.
public enum Bytes {
    /// Holes and freed space.
    ZERO {
        @Override
        public void fill(byte[] target, long seed) {
            Arrays.fill(target, (byte) 0);
        }
    },
    /// Encrypted or compressed already: zstd gains nothing.
    RANDOM {
        @Override
        public void fill(byte[] target, long seed) {
            new Random(seed).nextBytes(target);
        }
    },
    /// Log lines: zstd makes about a fifth of it.
    TEXT {
        @Override
        public void fill(byte[] target, long seed) {
            Random random = new Random(seed);
            int at = 0;
            for (long line = 0; at < target.length; line++) {
                byte[] bytes = line(line, random).getBytes(StandardCharsets.US_ASCII);
                int length = Math.min(bytes.length, target.length - at);
                System.arraycopy(bytes, 0, target, at, length);
                at += length;
            }
        }
    },
    /// Pages of 8 KiB with a header that counts, rows in the middle and unused space: what a database file
    /// looks like.
    PAGES {
        @Override
        public void fill(byte[] target, long seed) {
            Random random = new Random(seed);
            ByteBuffer pages = ByteBuffer.wrap(target);
            for (int page = 0; pages.hasRemaining(); page++) {
                pages.put(page(page, random), 0, Math.min(PAGE, pages.remaining()));
            }
        }
    };

    private static final int PAGE = 8192;
    private static final String[] WORDS = {
        "accepted",
        "backup",
        "closed",
        "connection",
        "disk",
        "error",
        "finished",
        "guest",
        "host",
        "point",
        "read",
        "request",
        "snapshot",
        "started",
        "timeout",
        "user",
        "write"
    };

    /// Fills the whole array.
    public abstract void fill(byte[] target, long seed);

    /// `length` bytes of this kind.
    public byte[] of(int length, long seed) {
        byte[] bytes = new byte[length];
        fill(bytes, seed);
        return bytes;
    }

    private static String line(long number, Random random) {
        StringBuilder line = new StringBuilder("2026-11-20T10:").append(number % 3600 + 1000);
        line.append("Z host")
                .append(random.nextInt(8))
                .append(" service[")
                .append(random.nextInt(30000))
                .append("]:");
        for (int words = 4 + random.nextInt(8); words > 0; words--) {
            line.append(' ').append(WORDS[random.nextInt(WORDS.length)]);
        }
        return line.append('\n').toString();
    }

    private static byte[] page(int number, Random random) {
        ByteBuffer page = ByteBuffer.allocate(PAGE);
        int rows = 20 + random.nextInt(60);
        page.putLong(random.nextLong()).putInt(number).putInt(rows);
        for (int row = 0; row < rows; row++) {
            page.putInt(number * 100 + row).putLong(random.nextLong());
            page.put(line(row, random).getBytes(StandardCharsets.US_ASCII), 0, 60);
        }
        return page.array();
    }
}
