package io.stillpoint.hypervisor.qemu;

import io.stillpoint.platform.natives.UnixSocket;
import java.io.EOFException;
import java.io.IOException;
import java.util.Arrays;

/// Splits a monitor's stream into lines of bounded length.
final class QmpLines {
    static final int LINE_BYTES_MAX = 16 << 20;

    private final UnixSocket socket;
    private final byte[] in = new byte[64 << 10];
    private int at;
    private int end;
    private byte[] line = new byte[4 << 10];

    QmpLines(UnixSocket socket) {
        this.socket = socket;
    }

    /// A line was longer than [#LINE_BYTES_MAX].
    static final class OverlongLineException extends IOException {
        private static final long serialVersionUID = 1L;
    }

    /// The next line without its end. Blocks; throws [EOFException] when the peer has closed.
    byte[] next() throws IOException {
        int length = 0;
        while (true) {
            while (at < end) {
                byte next = in[at++];
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
            at = 0;
            end = Math.max(0, socket.read(in));
            if (end == 0) {
                throw new EOFException("closed by QEMU");
            }
        }
    }
}
