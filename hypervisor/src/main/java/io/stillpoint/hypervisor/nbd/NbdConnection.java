package io.stillpoint.hypervisor.nbd;

import io.stillpoint.hypervisor.HypervisorException;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// One connection in its transmission phase, with one request in flight. Used by one thread at a time; only
/// [#abort] and [#requestStartedNanos] are for others.
final class NbdConnection {
    /// A block status reply of more extents than this is none: QEMU sends at most 2^17.
    private static final int STATUS_EXTENTS_MAX = 1 << 20;

    private static final int ERROR_CHUNKS_MAX = 1024;

    private final NbdChannel channel;
    private final NbdErrors errors;
    private final Coverage coverage = new Coverage();
    private final NbdExport export;
    private long cookie;

    /// Set while a request runs and left set when it fails half way: the stream has no known position then.
    private volatile boolean broken;

    private volatile long requestStartedNanos;

    private NbdConnection(NbdChannel channel, NbdErrors errors, NbdExport export) {
        this.channel = channel;
        this.errors = errors;
        this.export = export;
    }

    /// An error that a server reported for a request; the connection stays usable.
    private record Failure(int error, String text) {}

    static NbdConnection open(
            SocketAddress address,
            String exportName,
            Optional<String> context,
            NbdErrors errors,
            StallGuard guard) {
        NbdChannel channel = NbdChannel.connect(address, errors);
        boolean done = false;
        try {
            guard.connecting(channel);
            NbdExport export = new NbdHandshake(channel, errors).run(exportName, context);
            done = true;
            return new NbdConnection(channel, errors, export);
        } finally {
            guard.connected(channel);
            if (!done) {
                channel.close();
            }
        }
    }

    NbdExport export() {
        return export;
    }

    boolean isUsable() {
        return !broken;
    }

    /// When the running request was started, or 0 when none runs.
    long requestStartedNanos() {
        return requestStartedNanos;
    }

    /// Reads at most `blockMax` bytes, all inside the export.
    void read(long offset, byte[] into, int at, int length) {
        send(NbdWire.COMMAND_READ, offset, length);
        channel.flush();
        Failure failure =
                export.structuredReplies()
                        ? readChunks(offset, into, at, length)
                        : readSimple(into, at, length);
        finish("read", offset, length, failure);
    }

    void write(long offset, byte[] from, int at, int length) {
        send(NbdWire.COMMAND_WRITE, offset, length);
        channel.write(from, at, length);
        channel.flush();
        finish("write", offset, length, readEmptyReply());
    }

    void flush() {
        send(NbdWire.COMMAND_FLUSH, 0, 0);
        channel.flush();
        finish("flush", 0, 0, readEmptyReply());
    }

    /// "NBD_CMD_BLOCK_STATUS": fills `reply` with at least one extent.
    void status(long offset, int length, StatusReply reply) {
        reply.clear();
        send(NbdWire.COMMAND_BLOCK_STATUS, offset, length);
        channel.flush();
        Failure failure = readStatus(length, reply);
        finish("block status", offset, length, failure);
        if (reply.count() == 0) {
            broken = true;
            throw errors.protocol("block status", "at least one extent", "none");
        }
    }

    /// "NBD_CMD_DISC": an orderly end.
    void disconnect() {
        if (!broken) {
            try {
                send(NbdWire.COMMAND_DISCONNECT, 0, 0);
                channel.flush();
            } catch (HypervisorException e) {
                // The server has left first, which is what was wanted.
            }
        }
        channel.close();
    }

    /// Ends the connection under whoever uses it.
    void abort() {
        broken = true;
        channel.close();
    }

    /// "Request message".
    private void send(int command, long offset, int length) {
        requestStartedNanos = System.nanoTime() | 1;
        broken = true;
        cookie++;
        channel.writeInt(NbdWire.REQUEST_MAGIC);
        channel.writeShort(0);
        channel.writeShort(command);
        channel.writeLong(cookie);
        channel.writeLong(offset);
        channel.writeInt(length);
    }

    private void finish(String command, long offset, long length, @Nullable Failure failure) {
        broken = false;
        requestStartedNanos = 0;
        if (failure != null) {
            throw errors.refused(command, offset, length, failure.error, failure.text);
        }
    }

    /// "Simple reply message", for a read without structured replies.
    private @Nullable Failure readSimple(byte[] into, int at, int length) {
        Failure failure = readSimpleHeader(channel.readInt());
        if (failure == null) {
            channel.read(into, at, length);
        }
        return failure;
    }

