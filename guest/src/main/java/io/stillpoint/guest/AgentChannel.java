package io.stillpoint.guest;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;

/// The bytes to and from an agent. Reads and writes wait for a bounded time, so that a deadline needs neither a second
/// thread nor the end of the channel: who gives up a channel may not get it back, since it serves whoever opens it next.
///
/// One thread at a time; only [#close()] may come from another, and ends what that one waits for. Each method throws
/// [java.nio.channels.ClosedByInterruptException] if its thread is interrupted while it waits.
public interface AgentChannel extends AutoCloseable {
    /// Reads what is there, and waits for the first byte of it.
    ///
    /// @param patience how long to wait at most; zero: not at all
    /// @return how many bytes; 0 if none came, -1 if the peer has closed the channel
    int read(ByteBuffer into, Duration patience) throws IOException;

    /// Writes what there is room for, and waits until there is room for one byte.
    ///
    /// @param patience how long to wait at most; zero: not at all
    /// @return how many bytes; 0 if there was no room
    int write(ByteBuffer from, Duration patience) throws IOException;

    @Override
    void close();
}
