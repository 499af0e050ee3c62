package io.stillpoint.vault.pack;

import io.stillpoint.vault.store.ObjectId;

/// Where an item lies.
///
/// @param frameOffset where its frame begins in the pack, below 2^32
/// @param frameLength the frame's whole length in bytes, below 2^24
/// @param itemOffset where the item begins in the frame's plain bytes
/// @param itemLength the item's length in bytes, 1 to 65,536
public record Place(
        ObjectId pack, long frameOffset, int frameLength, int itemOffset, int itemLength) {}
