package io.stillpoint.guest;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;

/// An agent's channel as lines of bounded length, sent and received with deadlines.
///
/// One thread at a time; only [#close()] may come from another, and ends what that one waits for.
final class AgentConnection implements AutoCloseable {
    /// The agent resets its parser at this byte, and puts it before the reply to guest-sync-delimited. It
    /// occurs in no UTF-8 text (docs/interop/qemu-ga-ref of QEMU).
    static final byte SENTINEL = (byte) 0xFF;

    /// The deadline passed.
    static final class LateException extends Exception {
        private static final long serialVersionUID = 1L;
    }

    /// A line was longer than allowed.
    static final class OverlongLineException extends Exception {
        private static final long serialVersionUID = 1L;
    }

    private final AgentChannel channel;
    private final ByteBuffer in = ByteBuffer.allocate(64 << 10).flip();

    AgentConnection(AgentChannel channel) {
        this.channel = channel;
    }

    void send(byte[] bytes, Deadline deadline) throws IOException, LateException {
        ByteBuffer out = ByteBuffer.wrap(bytes);
        while (out.hasRemaining()) {
            if (channel.write(out, left(deadline)) == 0) {
                requireTime(deadline);
            }
        }
    }

    /// Drops everything up to and with the next sentinel.
    void skipToSentinel(Deadline deadline) throws IOException, LateException {
        do {
            fill(deadline);
        } while (in.get() != SENTINEL);
    }

    /// The next line without its end.
    byte[] nextLine(int lengthMax, Deadline deadline)
            throws IOException, LateException, OverlongLineException {
        byte[] line = new byte[4 << 10];
        int length = 0;
        while (true) {
            fill(deadline);
            byte next = in.get();
            if (next == '\n') {
                return Arrays.copyOf(line, length);
            }
            if (length == lengthMax) {
                throw new OverlongLineException();
            }
            if (length == line.length) {
                line = Arrays.copyOf(line, Math.min(lengthMax, length * 2));
            }
            line[length++] = next;
        }
    }

    private void fill(Deadline deadline) throws IOException, LateException {
        while (!in.hasRemaining()) {
            in.clear();
            int count;
            try {
                count = channel.read(in, left(deadline));
            } finally {
                in.flip();
            }
            if (count < 0) {
                throw new EOFException("closed by the peer");
            }
            // Who floods us without end is late, too.
            requireTime(deadline);
        }
    }

    private static Duration left(Deadline deadline) {
        return Duration.ofNanos(deadline.nanosLeft());
    }

    private static void requireTime(Deadline deadline) throws LateException {
        if (deadline.hasPassed()) {
            throw new LateException();
        }
    }

    @Override
    public void close() {
        channel.close();
    }
}
