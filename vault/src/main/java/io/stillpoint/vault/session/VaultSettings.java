package io.stillpoint.vault.session;

import io.stillpoint.vault.pack.FrameCodec;
import java.time.Duration;

/// How a process works with a vault; none of it shows in the format.
///
/// @param frame how many plain bytes of chunks are compressed together, at most [FrameCodec#PLAIN_MAX]
/// @param differences whether chunks of which little changed are stored as differences from the ones before, which
///     reads those
/// @param dataPack after how many bytes a data pack is closed
/// @param metadataPack after how many bytes a metadata pack is closed; at least a frame and 64 KiB
/// @param patience how long a session of this process may be silent before prune takes it for dead; it speaks up
///     every hour
public record VaultSettings(
        int frame, boolean differences, int dataPack, int metadataPack, Duration patience) {
    public static final VaultSettings DEFAULT =
            new VaultSettings(FrameCodec.PLAIN_MAX, true, 32 << 20, 8 << 20, Duration.ofHours(24));

    /// As these, but chunks are stored whole: where reading costs more than room.
    public VaultSettings withoutDifferences() {
        return new VaultSettings(frame, false, dataPack, metadataPack, patience);
    }
}
