package io.stillpoint.hypervisor.nbd;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/// A buffered byte stream in both directions. Big-endian, as all integers of NBD.
///
/// Both buffers are direct and live as long as the connection: a read costs one copy from the socket and
/// one into the caller's array, and no garbage.
final class NbdChannel {
    /// A little more than a unix socket holds at once by default.
    private static final int BUFFER_BYTES = 256 << 10;

    private final SocketChannel channel;
    private final NbdErrors errors;
    private final ByteBuffer in = ByteBuffer.allocateDirect(BUFFER_BYTES).flip();
    private final ByteBuffer out = ByteBuffer.allocateDirect(BUFFER_BYTES);

    private NbdChannel(SocketChannel channel, NbdErrors errors) {
        this.channel = channel;
        this.errors = errors;
    }

    static NbdChannel connect(SocketAddress address, NbdErrors errors) {
        try {
            SocketChannel channel = SocketChannel.open(address);
            if (channel.supportedOptions().contains(StandardSocketOptions.TCP_NODELAY)) {
                channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            }
            return new NbdChannel(channel, errors);
        } catch (IOException e) {
            throw errors.lost(e);
        }
    }

    long readLong() {
        need(Long.BYTES);
        return in.getLong();
    }

    int readInt() {
        need(Integer.BYTES);
        return in.getInt();
    }

    int readUnsignedShort() {
        need(Short.BYTES);
        return Short.toUnsignedInt(in.getShort());
    }

    void read(byte[] into, int at, int length) {
        int done = 0;
        while (done < length) {
            if (!in.hasRemaining()) {
                fill();
            }
            int step = Math.min(in.remaining(), length - done);
            in.get(into, at + done, step);
            done += step;
        }
    }

    void skip(int length) {
        int left = length;
        while (left > 0) {
            if (!in.hasRemaining()) {
                fill();
            }
            int step = Math.min(in.remaining(), left);
            in.position(in.position() + step);
            left -= step;
        }
    }

    void writeLong(long value) {
        room(Long.BYTES);
        out.putLong(value);
    }

    void writeInt(int value) {
        room(Integer.BYTES);
        out.putInt(value);
    }

    void writeShort(int value) {
        room(Short.BYTES);
        out.putShort((short) value);
    }

    void write(byte[] from, int at, int length) {
        int done = 0;
        while (done < length) {
            if (!out.hasRemaining()) {
                flush();
            }
            int step = Math.min(out.remaining(), length - done);
            out.put(from, at + done, step);
            done += step;
        }
    }

    void flush() {
        out.flip();
        try {
            while (out.hasRemaining()) {
                channel.write(out);
            }
        } catch (IOException e) {
            throw errors.lost(e);
        } finally {
            out.clear();
        }
    }

    /// Safe from any thread; a thread that waits in a read or write here fails at once.
    void close() {
        try {
            channel.close();
        } catch (IOException e) {
            // Nothing is lost: whatever had to be durable was flushed and answered before.
        }
    }

    private void need(int bytes) {
        if (in.remaining() < bytes) {
            in.compact();
            try {
                while (in.position() < bytes) {
                    receive();
                }
            } finally {
                in.flip();
            }
        }
    }

    private void fill() {
        in.clear();
        try {
            receive();
        } finally {
            in.flip();
        }
    }

    private void receive() {
        try {
            if (channel.read(in) < 0) {
                throw new EOFException("closed by the server");
            }
        } catch (IOException e) {
            throw errors.lost(e);
        }
    }

    private void room(int bytes) {
        if (out.remaining() < bytes) {
            flush();
        }
    }
}
