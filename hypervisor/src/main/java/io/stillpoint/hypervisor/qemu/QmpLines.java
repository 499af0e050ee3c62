package io.stillpoint.hypervisor.qemu;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.Arrays;

/// Splits a monitor's stream into lines of bounded length.
final class QmpLines {
    static final int LINE_BYTES_MAX = 16 << 20;

    private final SocketChannel channel;
    private final ByteBuffer in = ByteBuffer.allocate(64 << 10).flip();
    private byte[] line = new byte[4 << 10];

    QmpLines(SocketChannel channel) {
        this.channel = channel;
    }

    /// A line was longer than [#LINE_BYTES_MAX].
    static final class OverlongLineException extends IOException {
        private static final long serialVersionUID = 1L;
    }

    /// The next line without its end. Blocks; throws [EOFException] when the peer has closed.
    byte[] next() throws IOException {
        int length = 0;
        while (true) {
            while (in.hasRemaining()) {
                byte next = in.get();
                if (next == '\n') {
                    return Arrays.copyOf(line, length);
                }
                if (length == line.length) {
                    if (length == LINE_BYTES_MAX) {
                        throw new OverlongLineException();
                    }
                    line = Arrays.copyOf(line, length * 2);
                }
                line[length++] = next;
            }
            in.clear();
            int count = channel.read(in);
            in.flip();
            if (count < 0) {
                throw new EOFException("closed by QEMU");
            }
        }
    }
}
