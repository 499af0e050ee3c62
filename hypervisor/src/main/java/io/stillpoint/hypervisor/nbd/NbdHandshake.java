package io.stillpoint.hypervisor.nbd;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.OptionalInt;

/// The fixed newstyle handshake ("Newstyle negotiation", "Option negotiation").
final class NbdHandshake {
    /// Replies to one option before the final one; more is a server that talks for ever.
    private static final int REPLIES_MAX = 64;

    private final NbdChannel channel;
    private final NbdErrors errors;

    NbdHandshake(NbdChannel channel, NbdErrors errors) {
        this.channel = channel;
        this.errors = errors;
    }

    /// Runs it up to the transmission phase.
    ///
    /// @param context a metadata context to select, such as `base:allocation`
    NbdExport run(String exportName, Optional<String> context) {
        greet();
        boolean structured = askForStructuredReplies();
        OptionalInt contextId = OptionalInt.empty();
        if (structured && context.isPresent()) {
            contextId = selectContext(exportName, context.get());
        }
        return export(go(exportName), structured, contextId);
    }

    private void greet() {
        long magic = channel.readLong();
        if (magic != NbdWire.SERVER_MAGIC) {
            throw errors.protocol("greeting", "NBDMAGIC", hex(magic));
        }
        long style = channel.readLong();
        if (style != NbdWire.OPTION_MAGIC) {
            throw errors.protocol("greeting", "IHAVEOPT (newstyle)", hex(style));
        }
        int flags = channel.readUnsignedShort();
        if ((flags & NbdWire.FIXED_NEWSTYLE) == 0) {
            throw errors.protocol("handshake flags", "fixed newstyle", hex(flags));
        }
        // Only flags that the server has offered may be answered.
        channel.writeInt(flags & (NbdWire.FIXED_NEWSTYLE | NbdWire.NO_ZEROES));
        channel.flush();
    }

    private boolean askForStructuredReplies() {
        sendOption(NbdWire.OPTION_STRUCTURED_REPLY, new byte[0]);
        OptionReply reply = readReply(NbdWire.OPTION_STRUCTURED_REPLY);
        channel.skip(reply.length);
        return reply.type == NbdWire.REPLY_ACK;
    }

    /// "NBD_OPT_SET_META_CONTEXT".
    private OptionalInt selectContext(String exportName, String context) {
        byte[] export = exportName.getBytes(StandardCharsets.UTF_8);
        byte[] query = context.getBytes(StandardCharsets.UTF_8);
        channelOption(NbdWire.OPTION_SET_META_CONTEXT, 12 + export.length + query.length);
        writeString(export);
        channel.writeInt(1);
        writeString(query);
        channel.flush();
        OptionalInt id = OptionalInt.empty();
        for (int i = 0; i < REPLIES_MAX; i++) {
            OptionReply reply = readReply(NbdWire.OPTION_SET_META_CONTEXT);
            if (reply.type == NbdWire.REPLY_ACK) {
                channel.skip(reply.length);
                return id;
            }
            if (reply.type != NbdWire.REPLY_META_CONTEXT) {
                throw refusal(exportName, reply);
            }
            if (reply.length < 5) {
                throw errors.protocol(
                        "length of a metadata context", "5 or more", "" + reply.length);
            }
            int found = channel.readInt();
            String name = readString(reply.length - 4);
            if (!name.equals(context) || id.isPresent()) {
                throw errors.protocol("metadata context", context + " once", name);
            }
            id = OptionalInt.of(found);
        }
        throw errors.protocol("replies to one option", "at most " + REPLIES_MAX, "more");
    }

    /// "NBD_OPT_INFO and NBD_OPT_GO".
    private Offer go(String exportName) {
        byte[] export = exportName.getBytes(StandardCharsets.UTF_8);
        channelOption(NbdWire.OPTION_GO, 4 + export.length + 2 + 2);
        writeString(export);
        channel.writeShort(1);
        channel.writeShort(NbdWire.INFO_BLOCK_SIZE);
        channel.flush();
        long size = -1;
        int flags = 0;
        int blockMin = 1;
        int blockMax = NbdWire.DEFAULT_BLOCK_MAX;
        for (int i = 0; i < REPLIES_MAX; i++) {
            OptionReply reply = readReply(NbdWire.OPTION_GO);
            if (reply.type == NbdWire.REPLY_ACK) {
                channel.skip(reply.length);
                return new Offer(size, flags, blockMin, blockMax);
            }
            if (reply.type != NbdWire.REPLY_INFO) {
                throw refusal(exportName, reply);
            }
            if (reply.length < 2) {
                throw errors.protocol("length of an information", "2 or more", "" + reply.length);
            }
            int kind = channel.readUnsignedShort();
            if (kind == NbdWire.INFO_EXPORT) {
                requireLength("export information", 12, reply.length);
                size = channel.readLong();
                flags = channel.readUnsignedShort();
            } else if (kind == NbdWire.INFO_BLOCK_SIZE) {
                requireLength("block size information", 14, reply.length);
                blockMin = channel.readInt();
                channel.skip(Integer.BYTES); // the preferred size
                // The value 0xffffffff means "no limit": Java's arrays are one.
                int max = channel.readInt();
                blockMax = max < 0 ? Integer.MAX_VALUE : max;
            } else {
                channel.skip(reply.length - 2);
            }
        }
        throw errors.protocol("replies to one option", "at most " + REPLIES_MAX, "more");
    }

