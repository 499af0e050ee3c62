package io.stillpoint.hypervisor.nbd;

import java.util.OptionalInt;

/// What the handshake agreed on.
///
/// @param size bytes
/// @param blockMin every offset and length must be a multiple of it; a power of two
/// @param blockMax the longest read or write in bytes
/// @param contextId the id of the one metadata context that was asked for, if the server has it
record NbdExport(
        long size,
        boolean readOnly,
        boolean canFlush,
        boolean multiConnection,
        int blockMin,
        int blockMax,
        boolean structuredReplies,
        OptionalInt contextId) {}
