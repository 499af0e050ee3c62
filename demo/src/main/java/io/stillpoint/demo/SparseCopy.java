package io.stillpoint.demo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// Copies a file and leaves holes where it holds zeros.
final class SparseCopy {
    private static final int BLOCK = 64 * 1024;

    private SparseCopy() {}

    static void copy(Path from, Path to) {
        try {
            Files.deleteIfExists(to);
            try (FileChannel in = FileChannel.open(from, StandardOpenOption.READ);
                    FileChannel out =
                            FileChannel.open(
                                    to,
                                    StandardOpenOption.CREATE_NEW,
                                    StandardOpenOption.WRITE,
                                    StandardOpenOption.SPARSE)) {
                copy(in, out);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void copy(FileChannel in, FileChannel out) throws IOException {
        ByteBuffer block = ByteBuffer.allocateDirect(BLOCK);
        ByteBuffer zeros = ByteBuffer.allocateDirect(BLOCK);
        long size = in.size();
        for (long at = 0; at < size; at += BLOCK) {
            block.clear().limit((int) Math.min(BLOCK, size - at));
            while (block.hasRemaining() && in.read(block, at + block.position()) >= 0) {}
            block.flip();
            // The last block is always written, so that the length is right.
            if (at + BLOCK >= size || !block.equals(zeros)) {
                for (long place = at; block.hasRemaining(); ) {
                    place += out.write(block, place);
                }
            }
        }
    }
}
