package io.stillpoint.vault.read;

import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.pack.Place;
import java.util.List;

/// Chunks of a disk that lie in one frame, in the order of the frame.
///
/// @param chunks at least one
public record FrameGroup(List<ChunkAt> chunks) {
    /// A chunk of a disk and where it is stored.
    ///
    /// @param chunk its number on the disk
    record ChunkAt(long chunk, ItemId id, Place place) {}

    Place place() {
        return chunks.getFirst().place();
    }
}