    private @Nullable Failure readSimpleHeader(int magic) {
        if (magic != NbdWire.SIMPLE_REPLY_MAGIC) {
            throw errors.protocol(
                    "magic of a reply",
                    Integer.toHexString(NbdWire.SIMPLE_REPLY_MAGIC),
                    Integer.toHexString(magic));
        }
        int error = channel.readInt();
        checkCookie(channel.readLong());
        return error == 0 ? null : new Failure(error, "");
    }

    /// The reply of a command without data: simple, or structured and empty.
    private @Nullable Failure readEmptyReply() {
        int magic = channel.readInt();
        if (magic == NbdWire.SIMPLE_REPLY_MAGIC || !export.structuredReplies()) {
            return readSimpleHeader(magic);
        }
        @Nullable Failure failure = null;
        for (int i = 0; i < ERROR_CHUNKS_MAX; i++) {
            Chunk chunk = readChunk(i == 0 ? magic : channel.readInt());
            if (chunk.isError()) {
                Failure found = readFailure(chunk);
                failure = failure == null ? found : failure;
            } else if (chunk.type != NbdWire.CHUNK_NONE) {
                throw errors.protocol(
                        "chunk of a reply without data", "none", "type " + chunk.type);
            }
            if (chunk.done) {
                return failure;
            }
        }
        throw tooManyErrors();
    }

    /// "Structured reply types": data and holes in any order, each byte once, then done.
    private @Nullable Failure readChunks(long offset, byte[] into, int at, int length) {
        coverage.reset();
        @Nullable Failure failure = null;
        int errorChunks = 0;
        while (true) {
            Chunk chunk = readChunk(channel.readInt());
            switch (chunk.type) {
                case NbdWire.CHUNK_NONE -> {}
                case NbdWire.CHUNK_OFFSET_DATA -> {
                    requirePayload(chunk, 9);
                    int bytes = chunk.length - Long.BYTES;
                    int start = place(channel.readLong(), bytes, offset, length);
                    channel.read(into, at + start, bytes);
                }
                case NbdWire.CHUNK_OFFSET_HOLE -> {
                    if (chunk.length != 12) {
                        throw errors.protocol("length of a hole chunk", 12, chunk.length);
                    }
                    long holeOffset = channel.readLong();
                    int bytes = channel.readInt();
                    int start = place(holeOffset, bytes, offset, length);
                    Arrays.fill(into, at + start, at + start + bytes, (byte) 0);
                }
                default -> {
                    if (!chunk.isError()) {
                        throw errors.protocol(
                                "chunk of a read", "data or hole", "type " + chunk.type);
                    }
                    if (++errorChunks > ERROR_CHUNKS_MAX) {
                        throw tooManyErrors();
                    }
                    Failure found = readFailure(chunk);
                    failure = failure == null ? found : failure;
                }
            }
            if (chunk.done) {
                break;
            }
        }
        if (failure == null && !coverage.isComplete(length)) {
            throw errors.protocol("chunks of a read", "all " + length + " bytes", "a gap");
        }
        return failure;
    }

    /// Where a chunk goes, relative to the request's start.
    private int place(long chunkOffset, int bytes, long offset, int length) {
        if (bytes < 1
                || chunkOffset < offset
                || chunkOffset - offset > length
                || bytes > length - (chunkOffset - offset)) {
            throw errors.protocol(
                    "range of a chunk",
                    "inside " + offset + "+" + length,
                    chunkOffset + "+" + Integer.toUnsignedString(bytes));
        }
        int start = (int) (chunkOffset - offset);
        if (!coverage.add(start, start + bytes)) {
            throw errors.protocol(
                    "chunks of a read", "each byte once", "overlap at " + chunkOffset);
        }
        return start;
    }

    private @Nullable Failure readStatus(long length, StatusReply reply) {
        @Nullable Failure failure = null;
        int magic = channel.readInt();
        if (magic == NbdWire.SIMPLE_REPLY_MAGIC) {
            failure = readSimpleHeader(magic);
            if (failure == null) {
                throw errors.protocol("reply to block status", "structured", "simple");
            }
            return failure;
        }
        for (int i = 0; i < ERROR_CHUNKS_MAX; i++) {
            Chunk chunk = readChunk(i == 0 ? magic : channel.readInt());
            if (chunk.type == NbdWire.CHUNK_BLOCK_STATUS) {
                readExtents(chunk, length, reply);
            } else if (chunk.isError()) {
                Failure found = readFailure(chunk);
                failure = failure == null ? found : failure;
            } else if (chunk.type != NbdWire.CHUNK_NONE) {
                throw errors.protocol("chunk of a block status", "extents", "type " + chunk.type);
            }
            if (chunk.done) {
                return failure;
            }
        }
        throw tooManyErrors();
    }

