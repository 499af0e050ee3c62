package io.stillpoint.hypervisor.nbd;

import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// An NBD server of one disk of zeros with an honest handshake, whose lies are told by the test: each may
/// replace a step of the protocol.
final class LyingNbdServer implements AutoCloseable {
    static final int SIZE = 1 << 20;

    /// Answers one request.
    interface Reply {
        void send(DataOutputStream out, int command, long cookie, long offset, int length)
                throws IOException;
    }

    /// Sends whatever instead of a step.
    interface Step {
        void send(DataOutputStream out) throws IOException;
    }

    private final ServerSocketChannel server;
    private final Path socket;
    volatile Step greeting = LyingNbdServer::greet;
    volatile Step info = out -> exportInfo(out, 12, SIZE, 1 | 2);
    volatile Step contexts = LyingNbdServer::context;
    volatile Reply reply = (out, command, cookie, offset, length) -> {};

    LyingNbdServer(Path folder) throws IOException {
        socket = folder.resolve("lying.sock");
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket));
        Thread.ofPlatform().daemon().start(this::serve);
    }

    UnixDomainSocketAddress address() {
        return UnixDomainSocketAddress.of(socket);
    }

    @Override
    public void close() throws IOException {
        server.close();
    }

    static void greet(DataOutputStream out) throws IOException {
        out.writeLong(NbdWire.SERVER_MAGIC);
        out.writeLong(NbdWire.OPTION_MAGIC);
        out.writeShort(NbdWire.FIXED_NEWSTYLE | NbdWire.NO_ZEROES);
    }

    static void exportInfo(DataOutputStream out, int length, long size, int flags)
            throws IOException {
        optionReply(out, NbdWire.OPTION_GO, NbdWire.REPLY_INFO, length);
        out.writeShort(NbdWire.INFO_EXPORT);
        out.writeLong(size);
        out.writeShort(flags);
    }

    static void blockSize(DataOutputStream out, int min, int max) throws IOException {
        optionReply(out, NbdWire.OPTION_GO, NbdWire.REPLY_INFO, 14);
        out.writeShort(NbdWire.INFO_BLOCK_SIZE);
        out.writeInt(min);
        out.writeInt(4096);
        out.writeInt(max);
    }

    static void context(DataOutputStream out) throws IOException {
        byte[] name = NbdClient.ALLOCATION.getBytes(StandardCharsets.UTF_8);
        optionReply(
                out, NbdWire.OPTION_SET_META_CONTEXT, NbdWire.REPLY_META_CONTEXT, 4 + name.length);
        out.writeInt(7);
        out.write(name);
    }

    static void optionReply(DataOutputStream out, int option, int type, int length)
            throws IOException {
        out.writeLong(NbdWire.OPTION_REPLY_MAGIC);
        out.writeInt(option);
        out.writeInt(type);
        out.writeInt(length);
    }

    static void chunk(DataOutputStream out, int flags, int type, long cookie, int length)
            throws IOException {
        out.writeInt(NbdWire.STRUCTURED_REPLY_MAGIC);
        out.writeShort(flags);
        out.writeShort(type);
        out.writeLong(cookie);
        out.writeInt(length);
    }

    static void data(DataOutputStream out, int flags, long cookie, long offset, int bytes)
            throws IOException {
        chunk(out, flags, NbdWire.CHUNK_OFFSET_DATA, cookie, 8 + bytes);
        out.writeLong(offset);
        out.write(new byte[bytes]);
    }

    static void hole(DataOutputStream out, int flags, long cookie, long offset, int bytes)
            throws IOException {
        chunk(out, flags, NbdWire.CHUNK_OFFSET_HOLE, cookie, 12);
        out.writeLong(offset);
        out.writeInt(bytes);
    }

    static void extents(DataOutputStream out, long cookie, int context, int... pairs)
            throws IOException {
        chunk(out, NbdWire.CHUNK_DONE, NbdWire.CHUNK_BLOCK_STATUS, cookie, 4 + 4 * pairs.length);
        out.writeInt(context);
        for (int each : pairs) {
            out.writeInt(each);
        }
    }

    private void serve() {
        while (server.isOpen()) {
            try (SocketChannel channel = server.accept()) {
                DataInputStream in = new DataInputStream(Channels.newInputStream(channel));
                DataOutputStream out =
                        new DataOutputStream(
                                new BufferedOutputStream(
                                        Channels.newOutputStream(channel), 1 << 17));
                if (negotiate(in, out)) {
                    transmit(in, out);
                }
            } catch (IOException e) {
                // The client has left.
            }
        }
    }

    private boolean negotiate(DataInputStream in, DataOutputStream out) throws IOException {
        greeting.send(out);
        out.flush();
        in.readInt();
        while (true) {
            in.readLong();
            int option = in.readInt();
            in.skipNBytes(in.readInt());
            if (option == NbdWire.OPTION_GO) {
                info.send(out);
            }
            if (option == NbdWire.OPTION_SET_META_CONTEXT) {
                contexts.send(out);
            }
            optionReply(out, option, NbdWire.REPLY_ACK, 0);
            out.flush();
            if (option == NbdWire.OPTION_GO) {
                return true;
            }
        }
    }

    private void transmit(DataInputStream in, DataOutputStream out) throws IOException {
        while (true) {
            in.readInt();
            in.readShort();
            int command = in.readUnsignedShort();
            long cookie = in.readLong();
            long offset = in.readLong();
            int length = in.readInt();
            if (command == NbdWire.COMMAND_DISCONNECT) {
                return;
            }
            reply.send(out, command, cookie, offset, length);
            out.flush();
        }
    }
}