    /// What the server says of the export, unchecked.
    private record Offer(long size, int flags, int blockMin, int blockMax) {}

    private NbdExport export(Offer offer, boolean structured, OptionalInt contextId) {
        long size = offer.size;
        int flags = offer.flags;
        int blockMin = offer.blockMin;
        int blockMax = offer.blockMax;
        if (size < 0) {
            throw errors.protocol("export size", "0 to 2^63-1", "" + size);
        }
        if ((flags & NbdWire.TRANSMISSION_HAS_FLAGS) == 0) {
            throw errors.protocol("transmission flags", "bit 0 set", hex(flags));
        }
        // "Block size constraints": a power of two up to 64 KiB, and a maximum of at least that.
        if (blockMin < 1 || blockMin > 1 << 16 || Integer.bitCount(blockMin) != 1) {
            throw errors.protocol(
                    "minimum block size", "a power of two up to 65536", "" + blockMin);
        }
        if (blockMax < Math.max(blockMin, 1 << 16)) {
            throw errors.protocol("maximum block size", "65536 or more", "" + blockMax);
        }
        return new NbdExport(
                size,
                (flags & NbdWire.TRANSMISSION_READ_ONLY) != 0,
                (flags & NbdWire.TRANSMISSION_CAN_FLUSH) != 0,
                (flags & NbdWire.TRANSMISSION_MULTI_CONNECTION) != 0,
                blockMin,
                Math.min(blockMax, NbdWire.DEFAULT_BLOCK_MAX) & -blockMin,
                structured,
                contextId);
    }

    private record OptionReply(int type, int length) {}

    private OptionReply readReply(int option) {
        long magic = channel.readLong();
        if (magic != NbdWire.OPTION_REPLY_MAGIC) {
            throw errors.protocol(
                    "magic of an option reply", hex(NbdWire.OPTION_REPLY_MAGIC), hex(magic));
        }
        int answered = channel.readInt();
        if (answered != option) {
            throw errors.protocol("answered option", option, answered);
        }
        int type = channel.readInt();
        int length = channel.readInt();
        // Nothing we ask for is answered with more than a string and a few integers.
        if (length < 0 || length > NbdWire.STRING_MAX + 64) {
            throw errors.protocol(
                    "length of an option reply",
                    "at most " + (NbdWire.STRING_MAX + 64),
                    Integer.toUnsignedString(length));
        }
        return new OptionReply(type, length);
    }

    private HypervisorException refusal(String exportName, OptionReply reply) {
        if ((reply.type & NbdWire.REPLY_ERROR_BIT) == 0) {
            return errors.protocol("type of an option reply", "a known one", hex(reply.type));
        }
        String text = readString(reply.length);
        String code =
                reply.type == NbdWire.REPLY_ERROR_UNKNOWN_EXPORT
                        ? "nbd.unknown-export"
                        : "nbd.handshake-refused";
        return new HypervisorException(
                Kind.REFUSED, code, null, errors.where(), exportName, hex(reply.type), text);
    }

    private void requireLength(String what, int expected, int found) {
        if (found != expected) {
            throw errors.protocol("length of the " + what, expected, found);
        }
    }

    private String readString(int length) {
        if (length > NbdWire.STRING_MAX) {
            throw errors.protocol(
                    "length of a string", "at most " + NbdWire.STRING_MAX, "" + length);
        }
        byte[] bytes = new byte[length];
        channel.read(bytes, 0, length);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private void sendOption(int option, byte[] data) {
        channelOption(option, data.length);
        channel.write(data, 0, data.length);
        channel.flush();
    }

    private void channelOption(int option, int length) {
        channel.writeLong(NbdWire.OPTION_MAGIC);
        channel.writeInt(option);
        channel.writeInt(length);
    }

    private void writeString(byte[] bytes) {
        channel.writeInt(bytes.length);
        channel.write(bytes, 0, bytes.length);
    }

    private static String hex(long value) {
        return "0x" + Long.toHexString(value);
    }

    private static String hex(int value) {
        return "0x" + Integer.toHexString(value);
    }
}
