package io.stillpoint.benchmark.denser;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/// Bytes in a file of the history.
record Content(FileChannel file, long offset) {
    void read(byte[] into, int length) throws IOException {
        read(file, offset, into, length);
    }

    static void read(FileChannel file, long offset, byte[] into, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(into, 0, length);
        while (buffer.hasRemaining()) {
            if (file.read(buffer, offset + buffer.position()) < 0) {
                throw new EOFException("at " + offset);
            }
        }
    }
}