    /// One chunk for the one context: id, then pairs of length and flags. The last extent may reach beyond
    /// the request, no other.
    private void readExtents(Chunk chunk, long length, StatusReply reply) {
        int pairs = (chunk.length - 4) / 8;
        if (chunk.length < 12 || chunk.length % 8 != 4 || pairs > STATUS_EXTENTS_MAX) {
            throw errors.protocol("length of a block status chunk", "4 + n * 8", "" + chunk.length);
        }
        int context = channel.readInt();
        if (reply.count() != 0 || export.contextId().isEmpty()) {
            throw errors.protocol("block status chunks", "one for the context asked for", "more");
        }
        if (context != export.contextId().getAsInt()) {
            throw errors.protocol(
                    "context of a block status", export.contextId().getAsInt(), context);
        }
        long covered = 0;
        for (int i = 0; i < pairs; i++) {
            long extent = Integer.toUnsignedLong(channel.readInt());
            int flags = channel.readInt();
            if (extent == 0 || covered >= length) {
                throw errors.protocol(
                        "extents of a block status",
                        "to cover " + length + " bytes",
                        "more or empty");
            }
            covered += extent;
            reply.add(extent, flags);
        }
    }

    private record Chunk(boolean done, int type, int length) {
        boolean isError() {
            return (type & NbdWire.CHUNK_ERROR_BIT) != 0;
        }
    }

    /// "Structured reply chunk message", the header behind its magic.
    private Chunk readChunk(int magic) {
        if (magic != NbdWire.STRUCTURED_REPLY_MAGIC) {
            throw errors.protocol(
                    "magic of a reply",
                    Integer.toHexString(NbdWire.STRUCTURED_REPLY_MAGIC),
                    Integer.toHexString(magic));
        }
        int flags = channel.readUnsignedShort();
        int type = channel.readUnsignedShort();
        checkCookie(channel.readLong());
        int length = channel.readInt();
        if ((flags & ~NbdWire.CHUNK_DONE) != 0) {
            throw errors.protocol("flags of a chunk", "0 or 1", "" + flags);
        }
        boolean done = (flags & NbdWire.CHUNK_DONE) != 0;
        if (length < 0 || (type == NbdWire.CHUNK_NONE && (length != 0 || !done))) {
            throw errors.protocol(
                    "chunk of type " + type,
                    "a length that fits it",
                    Integer.toUnsignedString(length));
        }
        return new Chunk(done, type, length);
    }

    /// "Error chunk types": error, length of a text, text, perhaps an offset.
    private Failure readFailure(Chunk chunk) {
        requirePayload(chunk, 6);
        int error = channel.readInt();
        int textLength = channel.readUnsignedShort();
        if (error == 0 || textLength > NbdWire.STRING_MAX || textLength > chunk.length - 6) {
            throw errors.protocol(
                    "error chunk",
                    "an error and a text inside it",
                    error + ", text of " + textLength);
        }
        byte[] text = new byte[textLength];
        channel.read(text, 0, textLength);
        int rest = chunk.length - 6 - textLength;
        if (rest > NbdWire.STRING_MAX
                || (chunk.type == NbdWire.CHUNK_ERROR_OFFSET && rest != Long.BYTES)) {
            throw errors.protocol("error chunk", "nothing behind its text", rest + " bytes");
        }
        channel.skip(rest);
        return new Failure(error, new String(text, StandardCharsets.UTF_8));
    }

    private void requirePayload(Chunk chunk, int least) {
        if (chunk.length < least) {
            throw errors.protocol(
                    "length of a chunk of type " + chunk.type,
                    least + " or more",
                    "" + chunk.length);
        }
    }

    private void checkCookie(long found) {
        if (found != cookie) {
            throw errors.protocol("cookie of a reply", cookie, found);
        }
    }

    private HypervisorException tooManyErrors() {
        return errors.protocol("chunks of one reply", "at most " + ERROR_CHUNKS_MAX, "more");
    }
}
