package io.stillpoint.hypervisor.nbd;

/// Constants of the protocol, from the section "Values" and the sections named here.
final class NbdWire {
    /// "Newstyle negotiation": `NBDMAGIC`, then `IHAVEOPT`.
    static final long SERVER_MAGIC = 0x4e42444d41474943L;

    static final long OPTION_MAGIC = 0x49484156454f5054L;
    static final long OPTION_REPLY_MAGIC = 0x0003e889045565a9L;

    static final int FIXED_NEWSTYLE = 1;
    static final int NO_ZEROES = 1 << 1;

    static final int OPTION_GO = 7;
    static final int OPTION_STRUCTURED_REPLY = 8;
    static final int OPTION_SET_META_CONTEXT = 10;

    static final int REPLY_ACK = 1;
    static final int REPLY_INFO = 3;
    static final int REPLY_META_CONTEXT = 4;
    static final int REPLY_ERROR_BIT = 1 << 31;
    static final int REPLY_ERROR_UNKNOWN_EXPORT = REPLY_ERROR_BIT | 6;

    static final int INFO_EXPORT = 0;
    static final int INFO_BLOCK_SIZE = 3;

    static final int TRANSMISSION_HAS_FLAGS = 1;
    static final int TRANSMISSION_READ_ONLY = 1 << 1;
    static final int TRANSMISSION_CAN_FLUSH = 1 << 2;
    static final int TRANSMISSION_MULTI_CONNECTION = 1 << 8;

    static final int REQUEST_MAGIC = 0x25609513;
    static final int SIMPLE_REPLY_MAGIC = 0x67446698;
    static final int STRUCTURED_REPLY_MAGIC = 0x668e33ef;

    static final int COMMAND_READ = 0;
    static final int COMMAND_WRITE = 1;
    static final int COMMAND_DISCONNECT = 2;
    static final int COMMAND_FLUSH = 3;
    static final int COMMAND_BLOCK_STATUS = 7;

    static final int CHUNK_DONE = 1;
    static final int CHUNK_NONE = 0;
    static final int CHUNK_OFFSET_DATA = 1;
    static final int CHUNK_OFFSET_HOLE = 2;
    static final int CHUNK_BLOCK_STATUS = 5;
    static final int CHUNK_ERROR_BIT = 1 << 15;
    static final int CHUNK_ERROR_OFFSET = CHUNK_ERROR_BIT | 2;

    /// "Error values": ESHUTDOWN, the server is going away.
    static final int ERROR_SHUTDOWN = 108;

    /// "String values": no string of the protocol may be longer.
    static final int STRING_MAX = 4096;

    /// "Block size constraints": what a server without a stated maximum must at least accept.
    static final int DEFAULT_BLOCK_MAX = 32 << 20;

    private NbdWire() {}
}
