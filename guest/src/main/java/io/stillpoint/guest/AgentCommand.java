package io.stillpoint.guest;

import io.stillpoint.platform.Json;
import java.nio.ByteBuffer;
import tools.jackson.databind.node.ObjectNode;

/// A command and what its reply may be like.
///
/// @param replyBytesMax how long the reply's line may be
record AgentCommand(String name, ObjectNode arguments, int replyBytesMax) {
    /// Enough for 1 MiB of a file in base64, and for any list.
    static final int REPLY_BYTES_MAX = 4 << 20;

    static final String FREEZE = "guest-fsfreeze-freeze";
    static final String THAW = "guest-fsfreeze-thaw";
    static final String STATUS = "guest-fsfreeze-status";

    static AgentCommand of(String name) {
        return of(name, Json.object());
    }

    static AgentCommand of(String name, ObjectNode arguments) {
        return new AgentCommand(name, arguments, REPLY_BYTES_MAX);
    }

    /// The command on one line. Without an `id`: agents of QEMU 2 refuse it.
    byte[] line() {
        ObjectNode message = Json.object().put("execute", name);
        if (!arguments.isEmpty()) {
            message.set("arguments", arguments);
        }
        byte[] json = Json.bytes(message);
        return ByteBuffer.allocate(json.length + 1).put(json).put((byte) '\n').array();
    }
}
