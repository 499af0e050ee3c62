package io.stillpoint.benchmark.denser;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;

/// Days on each of which some pages of a file, drawn at random, get the bytes of others: pages rewritten as a whole, of
/// which nothing but their kind resembles what was there.
final class RandomPages {
    private static final int PAGE = 8192;
    private static final double SHARE = 0.02;
    private static final long SEED = 4711;

    private RandomPages() {}

    static void make(Path history, Path file, int days) throws IOException {
        Random random = new Random(SEED);
        byte[] page = new byte[PAGE];
        History.record(history, file);
        for (int day = 0; day < days; day++) {
            try (FileChannel channel =
                    FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                int pages = Math.toIntExact(channel.size() / PAGE);
                for (int i = 0; i < pages * SHARE; i++) {
                    Content.read(channel, (long) random.nextInt(pages) * PAGE, page, PAGE);
                    channel.write(ByteBuffer.wrap(page), (long) random.nextInt(pages) * PAGE);
                }
            }
            History.record(history, file);
        }
    }
}
