package io.stillpoint.hypervisor.qemu;

import io.stillpoint.platform.natives.UnixSocket;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// Splits a monitor's stream into lines of bounded length.
final class QmpLines {
    /// What QEMU tells of 256 disks with long chains of images is a tenth of this. Parsed it takes some twenty times as
    /// much memory.
    static final int LINE_BYTES_MAX = 4 << 20;

    /// A line that began before this has shown up in it is no event.
    private static final int EVENT_HEAD_BYTES = 256;

    /// QEMU's events have some hundred bytes.
    static final int EVENT_BYTES_MAX = 64 << 10;

    private final UnixSocket socket;
    private final byte[] in = new byte[64 << 10];
    private int at;
    private int end;
    private byte[] line = new byte[4 << 10];

    QmpLines(UnixSocket socket) {
        this.socket = socket;
    }

    /// A line was longer than what it can be allowed.
    static final class OverlongLineException extends IOException {
        private static final long serialVersionUID = 1L;

        private final int max;

        OverlongLineException(int max) {
            this.max = max;
        }

        int max() {
            return max;
        }
    }

    /// Whether the line under way looks like an event. One that does not, though it is one, is bounded as a reply is.
    private boolean isEvent() {
        return new String(line, 0, EVENT_HEAD_BYTES, StandardCharsets.ISO_8859_1)
                .contains("\"event\"");
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
                        throw new OverlongLineException(LINE_BYTES_MAX);
                    }
                    line = Arrays.copyOf(line, Math.min(length * 2, LINE_BYTES_MAX));
                }
                if (length == EVENT_BYTES_MAX && isEvent()) {
                    throw new OverlongLineException(EVENT_BYTES_MAX);
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
