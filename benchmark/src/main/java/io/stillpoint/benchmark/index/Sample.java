package io.stillpoint.benchmark.index;

import io.stillpoint.vault.crypto.ItemId;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;

/// Some of the ids that an index has, in a file beside it, so that another process can look them up.
final class Sample {
    private static final int SIZE = 1 << 18;

    private final long[] words;

    private Sample(long[] words) {
        this.words = words;
    }

    static Path file(Path folder) {
        return folder.resolveSibling("sample");
    }

    /// How far apart the ids of a sample are, of so many.
    static long stride(long entries) {
        return Math.max(1, entries / SIZE);
    }

    static DataOutputStream create(Path folder) throws IOException {
        return new DataOutputStream(
                new BufferedOutputStream(Files.newOutputStream(file(folder)), 1 << 16));
    }

    static void add(DataOutputStream to, ItemId id) {
        try {
            ByteBuffer bytes = ByteBuffer.allocate(ItemId.LENGTH);
            id.write(bytes);
            to.write(bytes.array());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Sample read(Path folder) throws IOException {
        long[] words = new long[(int) (Files.size(file(folder)) / Long.BYTES)];
        try (DataInputStream from =
                new DataInputStream(
                        new BufferedInputStream(Files.newInputStream(file(folder)), 1 << 16))) {
            for (int i = 0; i < words.length; i++) {
                words[i] = from.readLong();
            }
        }
        return new Sample(words);
    }

    ItemId any(SplittableRandom random) {
        int at = random.nextInt(words.length / 4) * 4;
        return new ItemId(words[at], words[at + 1], words[at + 2], words[at + 3]);
    }
}
